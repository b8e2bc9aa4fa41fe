/** A replica in the simulated world: the production core and applier over a simulated store and broker. */
import type { Entry, Position } from '../../../protocols/log/entry.ts'
import type { LogEvent, StoreAt } from '../../../protocols/log/events.ts'
import type { KafkaEffect, KafkaEvent } from '../../../protocols/log/kafka/events.ts'
import type { KafkaLimits } from '../../../protocols/log/kafka/limits.ts'
import { indexOf, readRecord } from '../../../protocols/log/kafka/record.ts'
import type { Tools } from '../../../protocols/log/kafka/record.ts'
import { KafkaReplica } from '../../../protocols/log/kafka/replica.ts'
import { firstMembers } from '../../../protocols/log/membership.ts'
import { sha256, utf8 } from '../../../src/bytes.ts'
import { Applier } from '../../../src/logs/applier.ts'
import type { AppliedStore, BatchEnd } from '../../../src/logs/applier.ts'
import type { Agenda } from '../agenda.ts'
import type { Chance } from '../chance.ts'
import { check } from '../checkers/violation.ts'
import type { SimulatedBroker } from './broker.ts'
import type { JournalStore } from './store.ts'

export const TOOLS: Tools = { utf8, sha256 }
/** How often the clock is told, and what a question to a broker or a store takes, in milliseconds. */
const TICK_MS = 50
const TRAVEL_MAX_MS = 40
/** How long a fetch waits for a record. */
const POLL_MS = 200

export interface Surroundings {
  readonly agenda: Agenda
  readonly broker: SimulatedBroker
  readonly limits: KafkaLimits
  /** Told what every replica answers. */
  responded(replica: SimulatedKafkaReplica, effect: Extract<KafkaEffect, { readonly kind: 'respond' }>): void
}

export class SimulatedKafkaReplica implements AppliedStore<{ readonly position: Position }> {
  readonly name: string
  readonly store: JournalStore
  readonly topicId: string
  isUp = false
  isStoreDown = false
  isCutOff = false
  halted: string | undefined
  /** Times that its store was asked what it remembers of an offset. */
  recalls = 0
  private core: KafkaReplica | undefined
  private readonly applier: Applier<{ readonly position: Position }> = new Applier(this)
  private readonly world: Surroundings
  private readonly chance: Chance
  /** Rises when the process ends: what was under way is for nobody. */
  private life = 0
  private underWay: (() => void) | undefined
  private isReopening = false
  private generation = 0
  private mine: readonly number[] = []
  private readonly fetchedTo = new Map<number, number>()

  constructor(name: string, store: JournalStore, world: Surroundings, chance: Chance) {
    this.name = name
    this.store = store
    this.world = world
    this.chance = chance
    this.topicId = world.broker.topicId
  }

  get status(): KafkaReplica['status'] | undefined {
    return this.core?.status
  }

  start(): void {
    if (this.isUp) return
    this.isUp = true
    this.halted = undefined
    const { topicId } = this
    this.core = new KafkaReplica({
      topicId,
      self: `${this.name}${this.life}`,
      limits: this.world.limits,
      tools: TOOLS,
      answers: 'requests',
    })
    this.applier.opened(this.at)
    this.every(TICK_MS, () => this.step({ kind: 'tick' }))
    this.every(TICK_MS, () => this.readRequests())
  }

  /** A transaction under way may be committed by the server all the same. */
  crash(): void {
    if (!this.isUp) return
    const { underWay } = this
    this.isUp = false
    this.life += 1
    this.core = undefined
    this.applier.stop()
    if (underWay !== undefined && this.chance.happens(0.5)) underWay()
    this.underWay = undefined
    this.isReopening = false
    this.mine = []
    this.world.broker.leave(this.name)
  }

  apply(entries: readonly Entry[], verdicts: ReadonlyMap<number, string>, isWanted: () => boolean, ended: (end: BatchEnd) => void): void {
    const run = (): BatchEnd => {
      if (this.isStoreDown && this.life >= 0) return { code: 'down' }
      const outcomes = this.store.apply(entries, verdicts)
      return outcomes === undefined ? { code: 'cannot' } : { outcomes, durableIndex: this.store.at.index }
    }
    this.underWay = () => void run()
    this.later(this.chance.span(0.1, TRAVEL_MAX_MS), () => {
      const end = run()
      this.underWay = undefined
      if (isWanted()) ended(end)
      this.reopened()
    })
  }

  digest(): void {
    check(false, 'store', () => 'nothing compares contents here')
  }

  restore(): void {
    check(false, 'store', () => 'nothing restores a store here')
  }

  after(milliseconds: number, run: () => void): void {
    this.later(milliseconds, run)
  }

  tell(event: LogEvent): void {
    if (event.kind === 'store-opened') this.step({ kind: 'store-opened', at: this.store.at })
    else if (event.kind === 'applied') this.step({ kind: 'applied', outcomes: event.outcomes })
    else if (event.kind === 'stalled') this.step({ kind: 'stalled', index: event.index, code: event.code })
  }

  assigned(generation: number, partitions: readonly number[]): void {
    this.later(this.travel(), () => {
      if (generation < this.generation) return
      this.generation = generation
      this.mine = partitions
      this.fetchedTo.clear()
      this.step({ kind: 'assigned', generation })
    })
  }

  private get at(): StoreAt {
    const { index, atMs } = this.store.at
    return { position: { term: 0, index }, members: firstMembers([]), atMs, durableIndex: index }
  }

  private step(event: KafkaEvent): void {
    const { core, life } = this
    if (core === undefined) return
    for (const effect of core.step(event, this.world.agenda.nowMs)) {
      if (life !== this.life) return
      this.perform(effect)
    }
  }

  private perform(effect: KafkaEffect): void {
    const { broker } = this.world
    switch (effect.kind) {
      case 'look':
        return this.ask(effect.number, () => ({ kind: 'looked', number: effect.number, topic: broker.look() }))
      case 'read-again':
        return this.ask(effect.number, () =>
          effect.leaderEpoch === broker.leaderEpoch && this.topicId === broker.topicId
            ? { kind: 'read-again', number: effect.number, record: broker.recordAt(effect.offset) }
            : { kind: 'moved', number: effect.number },
        )
      case 'fetch':
        return this.fetch(effect, this.world.agenda.nowMs + POLL_MS)
      case 'apply':
        return this.applier.add(effect.entries)
      case 'verdict':
        return this.applier.verdict(effect.index, effect.code)
      case 'reopen':
        this.applier.closed()
        this.isReopening = true
        return this.later(0, () => this.reopened())
      case 'recall':
        this.recalls += 1
        return this.ask(effect.number, () => this.recalled(effect.number, effect.offset))
      case 'recall-name':
        return this.ask(effect.number, () => this.named(effect.number, effect.entry))
      case 'ask-end':
        return this.ask(effect.number, () => ({ kind: 'ended', number: effect.number, endOffset: broker.endOffset }))
      case 'query':
        return this.query(effect)
      case 'respond':
        return this.respond(effect)
      case 'order':
        return this.later(
          this.travel(),
          () => void broker.append(utf8.encode(this.chance.hex(16)), utf8.encode(effect.value), this.world.agenda.nowMs),
        )
      case 'commit':
        return this.later(this.travel(), () => broker.commit(effect.generation, effect.partition, effect.offset))
      case 'join':
        return broker.join(this)
      case 'leave':
        this.mine = []
        return broker.leave(this.name)
      case 'halt':
        this.halted = effect.reason
        this.applier.closed()
    }
  }

  /** What was under way at the store is done with. */
  private reopened(): void {
    if (!this.isReopening || this.underWay !== undefined) return
    this.isReopening = false
    this.applier.opened(this.at)
  }

  private fetch(effect: Extract<KafkaEffect, { readonly kind: 'fetch' }>, untilMs: number): void {
    const { number, leaderEpoch, offset } = effect
    this.later(this.travel(), () => {
      if (this.isCutOff) return this.step({ kind: 'unreachable', number })
      const fetched = this.world.broker.fetch(this.topicId, leaderEpoch, offset)
      if (fetched === undefined) return this.step({ kind: 'moved', number })
      if (fetched.nextOffset === offset && this.world.agenda.nowMs < untilMs) return this.fetch(effect, untilMs)
      this.later(this.travel(), () => this.step({ kind: 'fetched', number, ...fetched }))
    })
  }

  private recalled(number: number, offset: number): KafkaEvent {
    const record = this.world.broker.recordAt(offset)
    if (record === undefined || indexOf(offset) > this.store.at.index) return { kind: 'recalled', number, recalled: undefined }
    const { entry } = readRecord(record, { index: 0, atMs: 0 }, TOOLS)
    const [applied] = this.store.apply([entry], new Map()) ?? []
    return { kind: 'recalled', number, recalled: applied && { record, applied } }
  }

  private named(number: number, entry: Entry): KafkaEvent {
    const known = entry.body.kind === 'command' ? this.store.outcomeOf(entry.body) : undefined
    return { kind: 'named', number, applied: known && { position: entry, outcome: known } }
  }

  private query({ number, indexMin, query }: Extract<KafkaEffect, { readonly kind: 'query' }>): void {
    this.later(this.travel(), () => {
      const { index } = this.store.at
      const said =
        index < indexMin || this.isStoreDown
          ? ({ kind: 'unavailable' } as const)
          : query !== 'all'
            ? ({ kind: 'not-a-query', detail: 'it writes' } as const)
            : ({ kind: 'answered', index, result: JSON.stringify(this.store.items) } as const)
      this.later(this.travel(), () => this.step({ kind: 'queried', number, said }))
    })
  }

  private respond(effect: Extract<KafkaEffect, { readonly kind: 'respond' }>): void {
    this.world.responded(this, effect)
    this.later(this.travel(), () => {
      this.world.broker.answers.push({ ...effect.response, by: this.name })
      this.step({ kind: 'responded', number: effect.number })
    })
  }

  private readRequests(): void {
    const { broker } = this.world
    for (const partition of this.mine) {
      const from = this.fetchedTo.get(partition) ?? broker.committed[partition] ?? 0
      const records = broker.requests[partition]?.slice(from, from + 4) ?? []
      if (records.length === 0 || this.core?.hasRoom !== true) continue
      this.fetchedTo.set(partition, from + records.length)
      this.step({ kind: 'requested', generation: this.generation, partition, records })
    }
  }

  /** A broker that cannot be reached says nothing. */
  private ask(number: number, answer: () => KafkaEvent): void {
    this.later(this.travel(), () => {
      const event: KafkaEvent = this.isCutOff ? { kind: 'unreachable', number } : answer()
      this.later(this.travel(), () => this.step(event))
    })
  }

  private travel(): number {
    return this.chance.span(0.1, TRAVEL_MAX_MS)
  }

  private every(milliseconds: number, run: () => void): void {
    this.later(milliseconds, () => {
      run()
      this.every(milliseconds, run)
    })
  }

  private later(milliseconds: number, run: () => void): void {
    const { life } = this
    this.world.agenda.after(milliseconds, () => {
      if (life === this.life && this.isUp) run()
    })
  }
}
