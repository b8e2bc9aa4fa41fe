/**
 * Keeps a store of a log that Kafka orders: the loop around a replica, which decides, with the topics
 * and the store, which do.
 */
import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { Entry } from '../../protocols/log/entry.ts'
import type { Applied, LogEvent, StoreAt } from '../../protocols/log/events.ts'
import type { KafkaEffect, KafkaEvent, StoreSaid } from '../../protocols/log/kafka/events.ts'
import { KAFKA_LIMITS } from '../../protocols/log/kafka/limits.ts'
import { readRecord, verdictText } from '../../protocols/log/kafka/record.ts'
import { KafkaReplica } from '../../protocols/log/kafka/replica.ts'
import type { KafkaStatus } from '../../protocols/log/kafka/replica.ts'
import type { Position } from '../../protocols/log/entry.ts'
import { sha256, utf8 } from '../bytes.ts'
import { NotAQuery, StoreMoved, StoreUnavailable } from '../ports/log-store.ts'
import type { LogStore } from '../ports/log-store.ts'
import { TopicMoved } from '../ports/ordered-topics.ts'
import type { OrderedTopics } from '../ports/ordered-topics.ts'
import { Applier } from './applier.ts'
import type { AppliedStore, BatchEnd } from './applier.ts'

const TOOLS = { utf8, sha256 }
/** How often a replica is told the time, in milliseconds. */
const TICK_MS = 100
/** Between tries to open a store, in milliseconds. */
const REOPEN_MS = 2_000
/** How often a replica says how it stands, in milliseconds. */
const STANDING_MS = 2_000
/** What is waited for whoever is told that a replica ends, in milliseconds. */
const FAREWELL_MS = 1_000
/** Before all is looked at again where another leads. */
const MOVED_MS = 100

export interface KafkaHostInit {
  /** What people call this replica: the same each time it starts. */
  readonly name: string
  readonly topics: OrderedTopics
  /** Called again where a store is lost. @throws StoreRefused, and whatever the store throws */
  readonly open: () => Promise<LogStore>
  readonly answers: 'requests' | 'everything'
  /** One that is behind for so long answers nobody, in milliseconds. */
  readonly behindMs: number
  readonly logger: Logger
  /** Whenever it stands otherwise. */
  readonly told: (status: KafkaStatus) => void
}

/** Nothing is restored here: a backup is loaded by the tools of its server, before a replica starts. */
interface NoSnapshot {
  readonly position: Position
}

type Of<Kind extends KafkaEffect['kind']> = Extract<KafkaEffect, { readonly kind: Kind }>

export class KafkaHost implements AppliedStore<NoSnapshot> {
  private readonly init: KafkaHostInit
  private readonly core: KafkaReplica
  private readonly applier: Applier<NoSnapshot> = new Applier(this)
  private readonly timers = new Set<NodeJS.Timeout>()
  private store: LogStore | undefined
  /** What is begun at the store, in turn. */
  private work: Promise<unknown> = Promise.resolve()
  private isStopped = false
  private lastTold = ''

  constructor(init: KafkaHostInit) {
    this.init = init
    const { topics, answers, behindMs } = init
    const limits = { ...KAFKA_LIMITS, behindMs }
    this.core = new KafkaReplica({ topicId: topics.topicId, self: randomUUID(), limits, tools: TOOLS, answers })
  }

  get status(): KafkaStatus {
    return this.core.status
  }

  /** For how long what the store holds may have been old, in milliseconds; 0 while it is not. */
  get lagMs(): number {
    const { behindSinceMs, cutOffSinceMs } = this.core.status
    const since = Math.min(behindSinceMs ?? Infinity, cutOffSinceMs ?? Infinity)
    return since === Infinity ? 0 : performance.now() - since
  }

  /** What the store holds, however old. */
  look(query: Uint8Array): Promise<StoreSaid> {
    return this.said(query, 0)
  }

  /** Has the command at an offset count as rejected. @throws what the driver throws */
  judge(offset: number): Promise<number> {
    return this.init.topics.order(verdictText(offset))
  }

  /** Waits for a store that cannot be reached. @throws StoreRefused, and whatever else a store throws */
  async start(): Promise<void> {
    while (this.store === undefined) {
      try {
        this.store = await this.init.open()
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        this.init.logger.warn(`the store is not there yet: ${error.code}`)
        await new Promise((resolve) => setTimeout(resolve, REOPEN_MS))
        if (this.isStopped) return
      }
    }
    this.applier.opened(this.at)
    const tick = (): void => {
      this.step({ kind: 'tick' })
      this.after(TICK_MS, tick)
    }
    const stand = (): void => {
      void this.stand()
      this.after(STANDING_MS, stand)
    }
    tick()
    stand()
  }

  async stop(): Promise<void> {
    this.isStopped = true
    this.applier.stop()
    for (const timer of this.timers) clearTimeout(timer)
    this.init.topics.leave()
    await this.work
    await this.store?.close()
    // What is being said is waited for, so that this is what is known at the end.
    const farewell = this.stand().then(() => this.stand('stopped'))
    await Promise.race([farewell, new Promise((resolve) => setTimeout(resolve, FAREWELL_MS))])
    await this.init.topics.close()
  }

  apply(entries: readonly Entry[], verdicts: ReadonlyMap<number, string>, _: () => boolean, ended: (end: BatchEnd) => void): void {
    void this.alone(() => this.applied(entries, verdicts)).then(ended)
  }

  digest(): void {
    throw new Error('a log that Kafka orders has no entries that compare contents')
  }

  restore(): void {
    throw new Error('a replica of Kafka is given no snapshot')
  }

  after(milliseconds: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      if (!this.isStopped) run()
    }, milliseconds)
    this.timers.add(timer)
  }

  tell(event: LogEvent): void {
    if (event.kind === 'store-opened') this.opened()
    else if (event.kind === 'applied') this.step({ kind: 'applied', outcomes: event.outcomes })
    else if (event.kind === 'stalled') this.step({ kind: 'stalled', index: event.index, code: event.code })
  }

  private opened(): void {
    const { position, atMs, recordHash = new Uint8Array() } = (this.store as LogStore).at
    this.step({ kind: 'store-opened', at: { index: position.index, leaderEpoch: position.term, atMs, recordHash } })
  }

  private step(event: KafkaEvent): void {
    if (this.isStopped) return
    for (const effect of this.core.step(event, performance.now())) this.perform(effect)
    const { status } = this.core
    const told = `${status.state} ${status.why ?? ''} ${status.isDifferent}`
    // Each record makes a replica behind for a moment.
    if (told === this.lastTold || this.isBehindForAMoment(status)) return
    this.lastTold = told
    this.init.told(status)
    void this.stand()
  }

  private async stand(as?: string): Promise<void> {
    const { state, why, doneOffset, endOffset } = this.core.status
    await this.init.topics.stands({ replica: this.init.name, state: as ?? state, why, doneOffset, endOffset, toldAtMs: Date.now() })
  }

  private isBehindForAMoment({ state, behindSinceMs = 0 }: KafkaStatus): boolean {
    return state === 'catching-up' && performance.now() - behindSinceMs < this.init.behindMs
  }

  private perform(effect: KafkaEffect): void {
    const { topics } = this.init
    switch (effect.kind) {
      case 'look':
        return this.ask(effect.number, async ({ number }) => ({ kind: 'looked', number, topic: await topics.look() }))
      case 'read-again':
        return this.ask(effect.number, async ({ number }) => {
          return { kind: 'read-again', number, record: await topics.recordAt(effect.offset, effect.leaderEpoch) }
        })
      case 'fetch':
        return this.ask(effect.number, async ({ number }) => {
          return { kind: 'fetched', number, ...(await topics.fetch(effect.offset, effect.leaderEpoch)) }
        })
      case 'apply':
        return this.applier.add(effect.entries)
      case 'verdict':
        return this.applier.verdict(effect.index, effect.code)
      case 'reopen':
        this.applier.closed()
        return this.after(MOVED_MS, () => void this.alone(() => this.openedAgain()))
      case 'recall':
        return this.insist(() => this.recalled(effect))
      case 'recall-name':
        return this.insist(() => this.named(effect))
      case 'ask-end':
        return this.insist(async () => ({ kind: 'ended', number: effect.number, endOffset: await topics.end() }))
      case 'query':
        void this.said(utf8.encode(effect.query), effect.indexMin).then((said) =>
          this.step({ kind: 'queried', number: effect.number, said }),
        )
        return
      case 'respond':
        void topics.respond(effect.response).then(() => this.step({ kind: 'responded', number: effect.number }))
        return
      case 'order':
        // Lost, it is not compared.
        return void topics.order(effect.value).catch((error: unknown) => this.init.logger.debug({ err: error }, 'a digest is not told'))
      case 'commit':
        return topics.commit(effect.partition, effect.offset)
      case 'join':
        return this.join()
      case 'leave':
        return topics.leave()
      case 'halt':
        this.applier.closed()
        return topics.leave()
    }
  }

  /** One that is lost meanwhile is told when it is there again. */
  private openedAgain(): void {
    if (this.store !== undefined) this.applier.opened(this.at)
  }

  private join(): void {
    const { core } = this
    this.init.topics.join({
      assigned: (generation) => this.step({ kind: 'assigned', generation }),
      requested: (generation, partition, records) => this.step({ kind: 'requested', generation, partition, records }),
      get hasRoom() {
        return core.hasRoom
      },
    })
  }

  /** One try: the replica decides when it is asked again. */
  private ask(number: number, run: (asked: { readonly number: number }) => Promise<KafkaEvent>): void {
    run({ number }).then(
      (event) => this.step(event),
      (error: unknown) => {
        if (error instanceof TopicMoved) return this.step({ kind: 'moved', number })
        this.init.logger.debug({ err: error }, 'no broker answers')
        this.step({ kind: 'unreachable', number })
      },
    )
  }

  /** Until it is known; whoever waits gives up by the clock. */
  private insist(run: () => Promise<KafkaEvent>): void {
    run().then(
      (event) => this.step(event),
      (error: unknown) => {
        this.init.logger.debug({ err: error }, 'it is asked again')
        this.after(REOPEN_MS, () => this.insist(run))
      },
    )
  }

  private async recalled({ number, offset }: Of<'recall'>): Promise<KafkaEvent> {
    const record = await this.init.topics.recordAt(offset)
    if (record === undefined) return { kind: 'recalled', number, recalled: undefined }
    const { entry } = readRecord(record, { index: 0, atMs: 0 }, TOOLS)
    return { kind: 'recalled', number, recalled: { record, applied: await this.remembered(entry) } }
  }

  private async named({ number, entry }: Of<'recall-name'>): Promise<KafkaEvent> {
    const applied = await this.remembered(entry)
    return { kind: 'named', number, applied: applied.outcome.kind === 'forgotten' ? undefined : applied }
  }

  /**
   * An entry that the store has passed has no effect, and its outcome is told.
   *
   * @throws StoreUnavailable for one that it has not passed, as a store that went back
   */
  private async remembered(entry: Entry): Promise<Applied> {
    return this.alone(async () => {
      const { store } = this
      if (store === undefined || entry.index > store.at.position.index) throw new StoreUnavailable('not-open')
      const [outcome] = await store.apply({ entries: [entry], verdicts: new Map() })
      if (outcome === undefined) throw new Error(`nothing is told of entry ${entry.index}`)
      return { position: { term: entry.term, index: entry.index }, outcome }
    })
  }

  private async applied(entries: readonly Entry[], verdicts: ReadonlyMap<number, string>): Promise<BatchEnd> {
    try {
      const store = await this.opening()
      const outcomes = await store.apply({ entries, verdicts })
      return {
        outcomes: entries.map(({ term, index }, place) => ({
          position: { term, index },
          outcome: outcomes[place] as (typeof outcomes)[number],
        })),
        durableIndex: store.at.durableIndex,
      }
    } catch (error) {
      if (error instanceof StoreMoved) this.lose()
      if (error instanceof StoreUnavailable) return { code: error.code }
      this.init.logger.error({ err: error }, 'the store failed')
      return { code: 'failed' }
    }
  }

  private async opening(): Promise<LogStore> {
    if (this.store === undefined) throw new StoreUnavailable('not-open')
    return this.store
  }

  /** It stands elsewhere than it did: it is opened again, and read for from there. */
  private lose(): void {
    const { store } = this
    this.store = undefined
    this.applier.closed()
    const reopen = async (): Promise<void> => {
      await store?.close().catch(() => {})
      try {
        this.store = await this.init.open()
        this.applier.opened(this.at)
      } catch (error) {
        this.init.logger.error({ err: error }, 'the store cannot be opened')
        this.after(REOPEN_MS, () => void this.alone(reopen))
      }
    }
    void this.alone(reopen)
  }

  private async said(query: Uint8Array, indexMin: number): Promise<StoreSaid> {
    try {
      const { position, result } = await (await this.opening()).query(query, indexMin)
      return { kind: 'answered', index: position.index, result: utf8.decode(result) }
    } catch (error) {
      if (error instanceof NotAQuery) return { kind: 'not-a-query', detail: error.message }
      if (!(error instanceof StoreUnavailable)) this.init.logger.error({ err: error }, 'a query failed')
      return { kind: 'unavailable' }
    }
  }

  private async alone<Value>(run: () => Value | Promise<Value>): Promise<Value> {
    const work = this.work.then(run)
    this.work = work.catch(() => {})
    return work
  }

  private get at(): StoreAt {
    const { position, members, atMs, durableIndex } = (this.store as LogStore).at
    return { position, members, atMs, durableIndex }
  }
}
