/** Row 7: puts that announce a large body and never send it. */
import type { Socket } from 'node:net'
import type { Attack } from './attack.ts'
import { opened } from './raw-http.ts'
import { pause } from './waiting.ts'

const PUTS = 64
const ANNOUNCED_BYTES = 1_048_576

export const halfOpenPuts: Attack = {
  row: 7,
  name: 'half-open-puts',
  against: ['secret'],
  async run({ peers, source, pressing }) {
    const sockets: Socket[] = []
    for (const { httpPort } of peers) {
      for (let put = 0; put < PUTS; put += 1) {
        const socket = await opened(httpPort, source)
        socket.write(`PUT /store/half-open-${put} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${ANNOUNCED_BYTES}\r\n\r\nx`)
        sockets.push(socket)
      }
    }
    await pause(3_000)
    await pressing()
    for (const socket of sockets) socket.destroy()
    return []
  },
}
