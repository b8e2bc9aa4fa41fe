/** Row 7: as many gets as a peer serves at once, all of which wait for a key that nobody puts. */
import type { Socket } from 'node:net'
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { opened } from './raw-http.ts'
import { pause } from './waiting.ts'
import { described } from './verdict.ts'
import { count } from './watch.ts'

const GETS = 1_024

export const waitingGets: Attack = {
  row: 7,
  name: 'waiting-gets',
  against: ['secret'],
  async run({ peers, source, pressing }) {
    const sockets: Socket[] = []
    const answers = new Map<string, number>()
    for (const { httpPort } of peers) {
      for (let get = 0; get < GETS; get += 1) {
        const socket = await opened(httpPort, source)
        socket.on('data', (read: Buffer) => {
          const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(read.toString('latin1')) ?? []
          if (status !== undefined) count(answers, status)
        })
        socket.write(`GET /store/never-${get}?wait=60000 HTTP/1.1\r\nHost: localhost\r\n\r\n`)
        sockets.push(socket)
      }
    }
    await pause(2_000)
    await pressing()
    for (const socket of sockets) socket.destroy()
    const areRight = [...answers.keys()].every((status) => status === '503' || status === '429')
    return [finding(areRight, `answered at once: ${described(answers)}`)]
  },
}
