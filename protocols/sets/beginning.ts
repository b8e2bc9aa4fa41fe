/**
 * Who holds the whole when nobody was given it: the founder, who was alone; in a network that is
 * older than its sets, the one peer that is chosen for it, once for all. Everybody else pulls from
 * somebody who holds it, before it takes operations.
 */
import type { IdentityId } from '../base/identity.ts'
import { isRemoved } from './context.ts'
import type { SetsContext } from './context.ts'
import type { Holdings } from './holdings.ts'
import type { Standing } from './standing.ts'

/** A peer that has heard of nobody who holds the whole for so long asks to be the one. */
const ASK_AFTER_MS = 5_000
/** Between tries to have it decided. */
const RETRY_MS = 5_000

/** @param settled told who was chosen; undefined when nobody was in time */
export type DecideBeginning = (place: number, candidate: IdentityId, settled: (chosen: IdentityId | undefined) => void) => void

export class Beginning {
  private readonly context: SetsContext
  private readonly holdings: Holdings
  private readonly standing: Standing
  private readonly decide: DecideBeginning
  /**
   * Which choice is looked at: the next one only when a chosen peer is known to be no member any
   * more.
   */
  private place = 0
  private isKnown = false
  private isDeciding = false
  private atMs: number

  constructor(context: SetsContext, holdings: Holdings, standing: Standing, decide: DecideBeginning) {
    this.context = context
    this.holdings = holdings
    this.standing = standing
    this.decide = decide
    this.atMs = context.moment.nowMs + ASK_AFTER_MS
  }

  restUntilMs(): number {
    return this.isKnown && this.holdings.isWhole ? Number.POSITIVE_INFINITY : this.atMs
  }

  upkeep(): void {
    // Whoever was removed from the network ceased to hold the whole, and perhaps nobody is left who does.
    if (this.isKnown && this.holdings.isWhole) return
    const { chain, self, moment } = this.context
    const config = chain.current?.config
    const voters = chain.current?.quorum.voters ?? []
    const isFounder = config?.epoch === 0 && voters.length === 1 && voters[0]?.id === self.id
    if (isFounder) this.holdings.markWhole()
    if (config === undefined || moment.nowMs < this.atMs || this.isDeciding) return
    this.atMs = moment.nowMs + RETRY_MS
    // Whoever holds the whole sees to it that nobody is chosen later who does not.
    if (!this.holdings.isWhole && (this.standing.wholePeers.length > 0 || !chain.isVoter(self.id))) return
    this.isDeciding = true
    this.decide(this.place, self.id, (chosen) => this.decided(chosen))
  }

  private decided(chosen: IdentityId | undefined): void {
    this.isDeciding = false
    if (chosen === undefined) return
    const { self, chain, roster } = this.context
    if (this.holdings.isWhole || chosen === self.id) {
      this.isKnown = true
      this.holdings.markWhole()
      return this.standing.tellAll()
    }
    const isMember =
      chain.isVoter(chosen) ||
      [...roster.all()].some(({ identity, peerId, clusterId }) => identity.id === chosen && !isRemoved(this.context, peerId, clusterId))
    if (!isMember) this.place += 1
  }
}
