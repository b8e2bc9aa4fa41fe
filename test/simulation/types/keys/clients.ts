/**
 * Simulated clients: each does one thing at a time at any peer, mostly on few keys, now and then
 * under a writeId used before, with another value under it, hanging up, or repeating what was left
 * in doubt at another peer.
 */
import { dataKey } from '../../../../protocols/base/register.ts'
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import type { ValueRecord } from '../../../../protocols/base/record.ts'
import type { Outcome } from '../../../../protocols/effects.ts'
import type { ClientId } from '../../../../protocols/events.ts'
import type { Agenda } from '../../agenda.ts'
import type { Chance } from '../../chance.ts'
import type { GetOperation, History, PutOperation } from './history.ts'
import type { Options } from '../../options.ts'
import type { SimulatedPeer } from '../../peer.ts'

const WRITE_ID_DIGITS = 16
/** Few values, so that equal values of different puts occur. */
const VALUES: readonly Uint8Array[] = ['a', 'b', 'cc', ''].map((text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0)))
const CONTENT_TYPES = ['text/plain', 'application/octet-stream']
/** A put left in doubt is repeated this often. */
const RETRY_RATE = 0.7
/** A writeId is reused for something else this often. */
const REUSE_RATE = 0.1
const LOCAL_RATE = 0.25
const WAIT_RATE = 0.15

export interface ClientsInit {
  readonly agenda: Agenda
  readonly chance: Chance
  readonly options: Options
  readonly history: History
  readonly peers: readonly SimulatedPeer[]
  /** A number that no request had before. */
  readonly nextClient: () => ClientId
}

type Ended = (outcome: Outcome | undefined) => void

interface Asked {
  readonly operation: PutOperation | GetOperation
  readonly boot: number
  readonly ended: Ended
}

export class Clients {
  isStopped = false
  private readonly init: ClientsInit
  private readonly asked = new Map<ClientId, Asked>()
  private lastKey = 0
  private readonly recent: ValueRecord[] = []

  constructor(init: ClientsInit) {
    this.init = init
  }

  /** How many requests have no answer yet. */
  get waitingCount(): number {
    return this.asked.size
  }

  begin(): void {
    for (let client = 0; client < this.init.options.clientCount; client += 1) this.think()
  }

  operationOf(client: ClientId): PutOperation | GetOperation | undefined {
    return this.asked.get(client)?.operation
  }

  answered(client: ClientId, outcome: Outcome): void {
    const asked = this.asked.get(client)
    if (asked === undefined) return
    this.asked.delete(client)
    asked.operation.outcome = outcome
    asked.operation.endedMs = this.init.agenda.nowMs
    asked.ended(outcome)
  }

  /** A peer died: whoever waits for it learns nothing. */
  crashed(peer: SimulatedPeer): void {
    for (const [client, asked] of this.asked) {
      if (asked.operation.peerIndex !== peer.index) continue
      this.asked.delete(client)
      this.init.agenda.after(0, () => asked.ended(undefined))
    }
  }

  put(peer: SimulatedPeer, key: RegisterKey, record: ValueRecord, isGiven: boolean, timeoutMs: number, ended: Ended): ClientId {
    const { nowMs } = this.init.agenda
    const operation: PutOperation = {
      kind: 'put',
      key,
      record,
      isGiven,
      peerIndex: peer.index,
      beganMs: nowMs,
      endedMs: nowMs,
      outcome: undefined,
    }
    this.init.history.addPut(operation)
    const client = this.ask(peer, operation, ended)
    peer.dispatch({ kind: 'put', client, key, ...record, writeIdGiven: isGiven, deadlineMs: peer.clockMs + timeoutMs })
    return client
  }

  get(
    peer: SimulatedPeer,
    key: RegisterKey,
    consistency: GetOperation['consistency'],
    waitMs: number,
    timeoutMs: number,
    ended: Ended,
  ): ClientId {
    const { nowMs } = this.init.agenda
    const operation: GetOperation = {
      kind: 'get',
      key,
      consistency,
      peerIndex: peer.index,
      beganMs: nowMs,
      endedMs: nowMs,
      outcome: undefined,
    }
    this.init.history.addGet(operation)
    const client = this.ask(peer, operation, ended)
    const waitUntilMs = waitMs > 0 ? peer.clockMs + waitMs : undefined
    peer.dispatch({ kind: 'get', client, key, consistency, waitUntilMs, deadlineMs: peer.clockMs + timeoutMs })
    return client
  }

  newRecord(): ValueRecord {
    const { chance, agenda } = this.init
    return {
      writeId: chance.hex(WRITE_ID_DIGITS),
      value: chance.pick(VALUES),
      contentType: chance.pick(CONTENT_TYPES),
      writtenAtMs: Math.floor(agenda.nowMs) + chance.below(3),
    }
  }

  private ask(peer: SimulatedPeer, operation: PutOperation | GetOperation, ended: Ended): ClientId {
    const client = this.init.nextClient()
    this.asked.set(client, { operation, boot: peer.boots, ended })
    return client
  }

  private think(): void {
    const { agenda, chance, options } = this.init
    agenda.after(chance.span(0, 2 * options.thinkMs), () => this.act())
  }

  private act(): void {
    const { chance, peers, options, history } = this.init
    if (this.isStopped || history.size >= options.operationsMax) return
    const up = peers.filter((peer) => peer.isUp && !peer.isPaused)
    if (up.length === 0) return this.think()
    const peer = chance.pick(up)
    const key = this.drawKey()
    const timeoutMs = options.deadlineMs * chance.span(0.2, 1)
    let client: ClientId
    if (chance.happens(options.putRate)) client = this.drawPut(peer, key, timeoutMs)
    else {
      const consistency = chance.happens(LOCAL_RATE) ? 'local' : 'linearizable'
      const waitMs = chance.happens(WAIT_RATE) ? chance.span(1, 500) : 0
      client = this.get(peer, key, consistency, waitMs, timeoutMs, () => this.think())
    }
    if (chance.happens(options.cancelRate)) this.hangUpLater(peer, client)
  }

  private drawPut(peer: SimulatedPeer, key: RegisterKey, timeoutMs: number): ClientId {
    const { chance, options } = this.init
    const isGiven = chance.happens(options.givenIdRate)
    let record = this.newRecord()
    if (isGiven && this.recent.length > 0 && chance.happens(REUSE_RATE)) record = { ...record, writeId: chance.pick(this.recent).writeId }
    if (isGiven) this.remember(record)
    return this.put(peer, key, record, isGiven, timeoutMs, (outcome) => this.putEnded(key, record, outcome, timeoutMs))
  }

  private putEnded(key: RegisterKey, record: ValueRecord, outcome: Outcome | undefined, timeoutMs: number): void {
    const { chance, peers, options, history } = this.init
    const up = peers.filter((peer) => peer.isUp && !peer.isPaused)
    const isOpen = (outcome === undefined || outcome.kind === 'in-doubt') && history.size < options.operationsMax
    if (this.isStopped || !isOpen || up.length === 0 || !chance.happens(RETRY_RATE)) return this.think()
    // The peer that takes the retry writes down its own time.
    const again = { ...record, writtenAtMs: chance.happens(0.5) ? record.writtenAtMs : record.writtenAtMs + 1 + chance.below(5) }
    this.put(chance.pick(up), key, again, true, timeoutMs, (next) => this.putEnded(key, again, next, timeoutMs))
  }

  private hangUpLater(peer: SimulatedPeer, client: ClientId): void {
    const { agenda, chance, options } = this.init
    agenda.after(chance.span(0, options.deadlineMs), () => {
      const asked = this.asked.get(client)
      if (asked === undefined || asked.boot !== peer.boots || peer.isPaused) return
      this.asked.delete(client)
      peer.dispatch({ kind: 'cancel', client })
      asked.ended(undefined)
    })
  }

  /** Once a key is settled there is little left to go wrong with it: the keys in use move on. */
  private drawKey(): RegisterKey {
    const { chance, options } = this.init
    if (!chance.happens(options.rerunRate)) this.lastKey += 1
    return dataKey(`k${Math.max(0, this.lastKey - chance.below(options.keyCount))}`)
  }

  private remember(record: ValueRecord): void {
    if (this.recent.length < 8) this.recent.push(record)
    else this.recent[this.init.chance.below(8)] = record
  }
}
