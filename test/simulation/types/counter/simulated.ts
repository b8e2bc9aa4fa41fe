/**
 * Counters in the simulated world: clients that count and look, a model of what they may see, and its checkers. N1: what is shown is on the
 * peer's disk, so an answered count survives any crash of its peer. N2: a total never goes back at one peer. N3: nobody sees more than was
 * counted. N4: after healing all peers show the same, and no less than what peers that still have their disk answered.
 */
import type { IdentityId } from '../../../../protocols/base/identity.ts'
import type { Outcome } from '../../../../protocols/effects.ts'
import type { ClientId } from '../../../../protocols/events.ts'
import { check } from '../../checkers/violation.ts'
import type { Coverage } from '../../coverage.ts'
import type { SimulatedPeer } from '../../peer.ts'
import type { Lacking, SimulatedType, TypeInit, WorldType } from '../../type.ts'
import { COUNTER, createCounter } from './counter.ts'
import type { CounterAnswer, CounterRequest } from './counter.ts'
import { CounterRows } from './rows.ts'

const NAMES: readonly string[] = ['doors', 'visitors', 'words']
const ADD_RATE = 0.6
/** Clients ask no more than this in a run. */
const REQUESTS_MAX = 300
/** A peer that is up answers within so long, whoever else is gone. */
const ANSWERED_WITHIN_MS = 10_000

interface Asked {
  readonly peer: SimulatedPeer
  readonly by: IdentityId
  readonly request: CounterRequest
  /** The highest that this peer had shown when it was asked. */
  readonly shownBefore: number
  readonly ended: () => void
}

export const COUNTERS: WorldType = {
  begin: (init) => new SimulatedCounters(init),
  further: {
    table: () => new CounterRows(),
    create: (disk) => createCounter((disk.seen(COUNTER) as CounterRows).totals),
  },
}

class SimulatedCounters implements SimulatedType {
  private readonly init: TypeInit
  private readonly asked = new Map<ClientId, Asked>()
  /** The highest that each store showed, by name. */
  private readonly shown = new Map<IdentityId, Map<string, number>>()
  /** How often each was counted, answered or not. */
  private readonly added = new Map<string, number>()
  private isStopped = false
  private requests = 0
  private answeredCount = 0

  constructor(init: TypeInit) {
    this.init = init
  }

  begin(): void {
    for (let client = 0; client < this.init.options.clientCount; client += 1) this.think()
  }

  stop(): void {
    this.isStopped = true
  }

  answered(client: ClientId, outcome: Outcome): void {
    const asked = this.asked.get(client)
    if (asked === undefined || outcome.kind !== 'typed') return
    this.asked.delete(client)
    this.answeredCount += 1
    const { total } = outcome.answer as CounterAnswer
    const { peer, by, request, shownBefore } = asked
    const { name, kind } = request
    const told = (): string => `${peer.peerId} answers ${kind} ${name}: ${total}`
    const onDisk = rowsOf(peer).total(name)
    check(onDisk >= total, 'N1', () => `${told()}, and its disk has ${onDisk}`)
    check(total >= shownBefore, 'N2', () => `${told()}, after ${shownBefore}`)
    const added = this.added.get(name) ?? 0
    check(total <= added, 'N3', () => `${told()}, of ${added} in all`)
    this.shownBy(by).set(name, Math.max(total, this.shownBy(by).get(name) ?? 0))
    asked.ended()
  }

  crashed(peer: SimulatedPeer): void {
    for (const [client, asked] of this.asked) {
      if (asked.peer !== peer) continue
      this.asked.delete(client)
      this.init.agenda.after(0, asked.ended)
    }
  }

  unsettled(): Lacking | undefined {
    for (const name of NAMES) {
      const totals = this.init.peers.map((peer) => rowsOf(peer).total(name))
      if (new Set(totals).size > 1) return { rule: 'N4', detail: `the totals of ${name} are ${totals.join(' ')}` }
    }
    return undefined
  }

  /** Nobody else is needed. */
  survive(peer: SimulatedPeer, missing: string): void {
    const { agenda } = this.init
    const client = this.ask(peer, { kind: 'add', name: 'doors' }, () => undefined)
    for (const endMs = agenda.nowMs + ANSWERED_WITHIN_MS; this.asked.has(client) && agenda.nowMs < endMs;) agenda.runUntil(agenda.nowMs + 5)
    check(!this.asked.has(client), 'L5', () => `without ${missing} a count at ${peer.peerId} is not answered`)
  }

  check(): void {
    for (const peer of this.init.peers) {
      for (const other of this.init.peers) {
        for (const [name, total] of this.shownBy(other.identity.id)) {
          const held = rowsOf(peer).total(name)
          check(held >= total, 'N4', () => `${peer.peerId} has ${held} of ${name}, and ${other.peerId} answered ${total}`)
        }
      }
    }
  }

  cover(coverage: Coverage): void {
    coverage.operations += this.requests
    coverage.answered += this.answeredCount
  }

  private think(): void {
    const { agenda, chance, options } = this.init
    agenda.after(chance.span(0, 2 * options.thinkMs), () => this.act())
  }

  private act(): void {
    const { chance, peers } = this.init
    if (this.isStopped || this.requests >= REQUESTS_MAX) return
    const up = peers.filter((peer) => peer.isUp && !peer.isPaused)
    if (up.length === 0) return this.think()
    const kind = chance.happens(ADD_RATE) ? 'add' : 'read'
    this.ask(chance.pick(up), { kind, name: chance.pick(NAMES) }, () => this.think())
  }

  private ask(peer: SimulatedPeer, request: CounterRequest, ended: () => void): ClientId {
    const client = this.init.nextClient()
    const { name, kind } = request
    const by = peer.identity.id
    this.requests += 1
    if (kind === 'add') this.added.set(name, (this.added.get(name) ?? 0) + 1)
    this.asked.set(client, { peer, by, request, shownBefore: this.shownBy(by).get(name) ?? 0, ended })
    peer.dispatch({ kind: 'typed', type: COUNTER, client, request, deadlineMs: peer.clockMs + ANSWERED_WITHIN_MS })
    return client
  }

  private shownBy(id: IdentityId): Map<string, number> {
    let shown = this.shown.get(id)
    if (shown === undefined) this.shown.set(id, (shown = new Map()))
    return shown
  }
}

/** What the peer has on disk. */
function rowsOf(peer: SimulatedPeer): CounterRows {
  return peer.disk.synced(COUNTER) as CounterRows
}
