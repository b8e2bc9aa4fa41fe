/**
 * `node test/simulation/planted/score.ts [name …]`: plants the bugs, one at a time, runs the tiers until one of them catches it, and
 * prints a table: bug, tier, seeds until caught. Ends with 1 when a bug survives.
 */
import { pathToFileURL } from 'node:url'
import { PLANTED_BUGS } from './bugs.ts'
import type { PlantedBug } from './bugs.ts'
import { importPlanted, installLoader } from './loader.ts'

type World = typeof import('../world.ts')

/** Seeds that a bug has to be caught in. */
const SEEDS_MAX = 1_500
/** The first seed: others than those that everyday runs begin with. */
const FIRST_SEED = 1

export interface Score {
  readonly bug: PlantedBug
  /** Undefined for a survivor. */
  readonly tier: string | undefined
  readonly seeds: number
  readonly message: string
}

/** Has the tiers look for one bug. */
export async function score(bug: PlantedBug): Promise<Score> {
  const { simulate } = await importPlanted<World>(new URL('../world.ts', import.meta.url), bug.name)
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS_MAX; seed += 1) {
    const { violation } = simulate(seed, false)
    if (violation !== undefined) return { bug, tier: 'swarm', seeds: seed - FIRST_SEED + 1, message: violation.message }
  }
  return { bug, tier: undefined, seeds: SEEDS_MAX, message: 'nothing was noticed' }
}

export function describeScore({ bug, tier, seeds, message }: Score): string {
  const found = tier === undefined ? 'SURVIVED' : `${tier}, ${seeds}`
  return `${bug.name.padEnd(28)} ${found.padEnd(16)} ${message.split('\n')[0]?.slice(0, 110) ?? ''}`
}

async function main(names: readonly string[]): Promise<number> {
  installLoader(PLANTED_BUGS)
  let survivors = 0
  for (const bug of PLANTED_BUGS) {
    if (names.length > 0 && !names.includes(bug.name)) continue
    const result = await score(bug)
    if (result.tier === undefined) survivors += 1
    console.log(describeScore(result))
  }
  console.log(`${PLANTED_BUGS.length} planted bugs, ${survivors} survivors`)
  return survivors === 0 ? 0 : 1
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = await main(process.argv.slice(2))
