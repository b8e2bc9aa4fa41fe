/**
 * Whether this peer can take puts, and if not, what is missing, in words for the person who waits.
 */
import type { ClusterId, Identity } from '../base/identity.ts'
import type { InForce } from '../base/installed.ts'
import type { Config } from '../base/config.ts'
import { holdsMajority } from '../base/quorum.ts'
import { describePair } from './reachability.ts'
import type { Pair } from './reachability.ts'
import type { Roster } from './roster.ts'

/** A voter that answered a heartbeat no longer ago than this counts as answering. */
const ANSWERED_WITHIN_MS = 3_000

export interface ReadinessFacts {
  readonly config: Config | undefined
  readonly clusterId: ClusterId
  /** Peers of the own cluster that are there, this one included. */
  readonly peersUp: number
  /** The largest `-min-peers` in the own cluster. */
  readonly minPeers: number
  readonly caughtUp: boolean
  /** Whether the voter answered lately; a peer answers itself. */
  readonly hasAnswered: (voter: Identity) => boolean
}

export interface ReadinessContext {
  readonly self: Identity
  readonly clusterId: ClusterId
  /** Peers that the cluster needs before it votes, as this peer was told. */
  readonly minPeers: number
  readonly chain: InForce
  readonly roster: Roster
  readonly isCaughtUp: () => boolean
  /** Pairs of peers that must reach one another and do not. */
  readonly apart: () => readonly Pair[]
}

/** Whether this peer is ready, and whether it ever was. */
export class Readiness {
  private readonly context: ReadinessContext
  private wasReady = false

  constructor(context: ReadinessContext) {
    this.context = context
  }

  /**
   * Once ready, a peer tries every put: a quorum that is silent for a moment may be back before the
   * put's time is over.
   */
  get hasBeenReady(): boolean {
    return this.wasReady
  }

  /** Time has passed, or a put came: it is remembered when the peer is ready now. */
  observe(): void {
    this.wasReady ||= this.lacking() === undefined
  }

  /**
   * What this peer lacks to be ready, and which peers cannot reach one another while it does;
   * undefined when it is ready.
   */
  missing(): string | undefined {
    const lacking = this.lacking()
    return lacking === undefined ? undefined : [lacking, ...this.context.apart().map(describePair)].join('; ')
  }

  private lacking(): string | undefined {
    const { roster, clusterId, chain, isCaughtUp } = this.context
    const near = [...roster.all()].filter((peer) => peer.clusterId === clusterId && peer.state === 'alive')
    const minPeers = Math.max(this.context.minPeers, ...near.map((peer) => peer.minPeers))
    const hasAnswered = (voter: Identity): boolean => this.hasAnswered(voter)
    return missing({
      config: chain.current?.config,
      clusterId,
      peersUp: near.length + 1,
      minPeers,
      caughtUp: isCaughtUp(),
      hasAnswered,
    })
  }

  /** Whether the voter is this peer or answered a heartbeat lately. */
  hasAnswered(voter: Identity): boolean {
    const { self, roster } = this.context
    if (voter.id === self.id) return true
    const peer = roster.get(voter.peerId)
    if (peer === undefined || peer.identity.id !== voter.id || roster.isPutBack(voter.id)) return false
    return roster.hasAnswered(peer, ANSWERED_WITHIN_MS)
  }
}

/** @returns undefined when ready, else what is missing */
export function missing(facts: ReadinessFacts): string | undefined {
  const { config, clusterId, peersUp, minPeers, hasAnswered } = facts
  if (config === undefined) return 'no peer of the network was reached yet; see -peer'
  if (config.forming) {
    const lacking = `${peersUp} of ${minPeers} peers of ${clusterId}`
    return peersUp < minPeers
      ? `${lacking}; start more with -peer …, or use -min-peers 1`
      : `${lacking}; its first voters are being agreed on`
  }
  const isMet = holdsMajority(config.clusters, hasAnswered) && (config.next === undefined || holdsMajority(config.next, hasAnswered))
  if (!isMet) return `no quorum of the voters answers: ${describeMissing(config, hasAnswered)}`
  if (!facts.caughtUp) return 'the first catch-up is under way'
  return undefined
}

function describeMissing(config: Config, hasAnswered: (voter: Identity) => boolean): string {
  const parts: string[] = []
  for (const [clusterId, voters] of config.clusters) {
    const up = voters.filter((voter) => hasAnswered(voter)).length
    parts.push(`${up} of ${voters.length} voters of ${clusterId}`)
  }
  return parts.join(', ')
}
