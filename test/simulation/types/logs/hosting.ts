/**
 * The store of one log at one simulated peer, under the applier that a peer runs: it is offered when
 * the process starts, opened when the log is born, slow, refusing for a while, and may lose its end
 * with the process. A peer whose disk is gone brings an empty one.
 */
import type { PeerId } from '../../../../protocols/base/identity.ts'
import type { ClientId } from '../../../../protocols/events.ts'
import type { Entry, Position } from '../../../../protocols/log/entry.ts'
import type { LogEvent, StoreAt } from '../../../../protocols/log/events.ts'
import type { HostRequest, HostSaid, HostTold, QueryAnswer } from '../../../../protocols/log/requests.ts'
import { LOGS } from '../../../../protocols/log/placing.ts'
import { utf8 } from '../../../../src/bytes.ts'
import { Applier } from '../../../../src/logs/applier.ts'
import type { AppliedStore, BatchEnd } from '../../../../src/logs/applier.ts'
import type { Agenda } from '../../agenda.ts'
import type { Chance } from '../../chance.ts'
import type { LogLedger } from '../../log/ledger.ts'
import { ModelStore } from '../../log/store.ts'
import type { Record } from '../../log/store.ts'
import type { SimulatedPeer } from '../../peer.ts'

export type Claim = Extract<HostTold, { readonly kind: 'open' }>

/** Until the store of a process that started is offered. */
const OFFER_MAX_MS = 100
const APPLY_MAX_MS = 15
/** Peers that want a replica where they do not vote. */
const LEARNS_RATE = 0.3
const RESTORE_MAX_MS = 100
const QUERY_MAX_MS = 5
/** Of a process that stands still, between looks whether it goes on. */
const PAUSED_LOOK_MS = 20
/** Entries that the store may lose when its process ends. */
const UNDURABLE_MAX = 4

interface Staged {
  readonly position: Position
  readonly journal: readonly Record[]
}

/** What a store finds around it. */
export interface HostingWorld {
  readonly agenda: Agenda
  readonly chance: Chance
  readonly nextClient: () => ClientId
  /** Held against what was told of the log before; its ledger. */
  readonly opens: (hosting: Hosting, claim: Claim) => LogLedger
  /** The store of the same log at another peer, while its process runs and is reached. */
  readonly reached: (from: Hosting, to: PeerId) => Hosting | undefined
}

export class Hosting implements AppliedStore<Staged> {
  readonly peer: SimulatedPeer
  readonly log: string
  claim: Claim | undefined
  store: ModelStore | undefined
  /** The store refuses everything. */
  isDown = false
  private readonly world: HostingWorld
  private readonly chance: Chance
  private readonly applier: Applier<Staged> = new Applier(this)
  /** Where the log is to be, as this peer would have it. */
  private readonly place: string | undefined
  /** Where this peer does not vote it is to have a replica. */
  private readonly learns: boolean
  private ledger: LogLedger | undefined
  /** The process that runs has it open. What an earlier one left there stays, and is nobody's. */
  private isOpened = false
  private client: ClientId | undefined
  /** The mark `filling`: a store found with it holds nothing. */
  private isFilling = false
  /** It was emptied, and is not opened again yet. */
  private isReopening = false
  /** Rises when the process ends. */
  private life = 0

  constructor(world: HostingWorld, peer: SimulatedPeer, log: string, place: string | undefined) {
    this.world = world
    this.chance = world.chance.fork()
    this.peer = peer
    this.log = log
    this.place = place
    this.learns = this.chance.happens(LEARNS_RATE)
  }

  get isOpen(): boolean {
    return this.client !== undefined && this.store !== undefined
  }

  isAskedBy(client: ClientId): boolean {
    return client === this.client
  }

  /** The store is the fold of the log that it was opened for, up to its position. */
  check(): void {
    this.ledger?.opened(this.name, this.store?.journal ?? [])
  }

  /** The process is about to start. */
  starting(): void {
    this.after(this.chance.span(1, OFFER_MAX_MS), () => this.offer())
  }

  crashed(): void {
    this.life += 1
    this.client = undefined
    this.isOpened = false
    this.applier.stop()
    const { store } = this
    if (store === undefined) return
    if (this.isFilling) store.become([])
    this.isFilling = false
    this.isReopening = false
    if (this.chance.happens(0.5)) store.cut(this.chance.between(store.durableIndex, store.position.index))
  }

  told(told: HostTold): void {
    switch (told.kind) {
      case 'open':
        return this.open(told)
      case 'ended':
        return this.leave()
      case 'apply':
        this.ledger?.commits(this.name, told.entries, this.peer.wallMs)
        return this.applier.add(told.entries)
      case 'verdict':
        return this.applier.verdict(told.index, told.code)
      case 'query':
        return this.query(told)
      case 'give':
        return this.give(told)
      case 'take':
        return this.applier.restore()
      case 'refill':
        return this.refill()
      case 'heard':
      case 'other-store':
        return
    }
  }

  /** The whole of another store arrived. */
  stage(journal: readonly Record[], ended: (position: Position | undefined) => void): void {
    const position = journal.at(-1)?.position
    if (position === undefined || this.store === undefined) return ended(undefined)
    this.applier.stage({ position, journal }, ended)
    this.applier.unwanted(this.store.position)
  }

  apply(entries: readonly Entry[], verdicts: ReadonlyMap<number, string>, isWanted: () => boolean, ended: (end: BatchEnd) => void): void {
    this.after(this.chance.span(0.1, APPLY_MAX_MS), () => {
      const { store, ledger } = this
      if (!isWanted()) return
      if (this.isReopening) return ended({ code: 'not-open' })
      if (store === undefined || (this.isDown && entries.some(({ index }) => !verdicts.has(index)))) return ended({ code: 'down' })
      const outcomes = store.apply(entries, verdicts)
      for (const { index } of entries) ledger?.applied(this.name, store.journal[index - 1] as Record)
      store.durableIndex = Math.max(store.durableIndex, store.position.index - this.chance.between(0, UNDURABLE_MAX))
      ended({ outcomes, durableIndex: store.durableIndex })
    })
  }

  digest(_slice: number, isWanted: () => boolean, ended: (digest: string | undefined) => void): void {
    this.after(this.chance.span(0.1, APPLY_MAX_MS), () => {
      if (isWanted()) ended(this.isDown ? undefined : this.store?.digest())
    })
  }

  restore({ journal }: Staged, isWanted: () => boolean, ended: (at: StoreAt | undefined) => void): void {
    this.isFilling = true
    this.after(this.chance.span(1, RESTORE_MAX_MS), () => {
      const { store } = this
      if (!isWanted() || store === undefined) return
      this.isFilling = false
      store.become(journal)
      this.ledger?.opened(this.name, journal)
      ended(store.at())
    })
  }

  /** What a process does later it does not do while it stands still, nor after its end. */
  after(milliseconds: number, run: () => void): void {
    const { life } = this
    this.world.agenda.after(milliseconds, () => {
      if (life !== this.life) return
      if (this.peer.isPaused) this.after(PAUSED_LOOK_MS, run)
      else run()
    })
  }

  tell(event: LogEvent): void {
    this.say({ kind: 'said', ...this.opened, event, digest: undefined })
  }

  /** What the store is open for. */
  private get opened(): Pick<Claim, 'logId' | 'generation'> {
    const { logId = '', generation = 0 } = this.claim ?? {}
    return { logId, generation }
  }

  /** Whether it is open for that log. */
  isOpenFor(logId: string): boolean {
    return this.isOpened && this.claim?.logId === logId
  }

  /** The log is no more. */
  private leave(): void {
    this.isOpened = false
    this.applier.stop()
    this.store = undefined
    this.claim = undefined
    this.ledger = undefined
    this.isFilling = false
    this.isReopening = false
  }

  private get name(): Claim['owner']['id'] {
    return this.peer.identity.id
  }

  private offer(): void {
    if (!this.peer.isUp) return this.starting()
    this.client = this.world.nextClient()
    this.say({ kind: 'host', log: this.log, store: 'kv', place: this.place, learns: this.learns })
  }

  private open(claim: Claim): void {
    const before = this.claim
    const isOurs = before?.logId === claim.logId && before.owner.id === claim.owner.id
    const isKept = isOurs && (before.generation === claim.generation || claim.isSurvivor)
    const isAnother = before?.logId !== claim.logId || before.generation !== claim.generation
    if (isAnother) this.applier.stop()
    if (this.isFilling && isAnother) this.store?.become([])
    if (isAnother) this.isFilling = false
    // Who goes on from an earlier generation is its only voter.
    const journal = isKept ? (this.store?.journal ?? []) : []
    if (!isKept || before.generation !== claim.generation || this.store === undefined) this.store = new ModelStore(claim.firstMembers)
    if (isKept && isAnother) this.store.become(journal.map((record) => ({ ...record, members: undefined })))
    this.claim = claim
    this.isOpened = true
    this.ledger = this.world.opens(this, claim)
    this.after(this.chance.span(0.1, APPLY_MAX_MS), () => {
      if (this.store === undefined || this.claim !== claim) return
      this.ledger?.opened(this.name, this.store.journal)
      this.applier.opened(this.store.at())
    })
  }

  /** What it holds is gone, and it is opened again at the origin. */
  private refill(): void {
    const { store } = this
    if (store === undefined) return
    this.applier.closed()
    this.isFilling = false
    this.isReopening = true
    store.become([])
    this.after(this.chance.span(0.1, APPLY_MAX_MS), () => {
      this.isReopening = false
      this.applier.opened(store.at())
    })
  }

  private query({ number, query, indexMin }: Extract<HostTold, { readonly kind: 'query' }>): void {
    const { opened } = this
    const answer = (found: QueryAnswer): void => this.say({ kind: 'queried', ...opened, number, answer: found })
    this.after(this.chance.span(0.1, QUERY_MAX_MS), () => {
      const { store } = this
      // The store itself tests the position: it may have gone back meanwhile.
      if (store === undefined || store.position.index < indexMin) return answer({ kind: 'unavailable', why: 'stalled' })
      const result = utf8.encode(JSON.stringify(store.list(utf8.decode(query))))
      answer({ kind: 'answered', position: store.position, result })
    })
  }

  private give({ to, indexMin }: Extract<HostTold, { readonly kind: 'give' }>): void {
    const { store } = this
    const ended = (position: Position | undefined): void => this.after(1, () => this.tell({ kind: 'snapshot-given', to, position }))
    if (store === undefined || store.position.index < indexMin) return ended(undefined)
    const journal = [...store.journal]
    this.after(this.chance.span(1, RESTORE_MAX_MS), () => {
      const taker = this.world.reached(this, to.peerId)
      if (taker?.peer.identity.id === to.id && taker.isOpen) taker.stage(journal, ended)
      else ended(undefined)
    })
  }

  private say(said: HostRequest | HostSaid): void {
    const { client, peer } = this
    if (client === undefined) return
    peer.dispatch({ kind: 'typed', type: LOGS, client, request: said, deadlineMs: Number.POSITIVE_INFINITY })
  }
}
