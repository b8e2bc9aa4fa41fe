/**
 * Runs of a world that holds sets beside keys. Histories last a second or two, so that a run sees
 * several of them forgotten.
 */
import { setsType } from '../../../../protocols/sets/definition.ts'
import { simulate } from '../../world.ts'
import type { WorldType } from '../../type.ts'
import type { RunResult } from '../../world.ts'
import { KEYS } from '../keys/keys.ts'
import { SimulatedSets } from './simulated.ts'
import type { Counts } from './simulated.ts'

export interface SetsRun {
  readonly result: RunResult
  readonly counts: Counts
}

const SETTINGS = { historyMs: 1_500, leastAgeMs: 500, sweepEveryMs: 600, sweepLeast: 1 }

/** @param counts what is counted into it */
export function setsWorld(counts: Counts = { forgotten: 0, cuts: 0 }): WorldType {
  return { begin: (init) => new SimulatedSets(init, counts), further: setsType(SETTINGS) }
}

export function simulateSets(seed: number, keepsLines = false): SetsRun {
  const counts: Counts = { forgotten: 0, cuts: 0 }
  const result = simulate(seed, keepsLines, {}, [KEYS, setsWorld(counts)])
  return { result, counts }
}
