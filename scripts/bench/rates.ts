/** How fast requests were answered, over all generators of one run. */
import { percentileMs } from '../statistics.ts'
import type { Measured } from './wrk.ts'

export interface Rates {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
}

export function ratesOf(measured: readonly Measured[]): Rates {
  return {
    perSecond: measured.reduce((sum, { requests, elapsedUs }) => sum + requests / (elapsedUs / 1e6), 0),
    p50Ms: percentileMs(measured, 50),
    p99Ms: percentileMs(measured, 99),
    p999Ms: percentileMs(measured, 99.9),
    maxMs: Math.max(...measured.map(({ maxUs }) => maxUs)) / 1_000,
  }
}
