/**
 * Whether a put may begin with an offer now, and to whom it would go. Where it may not, nothing is
 * lost: the two phases need no offer before them.
 */
import { OFFERS_SINCE } from '../base/config.ts'
import type { Clusters } from '../base/config.ts'
import type { Identity } from '../base/identity.ts'
import type { InForce, Installed } from '../base/installed.ts'
import type { Moment } from '../base/moment.ts'
import { Quorum } from '../base/quorum.ts'
import { hasMajority, unitsNeeded } from '../base/units.ts'
import type { Unit } from '../base/units.ts'
import type { RoundTrips } from './round-trips.ts'

/** So many offers that are not answered in time, and none that comes through between, tell of silence. */
const UNANSWERED_MAX = 3
/** Then no others begin for so long; each time twice as long. */
const PAUSE_MS = 1_000
const PAUSE_MOST_MS = 16_000
/**
 * Home takes no offer of its own for so long after one that waited for the slowest voter in vain: as
 * long as one voter is slower than the others, one put a second waits for it, and not each.
 */
const SLOW_VOTER_MS = 1_000
/** What reserve and commit take, in round trips to a quorum: an offer that needs longer is none. */
const PHASES = 2

/** Who takes part in an offer of this peer, in one config. */
export interface OfferPlan {
  readonly epoch: number
  readonly home: Unit
  readonly others: readonly Unit[]
  /** How many of the others must take it whole. */
  readonly needed: number
  /** To ask the voters of home alone, and everybody else. */
  readonly homeVoters: Quorum
  readonly otherVoters: Quorum
  /** Everybody, and who decides by the two phases. */
  readonly quorum: Quorum
}

export interface OfferingContext {
  readonly self: Identity
  readonly moment: Moment
  readonly chain: InForce
  readonly roundTrips: Pick<RoundTrips, 'toFarthestMs' | 'toQuorumMs'>
  /** False for a voter that is known to be silent, or to have lost its store. */
  readonly isHeard: (voter: Identity) => boolean
  /** This peer makes offers at all; it takes those of others in any case. */
  readonly isOn: boolean
}

export class Offering {
  private readonly context: OfferingContext
  private planned: { readonly installed: Installed; readonly plan: OfferPlan | undefined } | undefined
  private unanswered = 0
  private pauseMs = PAUSE_MS
  private pausedUntilMs = Number.NEGATIVE_INFINITY
  private slowUntilMs = Number.NEGATIVE_INFINITY

  constructor(context: OfferingContext) {
    this.context = context
  }

  /** Undefined where a put begins with a reserve. */
  plan(): OfferPlan | undefined {
    const { chain, isOn, moment } = this.context
    const installed = chain.current
    if (!isOn || installed === undefined || moment.nowMs < this.pausedUntilMs) return undefined
    if (this.planned?.installed !== installed) this.planned = { installed, plan: this.planFor(installed) }
    const { plan } = this.planned
    return plan !== undefined && this.isHomeHeard(plan) && this.isWorthwhile(plan) ? plan : undefined
  }

  /** Home can promise, and accept last: it is not known that most of it is silent. */
  isHomeHeard({ home }: OfferPlan): boolean {
    return hasMajority(home, this.context.isHeard)
  }

  /**
   * Whether enough other units can take an offer whole, no later than the two phases would be through.
   *
   * @param hasTaken true for a unit that has done so already
   */
  isWorthwhile({ others, needed, quorum }: OfferPlan, hasTaken: (unit: Unit) => boolean = () => false): boolean {
    const { roundTrips } = this.context
    const distancesMs: number[] = []
    for (const unit of others) {
      if (hasTaken(unit)) distancesMs.push(0)
      else if (this.isWholeHeard(unit)) distancesMs.push(roundTrips.toFarthestMs(unit.voters))
    }
    const neededMs = distancesMs.toSorted((a, b) => a - b)[needed - 1]
    return neededMs !== undefined && neededMs <= PHASES * roundTrips.toQuorumMs(quorum)
  }

  /**
   * Home takes an offer at once as a voter, so that no last step is needed when all others take it
   * as well. It does not where one of them is known to be silent, or was slow lately: then it would
   * write the record twice.
   */
  isTakenAtHome({ home, others }: OfferPlan): boolean {
    if (home.home.kind !== 'voter' || this.context.moment.nowMs < this.slowUntilMs) return false
    return others.every((unit) => this.isWholeHeard(unit))
  }

  /** An offer that home had taken needed the last step: somebody was slower than those who are enough. */
  onLastNeeded(): void {
    this.slowUntilMs = this.context.moment.nowMs + SLOW_VOTER_MS
  }

  /** Nobody of these is known to be silent. */
  private isWholeHeard({ voters }: Unit): boolean {
    return voters.every((voter) => this.context.isHeard(voter))
  }

  /** An offer came through. */
  onMade(): void {
    this.unanswered = 0
    this.pauseMs = PAUSE_MS
  }

  /** Somebody did not answer in time who is not known to be silent. */
  onUnanswered(): void {
    const { nowMs } = this.context.moment
    this.unanswered += 1
    if (this.unanswered < UNANSWERED_MAX || nowMs < this.pausedUntilMs) return
    this.pausedUntilMs = nowMs + this.pauseMs
    this.pauseMs = Math.min(PAUSE_MOST_MS, 2 * this.pauseMs)
  }

  private planFor({ config, units, quorum }: Installed): OfferPlan | undefined {
    const { self } = this.context
    if (config.next !== undefined || config.forming || config.protocolMin < OFFERS_SINCE || units.length < 2) return undefined
    const home = units.find((unit) => unit.voters.some(({ id }) => id === self.id))
    if (home === undefined) return undefined
    const others = units.filter((unit) => unit !== home)
    const quorumOf = (members: readonly Unit[]): Quorum => new Quorum([clustersOf(members, config.clusters)])
    return {
      epoch: config.epoch,
      home,
      others,
      needed: unitsNeeded(units.length) - 1,
      quorum,
      homeVoters: quorumOf([home]),
      otherVoters: quorumOf(others),
    }
  }
}

/** The clusters of a config, as far as their voters are in these units. */
function clustersOf(units: readonly Unit[], clusters: Clusters): Clusters {
  const members = new Set(units.flatMap(({ voters }) => voters))
  const narrowed = [...clusters].map(([cluster, voters]) => [cluster, voters.filter((voter) => members.has(voter))] as const)
  return new Map(narrowed.filter(([, voters]) => voters.length > 0))
}
