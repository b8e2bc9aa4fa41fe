/**
 * The clocks of other peers, as far as they were told. Nothing between peers is refused for a
 * clock, because they would diverge. A peer whose own clock is far off those of most others gives
 * no stamps.
 */
import type { PeerId } from '../base/identity.ts'

/** A neighbour's clock that differs by more is warned of. */
const WARNED_MS = 1_000
/** A peer that is further off the median than this gives no stamps. */
const OFF_MS = 60_000
/**
 * Fewer clocks, the own among them, tell nothing: of two that differ nobody knows which is wrong.
 */
const CLOCKS_MIN = 3
/** A clock that was told longer ago counts no more. */
const FRESH_MS = 120_000

interface Told {
  /** What it shows is this more than the clock of `Moment` shows, which never jumps. */
  readonly aheadOfMomentMs: number
  readonly atMs: number
}

export interface ClockWarning {
  readonly peerId: PeerId
  /** Positive when the other's clock is ahead of this one's. */
  readonly offByMs: number
}

export class Clocks {
  private readonly told = new Map<PeerId, Told>()

  /**
   * @param wallMs what the other's clock showed when it spoke
   * @param oneWayMs half of the round trip to it
   * @param nowMs of `Moment`
   */
  heard(peerId: PeerId, wallMs: number, oneWayMs: number, nowMs: number): void {
    this.told.set(peerId, { aheadOfMomentMs: wallMs + oneWayMs - nowMs, atMs: nowMs })
  }

  forget(peerId: PeerId): void {
    this.told.delete(peerId)
  }

  /** Neighbours whose clocks are seen to differ. @param wallMs what the own clock shows */
  warnings(wallMs: number, nowMs: number): readonly ClockWarning[] {
    return this.fresh(wallMs, nowMs).filter(({ offByMs }) => Math.abs(offByMs) > WARNED_MS)
  }

  /**
   * How far the own clock is ahead of the median; undefined where it is near enough, or where too
   * few are known.
   */
  offByMs(wallMs: number, nowMs: number): number | undefined {
    const all = [0, ...this.fresh(wallMs, nowMs).map(({ offByMs }) => offByMs)]
    if (all.length < CLOCKS_MIN) return undefined
    const offByMs = -medianOf(all)
    return Math.abs(offByMs) > OFF_MS ? offByMs : undefined
  }

  private fresh(wallMs: number, nowMs: number): ClockWarning[] {
    const fresh: ClockWarning[] = []
    for (const [peerId, { aheadOfMomentMs, atMs }] of this.told) {
      if (nowMs - atMs <= FRESH_MS) fresh.push({ peerId, offByMs: Math.round(aheadOfMomentMs + nowMs - wallMs) })
    }
    return fresh
  }
}

/**
 * The middle one; of an even number the lower middle, nearer to nobody's favour than a mean that no
 * clock shows.
 */
function medianOf(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
}
