/** Row 1: very many requests on one connection, which then goes away. */
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { described } from './verdict.ts'
import { closed, exchange, opened, requestText } from './raw-http.ts'
import { pause } from './waiting.ts'
import { count } from './watch.ts'

const PATH = '/store/pipelined'
const RESET_AFTER = 6_000
const HANG_UP_AFTER = 100_000
const READ_TO_THE_END = 20_000
const READ_MS = 60_000

function gets(times: number): string {
  return `GET ${PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(times)
}

export const pipelined: Attack = {
  row: 1,
  name: 'pipelined',
  against: ['secret'],
  async run({ victim, source, pressing }) {
    await exchange(victim.httpPort, source, requestText('PUT', PATH, ['Host: localhost'], 'v'.repeat(1_000)))
    const put = `PUT ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n${'v'.repeat(1_000)}`
    const reset = await opened(victim.httpPort, source)
    // The put waits for the get before it, and everything else for the put.
    reset.write(`GET ${PATH}/never?wait=60000 HTTP/1.1\r\nHost: localhost\r\n\r\n${put}${gets(RESET_AFTER)}`)
    await pause(1_000)
    reset.resetAndDestroy()
    await pause(1_000)

    const silent = await opened(victim.httpPort, source)
    silent.pause()
    silent.write(put + gets(HANG_UP_AFTER))
    await pressing()
    silent.resetAndDestroy()

    const statuses = await readAnswers(victim.httpPort, source)
    const isWhole = statuses.size === 1 && statuses.get('200') === READ_TO_THE_END
    return [finding(isWhole, `${READ_TO_THE_END} requests in one go: ${described(statuses)}`)]
  },
}

async function readAnswers(port: number, source: string): Promise<Map<string, number>> {
  const socket = await opened(port, source)
  let text = ''
  socket.setEncoding('latin1').on('data', (read: string) => (text += read))
  socket.write(gets(READ_TO_THE_END - 1) + requestText('GET', PATH, ['Host: localhost']))
  await Promise.race([closed(socket), pause(READ_MS)])
  socket.destroy()
  const statuses = new Map<string, number>()
  for (const [, status = ''] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g)) count(statuses, status)
  return statuses
}
