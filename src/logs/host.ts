/**
 * Keeps the store of one log: opens it once the log is born, applies what is committed, and answers
 * queries. It stands outside the step loop, so a slow store holds up no vote.
 */
import type { Logger } from 'pino'
import { CHECK_DIGEST_BYTES } from '../../protocols/log/limits.ts'
import type { LogEvent, StoreAt } from '../../protocols/log/events.ts'
import type { Identity, PeerId } from '../../protocols/base/identity.ts'
import { ORIGIN } from '../../protocols/log/entry.ts'
import type { Entry, Position } from '../../protocols/log/entry.ts'
import { LOGS } from '../../protocols/log/placing.ts'
import type { HostRequest, HostSaid, HostTold, QueryAnswer } from '../../protocols/log/requests.ts'
import type { SnapshotTalk } from '../../protocols/log/talk.ts'
import { RESULT_BYTES_MAX } from '../../protocols/log/talk.ts'
import { sha256, utf8 } from '../bytes.ts'
import { NotAQuery, StoreMoved, StoreRefused, StoreUnavailable } from '../ports/log-store.ts'
import type { LogStore, StoreClaim } from '../ports/log-store.ts'
import type { Subscription, TypePort } from '../ports/types.ts'
import { Applier } from './applier.ts'
import type { AppliedStore, BatchEnd } from './applier.ts'
import { Giving } from './giving.ts'
import { Taking } from './taking.ts'
import type { StagedSnapshot } from './taking.ts'

/** Between tries to open a store that refused, in milliseconds. */
const REOPEN_MS = 5_000
/** Numbers of transfers begin at random below this: those of an earlier run are others. */
const TRANSFER_FIRST_MAX = 2 ** 47

export interface HostInit {
  readonly types: TypePort
  readonly log: string
  /** The kind of store, as the birth of a log names it. */
  readonly store: string
  /** Where the log is to be, if it is born by itself; the own cluster where left out. */
  readonly place?: string | undefined
  /** Where this peer does not vote on the log, it is to have a replica of it for reading. */
  readonly learns?: boolean | undefined
  /** @throws StoreRefused, and whatever else the store's driver throws */
  readonly open: (claim: StoreClaim) => Promise<LogStore>
  /** Where a snapshot lies until it is restored. */
  readonly stagingPath: string
  readonly logger: Logger
  /** @param warning undefined when all is well again */
  readonly warn: (warning: string | undefined) => void
}

type Claim = Extract<HostTold, { readonly kind: 'open' }>

/** A snapshot that nobody wanted in so long is dropped. */
const STAGED_MS = 10_000

export class LogHost implements AppliedStore<StagedSnapshot> {
  private readonly init: HostInit
  private readonly subscription: Subscription
  private readonly applier: Applier<StagedSnapshot> = new Applier(this)
  private store: LogStore | undefined
  private isStopped = false
  /** What was begun at the store, so that it is closed after it. */
  private work: Promise<void> = Promise.resolve()
  private claim: Claim | undefined
  private readonly timers = new Set<NodeJS.Timeout>()
  /** Members that are given a backup, by peer id. */
  private readonly givings = new Map<PeerId, Giving>()
  private readonly taking: Taking
  private lastTransfer = Math.floor(Math.random() * TRANSFER_FIRST_MAX)

  constructor(init: HostInit) {
    this.init = init
    this.taking = new Taking(init.stagingPath)
    this.taking.drop()
    const { log, store, place, learns } = init
    const request: HostRequest = { kind: 'host', log, store, place, learns }
    this.subscription = init.types.watch(LOGS, request, (told) => this.told(told as HostTold))
  }

  async stop(): Promise<void> {
    this.isStopped = true
    this.applier.stop()
    for (const giving of this.givings.values()) giving.stop()
    for (const timer of this.timers) clearTimeout(timer)
    this.subscription.end()
    await this.work
    await this.store?.close()
    this.taking.drop()
  }

  private told(told: HostTold): void {
    switch (told.kind) {
      case 'open':
        return this.openFor(told)
      case 'ended':
        return this.leave()
      case 'apply':
        return this.applier.add(told.entries)
      case 'verdict':
        return this.applier.verdict(told.index, told.code)
      case 'query':
        void this.query(told.number, told.query, told.indexMin)
        return
      case 'give':
        void this.give(told.to, told.indexMin)
        return
      case 'take':
        return this.applier.restore()
      case 'refill':
        return this.reopen('dropped')
      case 'heard':
        return this.heard(told.from, told.talk)
      case 'other-store':
        return this.init.warn(
          `log ${this.init.log} was born with stores of the kind ${told.store}, and -log offers ${this.init.store}: nothing is kept here`,
        )
    }
  }

  /** The log is born, or goes on in another generation: whatever was open before it is closed first. */
  private openFor(claim: Claim): void {
    const { claim: before } = this
    const isAnother = before !== undefined && (before.logId !== claim.logId || before.generation !== claim.generation)
    if (isAnother) this.leave()
    this.work = this.work.then(() => this.open(claim))
  }

  /** The log is no more. What the store holds of it stays there. */
  private leave(): void {
    this.applier.stop()
    for (const giving of this.givings.values()) giving.stop()
    this.taking.drop()
    this.work = this.work.then(async () => {
      const { store } = this
      this.store = undefined
      this.claim = undefined
      await store?.close()
    })
  }

  private async open(claim: Claim, content?: 'dropped'): Promise<void> {
    if (this.isStopped || this.store !== undefined) return
    this.claim = claim
    const { logId, generation, owner, firstMembers, isSurvivor } = claim
    try {
      this.store = await this.init.open({
        logId,
        generation,
        owner,
        firstMembers,
        content: content ?? (isSurvivor ? 'carried' : undefined),
      })
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      this.init.warn(`the store of log ${this.init.log} cannot be opened: ${text}`)
      // A store that refuses goes on refusing; whatever else was in the way may pass.
      if (!(error instanceof StoreRefused)) this.after(REOPEN_MS, () => this.openAgain(claim, content))
      return
    }
    const { warnings } = this.store
    this.init.warn(warnings.length === 0 ? undefined : `the store of log ${this.init.log}: ${warnings.join('; ')}`)
    if (!this.isStopped) this.applier.opened(this.at)
  }

  /** Unless the log has gone on in another life or generation meanwhile. */
  private openAgain(claim: Claim, content?: 'dropped'): void {
    if (this.claim === claim) this.work = this.work.then(() => this.open(claim, content))
  }

  /**
   * It stands elsewhere than it did, or is to drop what it holds. What it lacks is applied to it
   * again, or it is filled.
   */
  private reopen(content?: 'dropped'): void {
    const { claim, store } = this
    if (store === undefined || claim === undefined) return
    this.store = undefined
    this.applier.closed()
    this.work = this.work.then(async () => {
      await store.close()
      await this.open(claim, content)
    })
  }

  apply(entries: readonly Entry[], verdicts: ReadonlyMap<number, string>, isWanted: () => boolean, ended: (end: BatchEnd) => void): void {
    // After this turn: what follows from the same commit is said to others first, and what is
    // committed meanwhile is in the same batch the next time.
    setImmediate(() => {
      if (!isWanted()) return
      const before = this.work
      this.work = this.applied(entries, verdicts)
        .then(ended)
        .then(() => before)
    })
  }

  private async applied(entries: readonly Entry[], verdicts: ReadonlyMap<number, string>): Promise<BatchEnd> {
    const { store } = this
    if (store === undefined) return { code: 'not-open' }
    try {
      const outcomes = await store.apply({ entries, verdicts })
      return {
        outcomes: entries.map(({ term, index }, place) => ({
          position: { term, index },
          outcome: outcomes[place] as (typeof outcomes)[number],
        })),
        durableIndex: store.at.durableIndex,
      }
    } catch (error) {
      if (error instanceof StoreMoved) this.reopen()
      if (error instanceof StoreUnavailable) return { code: error.code }
      // Not known to be deterministic: the replica stalls, and goes on trying.
      this.init.logger.error({ err: error, log: this.init.log }, 'the store of a log failed')
      return { code: 'failed' }
    }
  }

  digest(slice: number, isWanted: () => boolean, ended: (digest: string | undefined) => void): void {
    const before = this.work
    this.work = this.digested(slice)
      .then((digest) => {
        if (isWanted()) ended(digest)
      })
      .then(() => before)
  }

  /** Of the content of a slice, and of what came of every entry so far. */
  private async digested(slice: number): Promise<string | undefined> {
    const { store } = this
    try {
      if (store === undefined) return undefined
      const { outcomeDigest } = store.at
      const content = await store.digest(slice)
      return Buffer.from(sha256(utf8.encode(`${outcomeDigest} ${content}`)))
        .toString('hex')
        .slice(0, 2 * CHECK_DIGEST_BYTES)
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) this.init.logger.error({ err: error, log: this.init.log }, 'a store could not be checked')
      return undefined
    }
  }

  restore(_: StagedSnapshot, isWanted: () => boolean, ended: (at: StoreAt | undefined) => void): void {
    this.work = this.work.then(async () => {
      if (!isWanted()) return
      await this.restored()
      if (isWanted() && this.store !== undefined) ended(this.at)
    })
  }

  /** One that could not be restored leaves a store that is not whole: it is emptied as it is opened. */
  private async restored(): Promise<void> {
    try {
      await this.store?.restore(this.taking.stream())
    } catch (error) {
      this.init.logger.error({ err: error, log: this.init.log }, 'a snapshot could not be restored')
      await this.store?.close()
      this.store = undefined
      if (this.claim !== undefined) await this.open(this.claim)
    }
  }

  /** Fills another member from this store. */
  private async give(to: Identity, indexMin: number): Promise<void> {
    const { store } = this
    this.givings.get(to.peerId)?.stop()
    const giving = new Giving({
      logId: this.claim?.logId ?? '',
      transfer: (this.lastTransfer += 1),
      to,
      speak: (peerId, talk) => this.say({ kind: 'speak', to: peerId, talk }),
    })
    this.givings.set(to.peerId, giving)
    let position: Position | undefined
    try {
      if (store !== undefined && store.at.position.index >= indexMin) position = await giving.run((signal) => store.backup(signal))
    } catch (error) {
      this.init.logger.error({ err: error, log: this.init.log }, 'a snapshot could not be given')
    }
    if (this.givings.get(to.peerId) === giving) this.givings.delete(to.peerId)
    this.tell({ kind: 'snapshot-given', to, position })
  }

  private heard(from: Identity, talk: SnapshotTalk): void {
    if (talk.kind !== 'piece') return this.givings.get(from.peerId)?.heard(from, talk)
    if (this.applier.isStaged) return
    const { logId, transfer, place } = talk
    const { isStored, whole } = this.taking.take(from, talk)
    if (isStored) this.say({ kind: 'speak', to: from.peerId, talk: { kind: 'piece-stored', logId, transfer, place } })
    if (whole !== undefined) this.stage(logId, whole)
  }

  private stage(logId: string, whole: StagedSnapshot): void {
    const { from, transfer } = whole
    this.applier.stage(whole, (position) => {
      this.taking.drop()
      this.say({ kind: 'speak', to: from.peerId, talk: { kind: 'taken', logId, transfer, position } })
    })
    this.after(STAGED_MS, () => this.applier.unwanted(this.store?.at.position ?? ORIGIN))
  }

  after(milliseconds: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      run()
    }, milliseconds)
    this.timers.add(timer)
  }

  tell(event: LogEvent): void {
    this.say({ kind: 'said', ...this.opened, event, digest: this.store?.at.outcomeDigest })
  }

  private async query(number: number, query: Uint8Array, indexMin: number): Promise<void> {
    const { opened } = this
    this.say({ kind: 'queried', ...opened, number, answer: await this.answerTo(query, indexMin) })
  }

  /** What the store is open for. */
  private get opened(): Pick<Claim, 'logId' | 'generation'> {
    const { logId = '', generation = 0 } = this.claim ?? {}
    return { logId, generation }
  }

  private async answerTo(query: Uint8Array, indexMin: number): Promise<QueryAnswer> {
    try {
      const answer = await this.store?.query(query, indexMin)
      if (answer === undefined) return { kind: 'unavailable', why: 'stalled' }
      if (answer.result.length > RESULT_BYTES_MAX) return { kind: 'result-too-large' }
      return { kind: 'answered', ...answer }
    } catch (error) {
      if (error instanceof NotAQuery) return { kind: 'not-a-query', detail: error.message }
      if (error instanceof StoreMoved) this.reopen()
      if (!(error instanceof StoreUnavailable)) this.init.logger.error({ err: error, log: this.init.log }, 'a query of a log failed')
      return { kind: 'unavailable', why: 'stalled' }
    }
  }

  private say(said: HostSaid): void {
    if (!this.isStopped) this.subscription.say(said)
  }

  private get at(): StoreAt {
    const { position, members, atMs, durableIndex } = (this.store as LogStore).at
    return { position, members, atMs, durableIndex }
  }
}
