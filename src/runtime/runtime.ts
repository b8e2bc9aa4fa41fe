/**
 * The only loop: an event goes into the core, its effects are performed in order. It gathers the
 * writes of a turn of the event loop into one transaction, keeps one transaction under way, and
 * lets sends go when what they rest on is synced.
 */
import { compareUtf8 } from '../../protocols/base/bytes.ts'
import { Overlay } from '../../protocols/base/overlay.ts'
import type { Ceiling } from '../../protocols/base/ballot.ts'
import type { Identity } from '../../protocols/base/identity.ts'
import { isHiddenKey } from '../../protocols/base/register.ts'
import type { RegisterKey, Registers } from '../../protocols/base/register.ts'
import type { Tables } from '../../protocols/base/rows.ts'
import type { AnyWrite } from '../../protocols/base/persist.ts'
import type { Effect, Note, Outcome, TypeOutcome } from '../../protocols/effects.ts'
import { unreachable } from '../../protocols/base/assert.ts'
import type { ClientId, CoreEvent } from '../../protocols/events.ts'
import type { PeerCore } from '../../protocols/peer.ts'
import type { Clock } from '../ports/clock.ts'
import type { OutcomeOf } from '../ports/replicator.ts'
import type { Count, Listing, Storage } from '../ports/storage.ts'
import type { Transport } from '../ports/transport.ts'
import { SendGate } from './send-gate.ts'
import type { Saying } from './send-gate.ts'

/**
 * Lazy writes that nobody waits for are made no later than this: they ride along with a sync that
 * somebody needs.
 */
const LAZY_WRITE_MS = 20

export interface RuntimeInit {
  readonly storage: Storage
  readonly transport: Transport
  readonly clock: Clock
  /** Builds the core over the store as the runtime shows it. */
  readonly createCore: (registers: Registers & Tables) => PeerCore
  readonly noted: (note: Note) => void
  /** A transaction was synced: how many writes, in how many milliseconds. */
  readonly synced: (writes: number, elapsedMs: number) => void
  /** A chosen record is on disk. */
  readonly chosen?: (key: RegisterKey) => void
  /** The store failed, or a rule was broken: the process must end. Called once. */
  readonly failed: (error: Error) => void
}

/** The event of a client's request. */
type RequestOf<Kind extends keyof OutcomeOf> = Extract<CoreEvent, { readonly kind: Kind }>

/** A request that is answered again and again. */
export interface Watching {
  /** Asks something more for the same client; nothing once it has ended. */
  readonly say: (build: (client: ClientId) => RequestOf<'typed'>) => void
  readonly end: () => void
}

export class Runtime {
  readonly core: PeerCore
  private readonly init: RuntimeInit
  private readonly self: Identity
  private readonly registers: Overlay
  private readonly gate: SendGate = new SendGate()
  private readonly waiting = new Map<ClientId, (outcome: Outcome) => void>()
  /** Of requests that go on: who is told what comes before their answer. */
  private readonly watching = new Map<ClientId, (outcome: TypeOutcome) => void>()
  /** Events that arose while another was being performed. */
  private readonly queue: CoreEvent[] = []
  private isStepping = false
  private ceilingSynced: Ceiling
  private writes: AnyWrite[] = []
  private isWriting = false
  private isFlushPlanned = false
  private lazyTimer: NodeJS.Timeout | undefined
  private tickTimer: NodeJS.Timeout | undefined
  /** A tick comes at the end of this turn. */
  private turnEnd: NodeJS.Immediate | undefined
  private tickAtMs = Number.POSITIVE_INFINITY
  private lastClient = 0
  private isStopped = false
  private drained: (() => void) | undefined

  constructor(init: RuntimeInit) {
    this.init = init
    this.ceilingSynced = init.storage.facts.ceiling()
    this.registers = new Overlay(init.storage.registers, init.storage)
    this.core = init.createCore(this.registers)
    this.self = this.core.identity
    this.planTick()
  }

  /** The ceiling that is on disk: the only one that others may be told. */
  get ceiling(): Ceiling {
    return this.ceilingSynced
  }

  /** Requests of clients that have no answer yet. */
  get waitingCount(): number {
    return this.waiting.size
  }

  /**
   * Has a client's request decided.
   *
   * @param build makes the event from the number that the request gets
   * @param asker the client: when its signal aborts, the core is told that nobody waits. What is
   * answered at once asks for no signal
   * @returns its one answer, of the kind of the request; undefined when the signal aborted first
   */
  ask<Kind extends keyof OutcomeOf>(
    build: (client: ClientId) => RequestOf<Kind>,
    asker: { readonly signal?: AbortSignal | undefined } | undefined,
  ): Promise<OutcomeOf[Kind] | undefined> {
    const client = (this.lastClient += 1)
    return new Promise((resolve) => {
      // The core answers a request by an outcome of its kind: the one place where that is taken on
      // trust.
      const answered = (outcome: Outcome): void => resolve(outcome as OutcomeOf[Kind])
      this.waiting.set(client, answered)
      this.dispatch(build(client))
      const signal = this.waiting.has(client) ? asker?.signal : undefined
      if (signal === undefined) return
      const cancel = (): void => {
        this.waiting.delete(client)
        this.dispatch({ kind: 'cancel', client })
        resolve(undefined)
      }
      signal.addEventListener('abort', cancel, { once: true })
      this.waiting.set(client, (outcome) => {
        signal.removeEventListener('abort', cancel)
        answered(outcome)
      })
    })
  }

  /**
   * Has a client's request decided that is answered again and again, until its last answer or its
   * end.
   *
   * @param told never before this returns
   */
  watch(build: (client: ClientId) => RequestOf<'typed'>, told: (outcome: TypeOutcome, isLast: boolean) => void): Watching {
    const client = (this.lastClient += 1)
    this.watching.set(client, (outcome) => told(outcome, false))
    this.waiting.set(client, (outcome) => told(outcome as TypeOutcome, true))
    setImmediate(() => {
      if (this.waiting.has(client)) this.dispatch(build(client))
    })
    return {
      say: (more) => {
        if (this.waiting.has(client)) this.dispatch(more(client))
      },
      end: () => {
        if (!this.waiting.delete(client)) return
        this.watching.delete(client)
        this.dispatch({ kind: 'cancel', client })
      },
    }
  }

  /**
   * Takes an event; its effects, and those of what follows from them at this peer, are performed
   * before this returns.
   */
  dispatch(event: CoreEvent): void {
    if (this.isStopped) return
    this.queue.push(event)
    if (!this.isStepping) this.drain()
  }

  private drain(): void {
    this.isStepping = true
    try {
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) this.step(next)
    } catch (error) {
      this.fail(error)
    }
    this.isStepping = false
    this.planTick()
  }

  /**
   * As `RegisterTable.list`, with what was persisted and is not handed to the store yet: an
   * answered put is listed from then on.
   */
  list(prefix: string, after: string, limit: number): Listing {
    const stored = this.init.storage.registers.list(prefix, after, limit)
    const last = stored.more ? stored.entries.at(-1)?.key : undefined
    const isOnPage = (key: RegisterKey): boolean =>
      key.startsWith(prefix) && !isHiddenKey(key) && compareUtf8(key, after) > 0 && (last === undefined || compareUtf8(key, last) < 0)
    const laid = [...this.registers.chosen()].filter(({ key }) => isOnPage(key))
    if (laid.length === 0) return stored
    const entries = [...stored.entries, ...laid].toSorted((a, b) => compareUtf8(a.key, b.key))
    return { entries: entries.slice(0, limit), more: stored.more || entries.length > limit }
  }

  /** As `RegisterTable.count`, with what was persisted and is not handed to the store yet. */
  count(prefix: string, after: string, limit: number): Count {
    const stored = this.init.storage.registers.count(prefix, after, limit)
    const isPassed = (key: RegisterKey): boolean => !stored.more || compareUtf8(key, stored.last as string) < 0
    const laid = [...this.registers.chosen()].filter(
      ({ key }) => key.startsWith(prefix) && !isHiddenKey(key) && compareUtf8(key, after) > 0 && isPassed(key),
    )
    const last = [stored.last, ...laid.map(({ key }) => key)]
      .filter((key) => key !== undefined)
      .toSorted(compareUtf8)
      .at(-1)
    return { count: stored.count + laid.length, last, more: stored.more }
  }

  /** As `RegisterTable.valueBytes`, of what was handed to the store. */
  valueBytes(key: RegisterKey): number {
    return this.init.storage.registers.valueBytes(key)
  }

  /** Takes no more events, and resolves when everything written is on disk. */
  async stop(): Promise<void> {
    this.isStopped = true
    clearTimeout(this.tickTimer)
    clearImmediate(this.turnEnd)
    clearTimeout(this.lazyTimer)
    if (this.isWriting) await new Promise<void>((resolve) => (this.drained = resolve))
    if (this.writes.length > 0) await this.init.storage.write(this.writes)
  }

  private step(event: CoreEvent): void {
    for (const effect of this.core.step(event, this.init.clock.nowMs())) this.perform(effect)
  }

  private perform(effect: Effect): void {
    switch (effect.kind) {
      case 'persist':
        return this.persist(effect.write)
      case 'send':
      case 'answer':
      case 'tell':
        if (this.gate.admit(effect)) return this.say(effect)
        return this.planFlush()
      case 'meet':
        return this.init.transport.meet(effect.peerId, effect.addresses, effect.clusterId === this.core.clusterId)
      case 'disconnect':
        return this.init.transport.disconnect(effect.peerId, effect.reason)
      case 'note':
        return this.init.noted(effect.note)
      default:
        return unreachable(effect)
    }
  }

  private say(saying: Saying): void {
    if (saying.kind === 'answer') return this.answer(saying.client, saying.outcome)
    if (saying.kind === 'tell') return this.watching.get(saying.client)?.(saying.outcome)
    const { to, message } = saying
    if (to !== this.self.peerId) this.init.transport.send(to, message)
    else this.dispatch({ kind: 'message', from: this.self, round: 0, message })
  }

  private answer(client: ClientId, outcome: Outcome): void {
    const resolve = this.waiting.get(client)
    this.waiting.delete(client)
    this.watching.delete(client)
    resolve?.(outcome)
  }

  private persist(write: AnyWrite): void {
    this.registers.apply(write)
    this.gate.wrote(write)
    this.writes.push(write)
    if (!write.isLazy) return this.planFlush()
    this.lazyTimer ??= setTimeout(() => this.flush(), LAZY_WRITE_MS)
  }

  /** At the end of this turn, so that all that the turn brings shares one sync. */
  private planFlush(): void {
    if (this.isFlushPlanned || this.isWriting) return
    this.isFlushPlanned = true
    setImmediate(() => this.flush())
  }

  private flush(): void {
    this.isFlushPlanned = false
    clearTimeout(this.lazyTimer)
    this.lazyTimer = undefined
    if (this.isWriting || this.isStopped || this.writes.length === 0) return
    const { writes } = this
    this.writes = []
    this.isWriting = true
    const batch = this.gate.close()
    const startedAtMs = this.init.clock.nowMs()
    const done = this.init.storage.write(writes)
    // The store shows them by itself from here on.
    this.registers.clear()
    done.then(
      () => this.written(batch, writes, startedAtMs),
      (error: unknown) => this.fail(error),
    )
  }

  private written(batch: number, writes: readonly AnyWrite[], startedAtMs: number): void {
    this.isWriting = false
    for (const write of writes) {
      if (write.kind === 'ceiling') this.ceilingSynced = write.ceiling
      else if (write.kind === 'chosen') this.init.chosen?.(write.key)
    }
    this.init.synced(writes.length, this.init.clock.nowMs() - startedAtMs)
    this.drained?.()
    if (this.isStopped) return
    this.release(this.gate.settle(batch))
    // What was gathered meanwhile has waited a whole sync already.
    if (this.writes.some((write) => !write.isLazy) || this.gate.isAwaited) this.flush()
    else if (this.writes.length > 0) this.lazyTimer ??= setTimeout(() => this.flush(), LAZY_WRITE_MS)
  }

  /** All of them leave before anything that follows from those to this peer itself. */
  private release(sayings: readonly Saying[]): void {
    this.isStepping = true
    for (const saying of sayings) this.say(saying)
    this.isStepping = false
    this.drain()
  }

  private planTick(): void {
    const { wakeAtMs } = this.core
    if (this.isStopped || wakeAtMs >= this.tickAtMs) return
    clearTimeout(this.tickTimer)
    this.tickAtMs = wakeAtMs
    // Nothing is before it, so nothing is planned in its place.
    if (wakeAtMs === Number.NEGATIVE_INFINITY) return this.planTurnEnd()
    this.tickTimer = setTimeout(
      () => {
        this.tickAtMs = Number.POSITIVE_INFINITY
        this.dispatch({ kind: 'tick' })
      },
      // A timer cuts off parts of a millisecond: it would come early, find nothing due, and be set
      // once more.
      Math.max(0, Math.ceil(this.tickAtMs - this.init.clock.nowMs())),
    )
  }

  private planTurnEnd(): void {
    this.turnEnd = setImmediate(() => {
      this.tickAtMs = Number.POSITIVE_INFINITY
      this.dispatch({ kind: 'tick' })
    })
  }

  private fail(error: unknown): void {
    if (this.isStopped) return
    this.isStopped = true
    clearTimeout(this.tickTimer)
    clearImmediate(this.turnEnd)
    clearTimeout(this.lazyTimer)
    this.drained?.()
    this.init.failed(error instanceof Error ? error : new Error(String(error)))
  }
}
