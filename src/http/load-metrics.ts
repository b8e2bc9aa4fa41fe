/**
 * What is in flight, what was refused, and what was cut, for Prometheus: read where it is counted.
 */
import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'
import { KINDS } from './load.ts'
import type { Load } from './load.ts'

/**
 * Connections that were cut: by a body or an answer that moved too slowly, idle to make room, or
 * with too many unanswered requests.
 */
export type Cuts = Record<'body' | 'answer' | 'idle' | 'flood', number>

export function noCuts(): Cuts {
  return { body: 0, answer: 0, idle: 0, flood: 0 }
}

export function registerLoad(registry: Registry, load: Load, cuts: Cuts): void {
  const registers = [registry]
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  }
  gauge('replicator_http_requests_in_flight', 'Requests that are read, waiting for a key, or worked on', () => load.requests)
  gauge('replicator_http_body_bytes_in_flight', 'Bytes of bodies that are held', () => load.used('bodyBytes'))
  new Gauge({
    name: 'replicator_http_load',
    help: 'What each bound counts now',
    labelNames: ['kind'],
    registers,
    collect() {
      for (const kind of KINDS) this.set({ kind }, load.used(kind))
    },
  })
  new Counter({
    name: 'replicator_http_refused_total',
    help: 'Refused beyond a bound: to one client that had its part, or because all was taken',
    labelNames: ['kind', 'by'],
    registers,
    collect() {
      this.reset()
      for (const kind of KINDS) for (const by of ['client', 'all'] as const) this.inc({ kind, by }, load.refused[by][kind])
    },
  })
  new Counter({
    name: 'replicator_http_cut_total',
    help: 'Connections cut: for a slow body or answer, idle to make room, or for too many unanswered requests',
    labelNames: ['what'],
    registers,
    collect() {
      this.reset()
      for (const [what, count] of Object.entries(cuts)) this.inc({ what }, count)
    },
  })
}
