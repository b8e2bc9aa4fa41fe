/** Row 7: more idle HTTP connections than a peer has. */
import type { Socket } from 'node:net'
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { open } from './raw-http.ts'
import { pause } from './waiting.ts'

const CONNECTIONS = 10_100
const BATCH = 100

export const idleConnections: Attack = {
  row: 7,
  name: 'idle-connections',
  against: ['secret'],
  async run({ victim, source, pressing }) {
    const sockets = new Set<Socket>()
    let connected = 0
    for (let made = 0; made < CONNECTIONS; made += BATCH) {
      for (let index = 0; index < BATCH; index += 1) {
        const socket = open(victim.httpPort, source)
        socket.on('connect', () => (connected += 1)).on('close', () => sockets.delete(socket))
        sockets.add(socket)
      }
      await pause(20)
    }
    await pause(2_000)
    await pressing()
    const held = sockets.size
    for (const socket of sockets) socket.destroy()
    return [finding(true, `${connected} connected, ${held} held to the end`)]
  },
}
