/**
 * The writes of one run that are with the owner of another ballot. All of them come back by its
 * answers, or the run goes on alone with what is left: then no answer counts any more.
 */
import type { RegisterKey } from '../base/register.ts'
import type { RoundTrips } from '../agreement/round-trips.ts'
import type { Moment } from '../base/moment.ts'
import { forwardOf } from './claims.ts'
import type { Claim, WriteClaim } from './claims.ts'
import { FORWARDED_VERSIONS_MAX } from './forwards.ts'
import type { Forwarded, Forwards } from './forwards.ts'
import type { Judged } from './plan.ts'

/** An owner that says nothing for so long is not waited for; on far links as long as it takes. */
const SILENCE_MS = 1_000
const SILENCE_ROUND_TRIPS = 4
/**
 * Writes of one register that are with the owner at one time. It counts each as a retry, and those
 * of all other peers that write there are to be in one or two of its batches: later they would be
 * forgotten.
 */
const FORWARDED_AT_ONCE = 16

export interface HandedOverContext {
  readonly moment: Moment
  readonly forwards: Forwards
  readonly roundTrips: Pick<RoundTrips, 'toDecideMs'>
  /** The version that is held, or where nothing is the highest that was ever forgotten. */
  readonly current: (key: RegisterKey) => number
}

export class HandedOver {
  private readonly key: RegisterKey
  private readonly context: HandedOverContext
  private readonly ended: (claim: WriteClaim, result: Judged | undefined) => void
  private readonly claims = new Map<number, WriteClaim>()
  private silentSinceMs = 0
  /** The newest version that the owner has said is applied; what is held here lags behind it. */
  private appliedTo = 0
  /** The owner has dropped one. */
  private isDropped = false

  /** @param ended the owner says what became of a write; undefined where it dropped it */
  constructor(key: RegisterKey, context: HandedOverContext, ended: HandedOver['ended']) {
    this.key = key
    this.context = context
    this.ended = ended
  }

  get isEmpty(): boolean {
    return this.claims.size === 0
  }

  /** True when what is with the owner is not to be waited for. */
  get isLost(): boolean {
    const { moment, forwards, roundTrips } = this.context
    const patienceMs = Math.max(SILENCE_MS, SILENCE_ROUND_TRIPS * roundTrips.toDecideMs(this.key))
    return this.isDropped || moment.nowMs > this.silentSinceMs + patienceMs || forwards.ballotOf(this.key) === undefined
  }

  /** Hands over what may be, unless somebody wants to know what is chosen. */
  hand(claims: readonly Claim[]): void {
    const { forwards, moment, current } = this.context
    const ballot = forwards.ballotOf(this.key)
    if (ballot === undefined || this.isDropped || !claims.every(isForwardable)) return
    if (this.isEmpty) this.silentSinceMs = moment.nowMs
    const handed = new Set<Claim>(this.claims.values())
    for (const claim of claims.filter(isForwardable)) {
      if (this.claims.size >= FORWARDED_AT_ONCE) return
      if (handed.has(claim)) continue
      const write = forwardOf(claim, Math.max(current(this.key), this.appliedTo))
      const id = forwards.forward(this.key, ballot, write, (result) => this.told(id, claim, result))
      this.claims.set(id, claim)
    }
  }

  /** No answer counts any more. */
  end(): void {
    if (this.isDropped || !this.isEmpty) this.context.forwards.forget(this.key)
    for (const id of this.claims.keys()) this.context.forwards.drop(id)
    this.claims.clear()
    this.isDropped = false
  }

  private told(id: number, claim: WriteClaim, result: Forwarded): void {
    this.claims.delete(id)
    this.silentSinceMs = this.context.moment.nowMs
    if (result.kind === 'dropped') this.isDropped = true
    if (result.kind === 'applied') this.appliedTo = Math.max(this.appliedTo, result.version)
    this.ended(claim, result.kind === 'dropped' ? undefined : result)
  }
}

function isForwardable(claim: Claim): claim is WriteClaim {
  if (claim.kind === 'settle' || claim.onlyAt !== undefined) return false
  const { condition } = claim.write
  return condition?.kind !== 'versions' || condition.versions.length <= FORWARDED_VERSIONS_MAX
}
