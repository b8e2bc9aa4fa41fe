/**
 * Worlds by what their peers keep for clients beside keys: as the program ships it, or some of it.
 */
import { KEYS } from './types/keys/keys.ts'
import { logsWorld } from './types/logs/run.ts'
import { REGISTERS_WORLD } from './types/registers/simulated.ts'
import { setsWorld } from './types/sets/run.ts'
import type { WorldType } from './type.ts'
import { simulate } from './world.ts'

/** The further types, by the name that `--types` has for them. Each world has its own. */
export const FURTHER_TYPES: Readonly<Record<string, () => WorldType>> = {
  sets: setsWorld,
  registers: () => REGISTERS_WORLD,
  logs: logsWorld,
}

/** @param names of further types, in the order in which peers have them */
export function simulateWith(names: readonly string[]): typeof simulate {
  return (seed, keepsLines, change) => {
    const further = names.flatMap((name) => FURTHER_TYPES[name]?.() ?? [])
    return simulate(seed, keepsLines, change, [KEYS, ...further])
  }
}
