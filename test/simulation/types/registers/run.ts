/** Runs of a world that holds registers beside keys. */
import { simulate } from '../../world.ts'
import type { RunResult } from '../../world.ts'
import { KEYS } from '../keys/keys.ts'
import { REGISTERS_WORLD } from './simulated.ts'

export function simulateRegisters(seed: number): RunResult {
  return simulate(seed, false, {}, [KEYS, REGISTERS_WORLD])
}
