/** Row 10: the signal by which Node opens its inspector, which runs whatever it is told. */
import { readFileSync } from 'node:fs'
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { pause } from './waiting.ts'

/** What Node says then; the second where another process has the port. */
const OPENS = /Debugger listening|Starting inspector on/

export const inspector: Attack = {
  row: 10,
  name: 'inspector',
  against: ['secret'],
  async run({ peers, pressing }) {
    for (const { processId } of peers) process.kill(processId, 'SIGUSR1')
    await pause(1_000)
    await pressing()
    const opened = peers.filter(({ logPath }) => OPENS.test(readFileSync(logPath, 'utf8'))).length
    return [finding(opened === 0, `${opened} of ${peers.length} opened the inspector`)]
  },
}
