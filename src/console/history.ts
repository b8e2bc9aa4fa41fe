/** What was seen over the last minutes, and how fast it grew. Pure. */
import { quantileMs } from './prometheus.ts'
import type { Readings } from './prometheus.ts'

/** One look. What could not be seen is null, as the plots draw a gap. */
export interface Sample {
  readonly atMs: number
  /** Keys that the asked peer holds: it learns all of them, whoever took them. */
  readonly keys: number | null
  /** New keys a second since the look before. */
  readonly keysPerSecond: number | null
  /** What `/metrics` said; null where it was not asked. */
  readonly readings: Readings | null
  /** Of this peer's clients, a second, over the last looks. */
  readonly writesPerSecond: number | null
  readonly putMedianMs: number | null
  readonly putTailMs: number | null
  readonly getMedianMs: number | null
  readonly getTailMs: number | null
}

/** Three minutes at a look a second. */
export const SAMPLES_MAX = 180
const SECOND_MS = 1_000
/** What is told as the rate now, and latencies, are taken over so long. */
const WINDOW_MS = 5_000
const MEDIAN = 0.5
const TAIL = 0.99
/** Looks further apart are no neighbours: the page was in the background. */
const APART_MS = 10_000

/** @param keys null when nobody answered */
export function withSample(samples: readonly Sample[], atMs: number, keys: number | null, readings: Readings | null): readonly Sample[] {
  const kept = samples.slice(-(SAMPLES_MAX - 1))
  const last = kept.at(-1)
  const isNear = last !== undefined && atMs - last.atMs <= APART_MS
  const keysPerSecond = keys === null || !isNear || last.keys === null ? null : growth(last.keys, keys, atMs - last.atMs)
  return [...kept, { atMs, keys, keysPerSecond, readings, ...latencies(kept, atMs, readings) }]
}

/** New keys a second over the last seconds; undefined while too little was seen. */
export function rateNow(samples: readonly Sample[]): number | undefined {
  const last = samples.at(-1)
  if (last === undefined || last.keys === null) return undefined
  const first = samples.find(({ atMs, keys }) => keys !== null && last.atMs - atMs <= WINDOW_MS)
  if (first === undefined || first.keys === null || first === last) return undefined
  return growth(first.keys, last.keys, last.atMs - first.atMs)
}

type Latencies = Omit<Sample, 'atMs' | 'keys' | 'keysPerSecond' | 'readings'>
const NO_LATENCIES: Latencies = { writesPerSecond: null, putMedianMs: null, putTailMs: null, getMedianMs: null, getTailMs: null }

function latencies(samples: readonly Sample[], atMs: number, readings: Readings | null): Latencies {
  const before = samples.find((sample) => sample.readings !== null && atMs - sample.atMs <= WINDOW_MS)
  if (readings === null || before === undefined || before.readings === null) return NO_LATENCIES
  const { puts, gets, writes } = before.readings
  return {
    writesPerSecond: growth(writes, readings.writes, atMs - before.atMs),
    putMedianMs: quantileMs(puts, readings.puts, MEDIAN),
    putTailMs: quantileMs(puts, readings.puts, TAIL),
    getMedianMs: quantileMs(gets, readings.gets, MEDIAN),
    getTailMs: quantileMs(gets, readings.gets, TAIL),
  }
}

/** A peer that starts again with an empty disk holds fewer than before: that is no rate. */
function growth(before: number, after: number, ms: number): number {
  return ms <= 0 ? 0 : Math.max(0, ((after - before) * SECOND_MS) / ms)
}
