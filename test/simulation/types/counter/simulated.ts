/**
 * Counters in the simulated world: clients that count, look and watch, a model of what they may
 * see, and its checkers. N1: what is shown is on the peer's disk, so an answered count survives any
 * crash of its peer. N2: a total never goes back at one peer. N3: nobody sees more than was
 * counted. N4: after healing all peers show the same, and no less than what peers that still have
 * their disk answered. N5: a peer holds the row of one decade of a counter, and its hash tree is
 * that of its rows. N6: what was founded has one number, for whoever asks and at every peer.
 */
import { HashTree } from '../../../../protocols/base/hash-tree.ts'
import { hiddenKey } from '../../../../protocols/base/register.ts'
import { equalBytes } from '../../../../protocols/base/record.ts'
import type { IdentityId } from '../../../../protocols/base/identity.ts'
import type { Outcome, TypeOutcome } from '../../../../protocols/effects.ts'
import type { Row } from '../../../../protocols/base/rows.ts'
import type { ClientId } from '../../../../protocols/events.ts'
import { check } from '../../checkers/violation.ts'
import type { Coverage } from '../../coverage.ts'
import type { SimulatedPeer } from '../../peer.ts'
import type { Lacking, SimulatedType, TypeInit, WorldType } from '../../type.ts'
import { COUNTER } from './counter.ts'
import type { CounterAnswer, CounterRequest } from './counter.ts'
import { readTotal } from './messages.ts'

const NAMES: readonly string[] = ['doors', 'visitors', 'words']
const ADD_RATE = 0.6
/** Of the requests that do not count: those that watch. */
const WATCH_RATE = 0.3
const WATCHED_MAX = 5
/** And those that found something, of so many by each name. */
const FOUND_RATE = 0.3
const FOUNDED_MAX = 4
/** Where the name begins in the name of a digest's row. */
const LEAF_END = 5
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
  /** The last total that a watch was told. */
  lastTold: number | undefined
  readonly ended: () => void
}

export const COUNTERS: WorldType = {
  begin: (init) => new SimulatedCounters(init),
  further: COUNTER,
}

class SimulatedCounters implements SimulatedType {
  private readonly init: TypeInit
  private readonly asked = new Map<ClientId, Asked>()
  /** The highest that each store showed, by name. */
  private readonly shown = new Map<IdentityId, Map<string, number>>()
  /** How often each was counted, answered or not. */
  private readonly added = new Map<string, number>()
  /** The number of what was founded, by name. */
  private readonly founded = new Map<string, number>()
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
    if (asked.request.kind === 'found') this.founds(asked.request.name, total)
    else this.shows(asked, total)
    asked.ended()
  }

  told(client: ClientId, { answer }: TypeOutcome): void {
    const asked = this.asked.get(client)
    if (asked === undefined) return
    const { total } = answer as CounterAnswer
    check(total > (asked.lastTold ?? 0), 'N2', () => `a watch is told ${total} after ${asked.lastTold}`)
    asked.lastTold = total
    this.shows(asked, total)
  }

  private founds(name: string, number: number): void {
    const before = this.founded.get(name)
    check(number === 0 || before === undefined || before === number, 'N6', () => `${name} is ${number}, and was ${before}`)
    if (number !== 0) this.founded.set(name, number)
  }

  private shows({ peer, by, request, shownBefore }: Asked, total: number): void {
    const { name, kind } = request
    const told = (): string => `${peer.peerId} answers ${kind} ${name}: ${total}`
    const onDisk = totalAt(peer, name)
    check(onDisk >= total, 'N1', () => `${told()}, and its disk has ${onDisk}`)
    check(total >= shownBefore, 'N2', () => `${told()}, after ${shownBefore}`)
    const added = this.added.get(name) ?? 0
    check(total <= added, 'N3', () => `${told()}, of ${added} in all`)
    this.shownBy(by).set(name, Math.max(total, this.shownBy(by).get(name) ?? 0))
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
      const totals = this.init.peers.map((peer) => totalAt(peer, name))
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
      checkRows(peer)
      for (const [name, number] of this.founded) {
        const value = peer.core?.chosen.get(hiddenKey(COUNTER.name, name))?.value
        check(value !== undefined && readTotal(value) === number, 'N6', () => `${peer.peerId} does not know that ${name} is ${number}`)
      }
      for (const other of this.init.peers) {
        for (const [name, total] of this.shownBy(other.identity.id)) {
          const held = totalAt(peer, name)
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
    const name = chance.pick(NAMES)
    const peer = chance.pick(up)
    if (chance.happens(ADD_RATE)) this.ask(peer, { kind: 'add', name }, () => this.think())
    else if (chance.happens(FOUND_RATE)) {
      this.ask(peer, { kind: 'found', name: `${name} ${chance.below(FOUNDED_MAX)}`, number: 1 + this.requests }, () => this.think())
    } else if (!chance.happens(WATCH_RATE)) this.ask(peer, { kind: 'read', name }, () => this.think())
    else {
      // A client that watches does other things meanwhile, and may hang up before it has seen all.
      const client = this.ask(peer, { kind: 'watch', name, count: 1 + chance.below(WATCHED_MAX) }, () => undefined)
      if (chance.happens(0.5)) this.init.agenda.after(chance.span(0, ANSWERED_WITHIN_MS), () => this.hangUp(peer, client))
      this.think()
    }
  }

  private hangUp(peer: SimulatedPeer, client: ClientId): void {
    if (this.asked.delete(client)) peer.dispatch({ kind: 'cancel', client })
  }

  private ask(peer: SimulatedPeer, request: CounterRequest, ended: () => void): ClientId {
    const client = this.init.nextClient()
    const { name, kind } = request
    const by = peer.identity.id
    this.requests += 1
    if (kind === 'add') this.added.set(name, (this.added.get(name) ?? 0) + 1)
    this.asked.set(client, { peer, by, request, shownBefore: this.shownBy(by).get(name) ?? 0, lastTold: undefined, ended })
    peer.dispatch({ kind: 'typed', type: COUNTER.name, client, request, deadlineMs: peer.clockMs + ANSWERED_WITHIN_MS })
    return client
  }

  private shownBy(id: IdentityId): Map<string, number> {
    let shown = this.shown.get(id)
    if (shown === undefined) this.shown.set(id, (shown = new Map()))
    return shown
  }
}

/** What the peer has on disk. */
function totalAt(peer: SimulatedPeer, name: string): number {
  return rowsOf(peer, `=${name}/`).reduce((most, { bytes }) => Math.max(most, readTotal(bytes)), 0)
}

function rowsOf({ disk }: SimulatedPeer, prefix: string): Row[] {
  return [...disk.rowsSynced(COUNTER.name).range(prefix)]
}

function checkRows(peer: SimulatedPeer): void {
  const rows = rowsOf(peer, '=').map(({ name }) => name.slice(1))
  const told = (): string => `${peer.peerId} has the rows ${rows.join(' ')}`
  check(new Set(rows.map((row) => row.slice(0, row.indexOf('/')))).size === rows.length, 'N5', told)
  const held = new HashTree()
  for (const { name, bytes } of rowsOf(peer, '#')) held.add(name.slice(LEAF_END), bytes)
  const tree = peer.core?.repairedTypes[0]?.collection.tree
  check(held.keyCount === rows.length, 'N5', () => `${told()}, and other digests`)
  check(tree === undefined || equalBytes(held.rootHash(), tree.rootHash()), 'N5', () => `${told()}, and another root`)
}
