/**
 * Keeps the part of the heap where objects are born small. V8 lets it grow to 128 MiB on a machine
 * with much memory and gives it back late, so a peer under load would hold most of its memory for
 * nothing: with a quarter of it the collector runs more often and costs a few percent. V8 takes the
 * bound itself only on Node's command line, where whoever starts a peer would have to write it; how
 * fast the space grows it reads anew each time.
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** The whole space: two halves, between which the living are moved. */
const BYTES_MAX = 33_554_432
const FACTOR_GROWING = 2
const FACTOR_STILL = 1

/**
 * From now on the young space of this process's heap grows to 32 MiB, and no further by more than
 * one step.
 */
export function boundYoungSpace(): void {
  let isGrowing = true
  new PerformanceObserver(() => {
    const mayGrow = youngSpaceBytes() < BYTES_MAX
    if (mayGrow === isGrowing) return
    isGrowing = mayGrow
    setFlagsFromString(`--semi-space-growth-factor=${mayGrow ? FACTOR_GROWING : FACTOR_STILL}`)
  }).observe({ entryTypes: ['gc'] })
}

/** What the young space takes now, in bytes. */
export function youngSpaceBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0
}
