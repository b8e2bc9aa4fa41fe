/** Row 7: large values asked for over and over, and never read. */
import type { Socket } from 'node:net'
import type { Attack } from './attack.ts'
import { exchange, opened, requestText } from './raw-http.ts'
import { pause } from './waiting.ts'

const VALUE_BYTES = 1_048_576
const CONNECTIONS = 120
const GETS = 40

export const unreadAnswers: Attack = {
  row: 7,
  name: 'unread-answers',
  against: ['secret'],
  async run({ victim, source, pressing }) {
    await exchange(victim.httpPort, source, requestText('PUT', '/store/unread', ['Host: localhost'], 'v'.repeat(VALUE_BYTES)))
    const sockets: Socket[] = []
    for (let connection = 0; connection < CONNECTIONS; connection += 1) {
      const socket = await opened(victim.httpPort, source)
      socket.pause()
      socket.write('GET /store/unread HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(GETS))
      sockets.push(socket)
    }
    await pause(3_000)
    await pressing()
    for (const socket of sockets) socket.destroy()
    return []
  },
}
