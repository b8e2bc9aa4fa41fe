/**
 * The arithmetic of the figures: medians with their spread, and percentiles of several generators
 * added up.
 */

/** A share of the requests, in per cent, that took no longer than so many microseconds. */
export type PercentilePoint = readonly [share: number, us: number]

/** What one generator saw: its requests, and its percentiles in rising order. */
export interface Latencies {
  readonly requests: number
  readonly percentilesUs: readonly PercentilePoint[]
}

export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** @throws RangeError without values */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const least = sorted[0]
  const most = sorted.at(-1)
  if (least === undefined || most === undefined) throw new RangeError('no values to take a median of')
  const middle = Math.floor(sorted.length / 2)
  const median = sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
  return { median, least, most }
}

/**
 * Percentiles over all generators together. Each point of a generator stands for the requests
 * between it and the point before.
 *
 * @param share in per cent
 * @returns milliseconds; 0 when there were no requests
 */
export function percentileMs(generators: readonly Latencies[], share: number): number {
  const weighted: { us: number; requests: number }[] = []
  let total = 0
  for (const { requests, percentilesUs } of generators) {
    let below = 0
    for (const [upTo, us] of percentilesUs) {
      weighted.push({ us, requests: ((upTo - below) / 100) * requests })
      below = upTo
    }
    total += (below / 100) * requests
  }
  weighted.sort((a, b) => a.us - b.us)
  let seen = 0
  for (const { us, requests } of weighted) {
    seen += requests
    // Shares are sums of fractions: a hair's breadth below counts as reached.
    if (seen >= (share / 100) * total * (1 - 1e-9)) return us / 1_000
  }
  return 0
}

/**
 * The percentile of values themselves: the least of them that so many per cent do not exceed.
 * @returns 0 without values
 */
export function percentileOf(values: readonly number[], share: number): number {
  return percentileOfSorted(Float64Array.from(values).sort(), share)
}

/** The same of values that rise already. */
export function percentileOfSorted(sorted: Float64Array, share: number): number {
  const rank = Math.ceil((share / 100) * sorted.length)
  return sorted[Math.max(0, Math.min(sorted.length, rank) - 1)] ?? 0
}
