/**
 * What is drawn for a run: how many replicas, how bad the network, the disks and the stores are,
 * and what goes wrong how often.
 */
import type { Chance } from '../chance.ts'

export interface LogOptions {
  readonly voterCount: number
  readonly spareCount: number
  readonly clientCount: number
  readonly runMs: number
  /** Parts of all messages. */
  readonly lossRate: number
  readonly duplicateRate: number
  readonly delayMaxMs: number
  readonly syncMaxMs: number
  readonly applyMaxMs: number
  /** Faults and changes, each once in so many milliseconds on average; 0 for never. */
  readonly crashEveryMs: number
  readonly partitionEveryMs: number
  readonly pauseEveryMs: number
  readonly stallEveryMs: number
  readonly changeEveryMs: number
  readonly transferEveryMs: number
  readonly wipeEveryMs: number
  /** A crash takes everything that is not synced, of the process and of the store. */
  readonly powerLossRate: number
  /** Entries that a store may lose at a power loss. */
  readonly undurableMax: number
  /** Whether a peer's time of day is far off. */
  readonly hasWildClock: boolean
  /** The log has leases, and clients read by them. */
  readonly isLeased: boolean
  /** How far apart the clocks of two peers may run, as a part of the time. */
  readonly driftMax: number
  /** A machine stands still with its clock, once in so many milliseconds; 0 for never. */
  readonly suspendEveryMs: number
}

/** Of all runs: those of logs with leases. */
const LEASED_RATE = 0.35
/** Of all runs: those that are storms. */
const STORM_RATE = 0.35

export function drawOptions(chance: Chance): LogOptions {
  const drawn = drawFaults(chance)
  const isLeased = chance.happens(LEASED_RATE)
  return {
    ...drawn,
    isLeased,
    driftMax: isLeased ? chance.pick([0, 0.08]) : 0,
    suspendEveryMs: isLeased ? chance.between(1_000, 6_000) : 0,
  }
}

function drawFaults(chance: Chance): Omit<LogOptions, 'isLeased' | 'driftMax' | 'suspendEveryMs'> {
  const often = (probability: number, low: number, high: number): number => (chance.happens(probability) ? chance.between(low, high) : 0)
  return {
    voterCount: chance.pick([1, 3, 3, 3, 5]),
    spareCount: chance.between(0, 2),
    clientCount: chance.between(2, 5),
    runMs: chance.between(15_000, 30_000),
    lossRate: chance.pick([0, 0, 0.02, 0.1]),
    duplicateRate: chance.pick([0, 0.02, 0.1]),
    delayMaxMs: chance.pick([4, 20, 80]),
    syncMaxMs: chance.pick([2, 10, 60]),
    applyMaxMs: chance.pick([2, 10, 60]),
    crashEveryMs: often(0.8, 1_500, 8_000),
    partitionEveryMs: often(0.6, 3_000, 8_000),
    pauseEveryMs: often(0.4, 3_000, 8_000),
    stallEveryMs: often(0.4, 3_000, 10_000),
    changeEveryMs: often(0.5, 2_000, 8_000),
    transferEveryMs: often(0.3, 2_000, 6_000),
    wipeEveryMs: often(0.25, 6_000, 15_000),
    powerLossRate: chance.pick([0.3, 1]),
    undurableMax: chance.pick([0, 0, 5, 20]),
    hasWildClock: chance.happens(0.3),
    ...(chance.happens(STORM_RATE) ? storm(chance) : {}),
  }
}

/** Elections one upon another, on disks so slow that most crashes take something. */
function storm(chance: Chance): Partial<LogOptions> {
  return {
    voterCount: chance.pick([3, 3, 5]),
    runMs: chance.between(10_000, 20_000),
    delayMaxMs: chance.pick([4, 30, 300]),
    syncMaxMs: chance.pick([30, 200, 600]),
    crashEveryMs: chance.between(150, 800),
    partitionEveryMs: chance.between(500, 2_000),
    pauseEveryMs: chance.pick([0, 700]),
    stallEveryMs: 0,
    wipeEveryMs: 0,
    powerLossRate: chance.pick([0.7, 1]),
  }
}
