/**
 * Row 3: connections to the port of the peers that say nothing, opened again as soon as they are
 * closed.
 */
import type { Socket } from 'node:net'
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { open } from './raw-http.ts'
import { pause } from './waiting.ts'
import { warningsOf } from './status.ts'

/** More than may stand from one address of this machine, which are more than from others. */
const CONNECTIONS = 300
/** How long a connection without a proof may live, and what measuring it may be off by. */
const LIFE_MS = 12_000
const LIFE_SLACK_MS = 1_500
/** Tries to open one, all together. */
const OPENED_MAX = 6_000

export const silentConnections: Attack = {
  row: 3,
  name: 'silent-connections',
  against: ['secret', 'open'],
  async run({ victim, source, pressing }) {
    const before = await warningsOf(victim.httpPort)
    const sockets = new Set<Socket>()
    let openedCount = 0
    let longestMs = 0
    let isOver = false
    const add = (): void => {
      if (isOver || (openedCount += 1) > OPENED_MAX) return
      const socket = open(victim.libp2pPort, source)
      const sinceMs = performance.now()
      sockets.add(socket)
      socket.on('data', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        longestMs = Math.max(longestMs, performance.now() - sinceMs)
        setTimeout(add, 50)
      })
    }
    for (let index = 0; index < CONNECTIONS; index += 1) add()
    const startedMs = performance.now()
    await pause(1_000)
    await pressing()
    await pause(Math.max(0, LIFE_MS + LIFE_SLACK_MS - (performance.now() - startedMs)))
    const oldest = longestMs === 0 ? LIFE_MS + LIFE_SLACK_MS : longestMs
    const news = (await warningsOf(victim.httpPort)).filter((warning) => !before.includes(warning))
    isOver = true
    for (const socket of sockets) socket.destroy()
    return [
      finding(oldest < LIFE_MS + LIFE_SLACK_MS, `${openedCount} opened, the longest lived ${(oldest / 1_000).toFixed(1)} s`),
      finding(news.length > 0, news.length > 0 ? '/status warns' : '/status says nothing'),
    ]
  },
}
