/**
 * Sets in the simulated world: clients that change and read, clocks that are wrong and jump, a
 * model of what should come of it, and its checkers. C1: after healing all hold the same, and all
 * that was answered by stores which are still there. C2: what is answered, and what is told to
 * others, is on the peer's disk. C3: who waited has it where it was to be kept. C4: an operation
 * takes effect at once where it is given. C5: what is refused changes nothing. C6: what was
 * forgotten does not come back. C7: readers miss nothing.
 */
import type { IdentityId } from '../../../../protocols/base/identity.ts'
import type { AnyWrite, TypeWrite } from '../../../../protocols/base/persist.ts'
import type { Outcome, TypeOutcome } from '../../../../protocols/effects.ts'
import type { ClientId } from '../../../../protocols/events.ts'
import { DROPPED, SETS_KEPT } from '../../../../protocols/sets/disk-rows.ts'
import { keyOfElement } from '../../../../protocols/sets/element.ts'
import { isMember } from '../../../../protocols/sets/join.ts'
import { SETS_CODE, readSetsMessage } from '../../../../protocols/sets/messages.ts'
import { SETS } from '../../../../protocols/sets/requests.ts'
import type { Entry, SetAnswer, SetRequest } from '../../../../protocols/sets/requests.ts'
import type { Row } from '../../../../protocols/sets/rows.ts'
import { utf8 } from '../../../../src/bytes.ts'
import type { Send } from '../../../../src/runtime/send-gate.ts'
import { check } from '../../checkers/violation.ts'
import type { Coverage } from '../../coverage.ts'
import type { SimulatedPeer } from '../../peer.ts'
import type { Lacking, SimulatedType, TypeInit } from '../../type.ts'
import { checkDurable, checkEffect, checkKept, checkRefused, operationsOf } from './checks.ts'
import type { Change } from './checks.ts'
import { NAMES, drawChange } from './clients.ts'
import type { ChangeRequest } from './clients.ts'
import { Model } from './model.ts'
import { cutOfRow, cutOnDisk, elementOfName, evidenceOnDisk, rowsOnDisk, stampsOnDisk } from './on-disk.ts'
import { Reader } from './readers.ts'
import { Watching } from './watching.ts'

/** Clients ask no more than this in a run. */
const REQUESTS_MAX = 400
const READ_RATE = 0.2
const ANSWERED_WITHIN_MS = 10_000
/** Peers at which somebody watches. */
const WATCHED_MAX = 2
/** Clocks differ by so much from the right time, and jump by as much. */
const CLOCK_OFF_MS = 1_500
/** And now and then by more than a peer may be off. */
const FAR_OFF_RATE = 0.05
const FAR_OFF_MS = 300_000
const JUMP_EVERY_MS = 1_200

/** How much of what only some runs come to was come to. */
export interface Counts {
  forgotten: number
  cuts: number
}

interface Asked {
  readonly peer: SimulatedPeer
  readonly by: IdentityId
  readonly ended: (answer: SetAnswer | undefined) => void
}

export class SimulatedSets implements SimulatedType {
  /**
   * The cuts that each peer has written as barriers since it started, by the names of their rows.
   */
  private readonly cutsWritten = new Map<SimulatedPeer, Map<string, number>>()
  private readonly init: TypeInit
  private readonly counts: Counts
  private readonly asked = new Map<ClientId, Asked>()
  private readonly model = new Model()
  private readonly readers = new Map<string, Reader>()
  private readonly watching: readonly Watching[]
  /** Rows that were written since a client last asked. */
  private written: Row[] = []
  /** Those that dropped something while they had no vote. */
  private readonly droppedUnasked = new Set<IdentityId>()
  private isStopped = false
  private requests = 0
  private lastCuts = 0

  /** @param counts added to at the end */
  constructor(init: TypeInit, counts: Counts) {
    this.init = init
    this.counts = counts
    for (const peer of init.peers) peer.wallAheadMs = this.drawClock()
    const watched = init.chance.shuffled(init.peers).slice(0, WATCHED_MAX)
    this.watching = watched.flatMap((peer) => NAMES.map((set) => new Watching(peer, set, (...asked) => this.ask(...asked))))
  }

  begin(): void {
    for (let client = 0; client < this.init.options.clientCount; client += 1) this.think()
    this.jumpOnAndOn()
  }

  stop(): void {
    this.isStopped = true
  }

  answered(client: ClientId, outcome: Outcome): void {
    const asked = this.asked.get(client)
    if (asked === undefined || outcome.kind !== 'typed' || outcome.type !== SETS) return
    this.asked.delete(client)
    asked.ended(outcome.answer as SetAnswer)
  }

  told(client: ClientId, { answer }: TypeOutcome): void {
    this.watching.some((watching) => watching.told(client, answer as SetAnswer))
  }

  crashed(peer: SimulatedPeer): void {
    this.cutsWritten.delete(peer)
    for (const [client, asked] of this.asked) {
      if (asked.peer !== peer) continue
      this.asked.delete(client)
      this.init.agenda.after(0, () => asked.ended(undefined))
    }
  }

  persisting(peer: SimulatedPeer, write: AnyWrite): void {
    if (write.kind !== 'typed' || write.slot.type !== SETS) return
    for (const { name, bytes } of write.rows) {
      if (name.startsWith(DROPPED) && bytes !== undefined && !this.votes(peer)) this.droppedUnasked.add(peer.identity.id)
      const row = bytes === undefined ? undefined : elementOfName(name, bytes)
      if (row === undefined) continue
      this.written.push(row)
      this.model.wrote(row.set, row.key, row)
    }
    this.checkCut(peer, write)
    if (!write.isBarrier) return
    const before = peer.disk.rows(SETS)
    for (const { name, bytes } of write.rows) {
      const held = bytes === undefined ? before.get(name) : undefined
      const row = held === undefined ? undefined : elementOfName(name, held)
      if (row !== undefined && !isMember(row)) this.model.forget(row.set, row.key, row, cutOnDisk(peer, row.set).number + 1)
    }
  }

  private noteCut(peer: SimulatedPeer, name: string, number: number): void {
    const cuts = this.cutsWritten.get(peer) ?? new Map<string, number>()
    this.cutsWritten.set(peer, cuts.set(name, number))
  }

  /** A later cut is on disk only behind all that was pulled for it. */
  private checkCut(peer: SimulatedPeer, write: TypeWrite): void {
    for (const { name, bytes } of write.rows) {
      if (write.isBarrier && bytes !== undefined && name.startsWith(SETS_KEPT)) this.noteCut(peer, name, cutOfRow(bytes).number)
      const before = peer.disk.rows(SETS).get(name)
      if (write.isBarrier || bytes === undefined || before === undefined || !name.startsWith(SETS_KEPT)) continue
      // What this life of the peer has written before it is not handed to the disk yet, as a rule.
      const known = Math.max(cutOfRow(before).number, this.cutsWritten.get(peer)?.get(name) ?? 0)
      const isLater = cutOfRow(bytes).number > known
      check(!isLater, 'C6', () => `${peer.peerId} takes a cut of ${name} over that may be on disk before what its pulls brought`)
    }
  }

  /** What is told of others' sets is on the disk of who tells it. */
  left(peer: SimulatedPeer, { message }: Send): void {
    if (message.kind !== 'typed' || message.type !== SETS_CODE) return
    const said = readSetsMessage(message.body, utf8, () => true)
    if (said.kind !== 'changed' || said.receipt !== undefined) return
    const cut = cutOnDisk(peer, said.set)
    for (const row of said.rows) {
      const held = stampsOnDisk(peer, said.set, row.key)
      check(
        this.model.shows(held, cut, { stamps: row }, said.set, row.key),
        'C2',
        () => `${peer.peerId} tells ${row.key} ${row.added} ${row.removed}, and its disk has ${held.added} ${held.removed}`,
      )
    }
  }

  probe(): void {
    for (const watching of this.watching) watching.goOn()
    for (const peer of this.init.peers) {
      for (const set of NAMES) {
        const cut = cutOnDisk(peer, set)
        if (cut.number === 0) continue
        this.lastCuts = Math.max(this.lastCuts, cut.number)
        for (const [key, row] of rowsOnDisk(peer, set)) {
          check(
            !this.model.isBack(set, key, row, cut),
            'C6',
            () => `${peer.peerId} holds ${key} of ${set} again, ${row.added} ${row.removed}`,
          )
        }
      }
    }
  }

  unsettled(): Lacking | undefined {
    const [first, ...others] = this.init.peers
    if (first === undefined) return undefined
    for (const set of NAMES) {
      const told = describe(first, set)
      const other = others.find((peer) => describe(peer, set) !== told)
      if (other !== undefined)
        return { rule: 'C1', detail: `${set} at ${first.peerId} is ${told}, and at ${other.peerId} ${describe(other, set)}` }
    }
    return undefined
  }

  /** Nobody else is needed. */
  survive(peer: SimulatedPeer, missing: string): void {
    const { agenda } = this.init
    const answered: SetAnswer[] = []
    const request: SetRequest = { kind: 'insert', set: 'fleet', elements: [utf8.encode('after')], wait: 'here' }
    this.ask(peer, request, (answer) => void (answer !== undefined && answered.push(answer)))
    for (const endMs = agenda.nowMs + ANSWERED_WITHIN_MS; answered.length === 0 && agenda.nowMs < endMs;) agenda.runUntil(agenda.nowMs + 5)
    check(answered.length > 0, 'L5', () => `without ${missing} an insert at ${peer.peerId} is not answered`)
  }

  check(): void {
    const { peers } = this.init
    for (const watching of this.watching) watching.check(rowsOnDisk(watching.peer, watching.set))
    const stores = new Set(peers.map(({ identity }) => identity.id))
    const voters = new Set(peers.filter((peer) => this.votes(peer)).map(({ identity }) => identity.id))
    const isAnyDropped = peers.some((peer) => evidenceOnDisk(peer) > 0)
    // What somebody who has no vote held alone, out of touch for longer than the history, may be
    // dropped into a file.
    const isSure = (by: IdentityId): boolean => stores.has(by) && !this.droppedUnasked.has(by) && (!isAnyDropped || voters.has(by))
    for (const expected of this.model.expected(isSure)) {
      for (const peer of peers) {
        const { set, key } = expected
        const held = stampsOnDisk(peer, set, key)
        check(
          this.model.shows(held, cutOnDisk(peer, set), expected, set, key),
          'C1',
          () =>
            `${peer.peerId} has ${key} of ${set} ${held.added} ${held.removed}, and ${expected.by} answered ${expected.stamps.added} ${expected.stamps.removed}`,
        )
      }
    }
  }

  /** In the newest config. */
  private votes({ identity }: SimulatedPeer): boolean {
    return [...this.init.ledger.newest.clusters.values()].flat().some(({ id }) => id === identity.id)
  }

  cover(coverage: Coverage): void {
    coverage.operations += this.requests
    coverage.answered += this.model.answeredCount
    this.counts.forgotten += this.model.forgottenCount
    this.counts.cuts += this.lastCuts
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
    const peer = chance.pick(up)
    if (chance.happens(READ_RATE)) this.readOn(peer, chance.pick(NAMES))
    else this.change(peer, drawChange(chance, peer.wallMs), () => this.think())
  }

  /** A reader goes on; what the peer holds is asked for in the same moment. */
  private readOn(peer: SimulatedPeer, set: string): void {
    const name = `${peer.peerId}/${set}`
    const reader = this.readers.get(name) ?? new Reader(peer.peerId, set)
    this.readers.set(name, reader)
    let all: readonly Entry[] | undefined
    this.ask(peer, { kind: 'snapshot', set }, (answer) => (all = answer?.kind === 'snapshot' ? [...answer.entries] : undefined))
    this.ask(peer, { kind: 'updates-after', set, after: reader.after }, (answer) => {
      if (answer?.kind === 'updates') this.checkTold(peer, set, [...answer.entries])
      if (answer !== undefined && all !== undefined) reader.read(answer, all)
      this.think()
    })
  }

  /** What a reader is told is on disk, and with it the number of the cursor that it is given. */
  private checkTold(peer: SimulatedPeer, set: string, entries: readonly Entry[]): void {
    for (const { element, added, removed } of entries) {
      checkDurable(this.model, peer, { set, key: keyOfElement(element), stamps: { added, removed }, by: peer.identity.id })
    }
  }

  private change(peer: SimulatedPeer, request: ChangeRequest, ended: () => void): void {
    const elements = request.kind === 'update' ? request.entries.map(({ element }) => element) : request.elements
    const keys = new Set(elements.map(keyOfElement))
    const held: Entry[] = []
    const written: Row[] = []
    const by = peer.identity.id
    let missing = 1 + elements.length
    let answer: SetAnswer | undefined
    const came = (): void => {
      missing -= 1
      if (missing > 0) return
      if (answer !== undefined) this.changed({ peer, by, request, held, written }, answer)
      ended()
    }
    this.written = []
    this.ask(peer, request, (told) => {
      answer = told
      came()
    })
    written.push(...this.written.filter(({ key, set }) => set === request.set && keys.has(key)))
    // Asked in the same moment: nothing comes between.
    for (const element of elements) {
      this.ask(peer, { kind: 'contains', set: request.set, element }, (told) => {
        if (told?.kind === 'contained') held.push(told.entry)
        came()
      })
    }
  }

  private changed(change: Change, answer: SetAnswer): void {
    if (answer.kind !== 'stored' && answer.kind !== 'in-doubt') return checkRefused(change, answer)
    const { peer } = change
    const operations = operationsOf(change, answer.shiftMs)
    checkEffect(change, operations)
    // What a later cut took away meanwhile is in doubt, and kept aside.
    if (answer.kind === 'in-doubt' && evidenceOnDisk(peer) > 0) return
    for (const operation of operations) {
      checkDurable(this.model, peer, operation)
      this.model.add(operation)
    }
    if (answer.kind === 'in-doubt') return
    const { ledger, peers } = this.init
    const epoch = peer.core?.config?.epoch ?? 0
    const configs = [epoch, epoch - 1].map((each) => ledger.config(each)).filter((config) => config !== undefined)
    checkKept(this.model, change, peers, configs, operations)
  }

  private ask(peer: SimulatedPeer, request: SetRequest, ended: Asked['ended'], began?: (client: ClientId) => void): void {
    const client = this.init.nextClient()
    this.requests += 1
    this.asked.set(client, { peer, by: peer.identity.id, ended })
    began?.(client)
    peer.dispatch({ kind: 'typed', type: SETS, client, request, deadlineMs: peer.clockMs + ANSWERED_WITHIN_MS })
  }

  private drawClock(): number {
    const { chance } = this.init
    const mostMs = chance.happens(FAR_OFF_RATE) ? FAR_OFF_MS : CLOCK_OFF_MS
    return Math.floor(chance.span(-mostMs, mostMs))
  }

  private jumpOnAndOn(): void {
    const { agenda, chance, peers } = this.init
    agenda.after(chance.span(0, 2 * JUMP_EVERY_MS), () => {
      if (this.isStopped) return
      chance.pick(peers).wallAheadMs = this.drawClock()
      this.jumpOnAndOn()
    })
  }
}

function describe(peer: SimulatedPeer, set: string): string {
  const rows = [...rowsOnDisk(peer, set).values()].map(({ key, added, removed }) => `${key} ${added} ${removed}`)
  const cut = cutOnDisk(peer, set)
  return `${cut.number} ${cut.stamp}: ${rows.toSorted().join(', ')}`
}
