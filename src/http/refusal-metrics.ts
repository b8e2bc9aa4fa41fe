/** How many requests the doors refused, by kind. */
import { Counter } from 'prom-client'
import type { Registry } from 'prom-client'

/** The kinds of refusals in front of a route. */
const REFUSAL_KINDS = [
  'misdirected',
  'foreign-page',
  'rate',
  'token-missing',
  'token-malformed',
  'token-unknown',
  'token-expired',
  'scope',
  'prefix',
] as const
export type RefusalKind = (typeof REFUSAL_KINDS)[number]

/** Numbers that whoever refuses adds to. */
export type Refusals = Record<RefusalKind, number>

export function noRefusals(): Refusals {
  return Object.fromEntries(REFUSAL_KINDS.map((kind) => [kind, 0])) as Refusals
}

export function registerRefusals(registry: Registry, refusals: Refusals): void {
  registry.registerMetric(
    new Counter({
      name: 'replicator_http_denied_total',
      help: 'HTTP requests denied in front of their route: by Host, origin, rate, token, scope or prefix',
      labelNames: ['kind'],
      registers: [],
      collect() {
        this.reset()
        for (const kind of REFUSAL_KINDS) this.inc({ kind }, refusals[kind])
      },
    }),
  )
}
