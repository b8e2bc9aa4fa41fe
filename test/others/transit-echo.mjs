/** Another reader and writer of transit, transit-js: reads each line of its input, and writes what it read. */
import { createInterface } from 'node:readline'
import transit from 'transit-js'

const reader = transit.reader('json')
const writer = transit.writer('json')
for await (const line of createInterface({ input: process.stdin })) process.stdout.write(`${writer.write(reader.read(line))}\n`)
