/** How long each voter has been silent, as this peer has seen it with its own eyes. */
import type { Identity, IdentityId } from '../base/identity.ts'
import type { Clusters } from '../base/config.ts'
import { holdsMajority } from '../base/quorum.ts'
import { members } from './transfer.ts'

/**
 * Of the time between two looks no more counts than this: a peer that was paused has watched nobody
 * meanwhile.
 */
const LOOK_MS_MAX = 1_000

export class Absences {
  private absentMs = new Map<IdentityId, number>()
  private lookedAtMs: number

  /** @param nowMs when this peer started: nobody is missed for longer than that */
  constructor(nowMs: number) {
    this.lookedAtMs = nowMs
  }

  /** While no quorum answers, it is this peer that is cut off, and nobody is missed. */
  observe(nowMs: number, clusters: Clusters, isUp: (voter: Identity) => boolean): void {
    const elapsedMs = Math.min(nowMs - this.lookedAtMs, LOOK_MS_MAX)
    this.lookedAtMs = nowMs
    const addedMs = holdsMajority(clusters, isUp) ? elapsedMs : 0
    const absent = members(clusters).filter((voter) => !isUp(voter))
    this.absentMs = new Map(absent.map(({ id }) => [id, (this.absentMs.get(id) ?? 0) + addedMs]))
  }

  /** The voters that were silent for at least so long. */
  longerThan(atLeastMs: number): ReadonlySet<IdentityId> {
    const gone = new Set<IdentityId>()
    for (const [id, absentMs] of this.absentMs) if (absentMs >= atLeastMs) gone.add(id)
    return gone
  }
}
