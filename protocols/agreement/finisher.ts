/**
 * Finishes what others began: registers in doubt here after a while, and whatever it is asked to.
 */
import type { Moment } from '../base/moment.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Outbox } from '../outbox.ts'
import type { Service } from '../service.ts'
import { finishingClaim } from './coordinator.ts'
import type { Coordinator } from './coordinator.ts'
import type { Doubts } from './doubts.ts'
import type { RoundTrips } from './round-trips.ts'

/**
 * One try to finish a register that is in doubt, and on far links as long as it takes with a rival
 * that is waited for.
 */
const FINISH_MS = 10_000
const FINISH_ROUND_TRIPS = 16

export class Finisher implements Service {
  private readonly moment: Moment
  private readonly outbox: Outbox
  private readonly doubts: Doubts
  private readonly coordinator: Coordinator
  private readonly roundTrips: Pick<RoundTrips, 'toDecideMs'>

  constructor(moment: Moment, outbox: Outbox, doubts: Doubts, coordinator: Coordinator, roundTrips: Pick<RoundTrips, 'toDecideMs'>) {
    this.moment = moment
    this.outbox = outbox
    this.doubts = doubts
    this.coordinator = coordinator
    this.roundTrips = roundTrips
  }

  upkeep(): void {
    for (const key of this.doubts.due()) this.finish(key, () => this.doubts.retry(key))
  }

  restUntilMs(): number {
    return this.doubts.size > 0 ? this.moment.nowMs : Number.POSITIVE_INFINITY
  }

  /** @param settled told false when it could not be done in time */
  finish(key: RegisterKey, settled: (done: boolean) => void): void {
    const tryMs = Math.max(FINISH_MS, FINISH_ROUND_TRIPS * this.roundTrips.toDecideMs(key))
    const claim = finishingClaim(this.moment.nowMs + tryMs, (result) => {
      if (result.kind === 'chosen') this.outbox.note({ kind: 'finished', key })
      settled(result.kind !== 'expired')
    })
    this.coordinator.claim(key, claim, true)
  }
}
