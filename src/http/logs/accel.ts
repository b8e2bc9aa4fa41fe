/**
 * A write that a proxy in front would rather take to whoever leads: it asks so by
 * `Replicator-Accel: yes`, and nginx then sends the same request to the location that
 * `X-Accel-Redirect` names, by the `-name` of who leads, or its id where it has none. Safe because nothing of the write has begun here.
 */
import type { Logs } from '../../ports/logs.ts'
import type { Exchange } from '../exchange.ts'
import { problem } from '../problems.ts'

const HEADER = 'replicator-accel'

/** Goes on with a write here, unless its proxy asks to be told who leads, and another does. */
export function unlessElsewhere(exchange: Exchange, logs: Logs, log: string, goOn: () => void): void {
  if (exchange.request.headers[HEADER] !== 'yes') return goOn()
  exchange.follow(logs.role(log), 0, (answer) => {
    const own = answer.kind === 'role' ? answer.own : undefined
    if (own?.leader === undefined || own.role === 'leader') return goOn()
    const redirect = problem('not-ordered', 'Another replica leads, and the proxy takes the request there. Nothing of it has begun here.')
    const { peerId } = own.leader
    const name = exchange.context.replicator.peers().find(({ id }) => id === peerId)?.name
    redirect.headers.push('X-Accel-Redirect', `@${name ?? peerId}`)
    exchange.send(redirect)
  })
}
