/**
 * Registers that live for a time. Whoever has held one for that long, by a clock that never goes
 * back and from when it learned of it, deletes it under the condition that it is still that
 * version. So nothing expires early, whatever anybody's time of day is, and all peers' attempts are
 * one write. The owner of the ballot tries first, the others later, in turn.
 */
import type { RoundTrips } from '../agreement/round-trips.ts'
import type { IdentityId } from '../base/identity.ts'
import type { Moment } from '../base/moment.ts'
import type { RegisterKey } from '../base/register.ts'
import { writeClaim } from './claims.ts'
import type { Coordinator } from './coordinator.ts'
import type { Write } from './judge.ts'
import type { Marks } from './marks.ts'
import type { Entry, Mark, RegisterRecord } from './record.ts'

/**
 * Between the turns of two peers; on far links as long as it takes to decide the deletion and to
 * hear of it.
 */
const TURN_MS = 2_000
const TURN_ROUND_TRIPS = 3
/** Peers whose turn is later than this go with it. */
const TURNS_MAX = 8
/**
 * One try to delete, on far links as long as it takes with a rival, and the pause before the next.
 */
const TRY_MS = 10_000
const TRY_ROUND_TRIPS = 16
const RETRY_MS = 4_000
/** Deletions under way at one time. */
const EXPIRING_MAX = 64
/** What is due within one grain is looked at together. */
const GRAIN_MS = 250

export interface ExpiryContext {
  readonly self: IdentityId
  readonly moment: Moment
  readonly roundTrips: Pick<RoundTrips, 'turnOf' | 'toDecideMs'>
  readonly coordinator: Coordinator
  readonly marks: Marks
  readonly held: (key: RegisterKey) => Entry | undefined
}

export class Expiry {
  private readonly context: ExpiryContext
  /** When each is due, by the grain of time. */
  private readonly dueAt = new Map<RegisterKey, number>()
  private readonly byGrain = new Map<number, Set<RegisterKey>>()
  /** All before it was looked at. */
  private grain: number
  private readonly expiring = new Set<RegisterKey>()

  constructor(context: ExpiryContext) {
    this.context = context
    this.grain = this.grainOf(context.moment.nowMs)
  }

  /** Registers that live for a time. */
  get size(): number {
    return this.dueAt.size
  }

  /** Another record is held from now on. */
  onHeld(key: RegisterKey, { ballot, record }: Entry): void {
    this.forget(key)
    if (record.ttlMs === undefined) return
    const { self, moment, roundTrips } = this.context
    const turn = ballot.by.id === self ? 0 : 1 + Math.min(TURNS_MAX, roundTrips.turnOf(key))
    const turnMs = Math.max(TURN_MS, TURN_ROUND_TRIPS * roundTrips.toDecideMs(key))
    this.schedule(key, moment.nowMs + record.ttlMs + turn * turnMs)
  }

  upkeep(): void {
    for (const last = this.grainOf(this.context.moment.nowMs); this.grain < last; this.grain += 1) {
      for (const key of this.byGrain.get(this.grain) ?? []) {
        if (this.expiring.size >= EXPIRING_MAX) return
        this.expire(key)
      }
    }
  }

  private expire(key: RegisterKey): void {
    this.forget(key)
    const record = this.context.held(key)?.record
    if (record?.ttlMs === undefined || this.expiring.has(key)) return
    this.expiring.add(key)
    const { coordinator, moment, roundTrips } = this.context
    const tryMs = Math.max(TRY_MS, TRY_ROUND_TRIPS * roundTrips.toDecideMs(key))
    const deletion = this.deletion(key, record, record.ttlMs)
    const claim = writeClaim(deletion, { writeIdGiven: true, cameAfter: record.version }, moment.nowMs + tryMs, () => {
      this.expiring.delete(key)
      // Where it went through, something else is held by now.
      if (this.context.held(key)?.record === record) this.schedule(key, this.context.moment.nowMs + RETRY_MS)
    })
    coordinator.claim(key, claim)
  }

  private deletion(key: RegisterKey, record: RegisterRecord, ttlMs: number): Parameters<typeof writeClaim>[0] {
    const { version, writtenAtMs } = record
    return { ...expiryOf(this.context.marks, key, record), writtenAtMs: writtenAtMs + ttlMs, after: version }
  }

  private schedule(key: RegisterKey, atMs: number): void {
    const grain = Math.max(this.grain, this.grainOf(atMs) + 1)
    this.dueAt.set(key, grain)
    const keys = this.byGrain.get(grain)
    if (keys === undefined) this.byGrain.set(grain, new Set([key]))
    else keys.add(key)
  }

  private forget(key: RegisterKey): void {
    const grain = this.dueAt.get(key)
    if (grain === undefined) return
    this.dueAt.delete(key)
    const keys = this.byGrain.get(grain)
    keys?.delete(key)
    if (keys?.size === 0) this.byGrain.delete(grain)
  }

  private grainOf(atMs: number): number {
    return Math.floor(atMs / GRAIN_MS)
  }
}

/** The write that deletes a version which has lived its time: the same at every peer. */
export function expiryOf(
  marks: Marks,
  key: RegisterKey,
  { version, mark }: { readonly version: number; readonly mark: Mark },
): Pick<Write, 'contents' | 'condition' | 'writeId' | 'mark'> {
  const writeId = `expiry/${version}/${mark}`
  const contents = { kind: 'deleted' } as const
  const condition = { kind: 'versions', versions: [version] } as const
  return { contents, condition, writeId, mark: marks.of(key, writeId, contents, condition) }
}
