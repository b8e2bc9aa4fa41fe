/** Runs of a world that holds counters beside keys. */
import { simulate } from '../../world.ts'
import type { RunResult } from '../../world.ts'
import { KEYS } from '../keys/keys.ts'
import { COUNTERS } from './simulated.ts'

export function simulateCounters(seed: number): RunResult {
  return simulate(seed, false, {}, [KEYS, COUNTERS])
}
