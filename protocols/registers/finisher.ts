/**
 * Finishes what others began: registers in doubt here after a while, and whatever it is asked to.
 */
import type { Doubts } from '../agreement/doubts.ts'
import type { RoundTrips } from '../agreement/round-trips.ts'
import type { Moment } from '../base/moment.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Cells } from './cells.ts'
import { settleClaim } from './claims.ts'
import type { Coordinator } from './coordinator.ts'
import { compareEntries } from './record.ts'
import type { View } from './showing.ts'

/**
 * One try to finish a register that is in doubt, and on far links as long as it takes with a rival
 * that is waited for.
 */
const FINISH_MS = 10_000
const FINISH_ROUND_TRIPS = 16

export interface FinisherContext {
  readonly moment: Moment
  readonly doubts: Doubts
  readonly roundTrips: Pick<RoundTrips, 'toDecideMs'>
  readonly coordinator: Coordinator
  readonly cells: Cells
}

export class Finisher {
  private readonly context: FinisherContext

  constructor(context: FinisherContext) {
    this.context = context
  }

  upkeep(): void {
    const { doubts } = this.context
    for (const key of doubts.due()) this.finish(key, () => doubts.retry(key))
  }

  /** @param settled told false when it could not be done in time */
  finish(key: RegisterKey, settled: (done: boolean) => void): void {
    const { moment, roundTrips, coordinator } = this.context
    const tryMs = Math.max(FINISH_MS, FINISH_ROUND_TRIPS * roundTrips.toDecideMs(key))
    const needsCommit = (view: View): boolean => this.isAcceptedAbove(key, view)
    coordinator.claim(
      key,
      settleClaim(needsCommit, moment.nowMs + tryMs, (result) => settled(result.kind === 'settled')),
    )
  }

  /**
   * What is accepted here, and above all that the quorum showed, is overtaken only by a commit: of
   * what is there, else of a deletion.
   */
  private isAcceptedAbove(key: RegisterKey, { best }: View): boolean {
    const { accepted } = this.context.cells.read(key)
    return accepted !== undefined && (best === undefined || compareEntries(accepted, best) > 0)
  }
}
