/** Whether this peer can take puts, and if not, what is missing, in words for the person who waits. */
import type { ClusterId, Identity } from '../base/identity.ts'
import type { Config } from '../base/config.ts'
import { holdsMajority } from '../base/quorum.ts'

/** A voter that answered a heartbeat no longer ago than this counts as answering. */
export const ANSWERED_WITHIN_MS = 3_000

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
