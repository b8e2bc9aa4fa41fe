/** What puts and gets took over a distance, as the model and real peers both tell it. */
import { percentileOf } from '../statistics.ts'
import { figure } from './table.ts'

export interface FarFigures {
  readonly topology: string
  /** To the nearest clusters that make a quorum: no answer can come sooner. */
  readonly roundTripMs: number
  readonly putMs: readonly number[]
  readonly hitMs: readonly number[]
  readonly missMs: readonly number[]
  /** Values sent to each remote cluster, for each put: the most. */
  readonly crossings: number
}

export const FAR_COLUMNS: readonly string[] = [
  'clusters',
  'round trip',
  'put p50 ms',
  'p99 ms',
  'round trips',
  'get here ms',
  'get absent p50 ms',
  'p99 ms',
  'round trips',
  'value crossings',
]

/** A row of these columns. */
export function farRow({ topology, roundTripMs, putMs, hitMs, missMs, crossings }: FarFigures): string[] {
  const numbers = [
    roundTripMs,
    percentileOf(putMs, 50),
    percentileOf(putMs, 99),
    percentileOf(putMs, 50) / roundTripMs,
    percentileOf(hitMs, 50),
    percentileOf(missMs, 50),
    percentileOf(missMs, 99),
    percentileOf(missMs, 50) / roundTripMs,
    crossings,
  ]
  return [topology, ...numbers.map(figure)]
}
