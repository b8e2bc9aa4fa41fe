/**
 * `node test/simulation/planted/score.ts [name …]`: plants the bugs, one at a time, runs the tiers
 * until one of them catches it, and prints a table: bug, tier, seeds until caught. Ends with 1 when
 * a bug survives.
 */
import { pathToFileURL } from 'node:url'
import type { EdgeFact } from '../edges.ts'
import type { Scenario } from '../stage.ts'
import type { playSchedule as playScheduleType } from '../small-scope.ts'
import type { simulate as simulateType } from '../world.ts'
import { PLANTED_BUGS } from './bugs.ts'
import { BUGS_OF_WAITS } from './bugs-of-waits.ts'
import type { PlantedBug } from './bug.ts'
import { importPlanted, installLoader } from './loader.ts'

interface World {
  readonly simulate: typeof simulateType
}
interface SmallScope {
  readonly playSchedule: typeof playScheduleType
}
interface Directed {
  readonly SCENARIOS: readonly Scenario[]
}
interface Far {
  readonly FAR_SCENARIOS: readonly Scenario[]
}
interface Edges {
  readonly EDGE_FACTS: readonly EdgeFact[]
}

/** Schedules and seeds that a bug has to be noticed in. */
const SCHEDULES_MAX = 400
const SEEDS_MAX = 1_500

export interface Score {
  readonly bug: PlantedBug
  /** Undefined for a survivor. */
  readonly tier: 'edge' | 'directed' | 'small scope' | 'swarm' | undefined
  /** Facts, scenarios, schedules or seeds until it was noticed. */
  readonly count: number
  readonly message: string
}

/** Has the tiers look for one bug, the quickest first; `installLoader` was called before. */
export async function score(bug: PlantedBug): Promise<Score> {
  const { EDGE_FACTS } = await importPlanted<Edges>(new URL('../edges.ts', import.meta.url), bug.name)
  const edge = await firstToFail(EDGE_FACTS)
  if (edge !== undefined) return { bug, tier: 'edge', ...edge }
  const directed = await firstToFail(await scenariosFor(bug))
  if (directed !== undefined) return { bug, tier: 'directed', ...directed }
  const { playSchedule } = await importPlanted<SmallScope>(new URL('../small-scope.ts', import.meta.url), bug.name)
  for (let seed = 1; seed <= SCHEDULES_MAX; seed += 1) {
    const { violation } = playSchedule(seed, false)
    if (violation !== undefined) return { bug, tier: 'small scope', count: seed, message: violation.message }
  }
  const { simulate } = await importPlanted<World>(new URL('../world.ts', import.meta.url), bug.name)
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const { violation } = simulate(seed, false)
    if (violation !== undefined) return { bug, tier: 'swarm', count: seed, message: violation.message }
  }
  return { bug, tier: undefined, count: SEEDS_MAX, message: 'nothing was noticed' }
}

/**
 * Those of far links are for bugs of waits alone: in any other they would hide whether its own tier
 * notices it.
 */
async function scenariosFor(bug: PlantedBug): Promise<readonly Scenario[]> {
  if (BUGS_OF_WAITS.includes(bug)) {
    const { FAR_SCENARIOS } = await importPlanted<Far>(new URL('../directed-far.ts', import.meta.url), bug.name)
    return FAR_SCENARIOS
  }
  const { SCENARIOS } = await importPlanted<Directed>(new URL('../directed.ts', import.meta.url), bug.name)
  return SCENARIOS
}

/** @returns how many were played until one failed, and what it said; undefined when all hold */
async function firstToFail(played: readonly (Scenario | EdgeFact)[]): Promise<{ count: number; message: string } | undefined> {
  for (const [index, { name, play }] of played.entries()) {
    try {
      await play()
    } catch (error) {
      return { count: index + 1, message: `${name}: ${error instanceof Error ? error.message : String(error)}` }
    }
  }
  return undefined
}

export function describeScore({ bug, tier, count, message }: Score): string {
  const found = tier === undefined ? 'SURVIVED' : `${tier}, ${count}`
  return `${bug.name.padEnd(28)} ${found.padEnd(18)} ${message.split('\n')[0]?.slice(0, 110) ?? ''}`
}

async function main(names: readonly string[]): Promise<number> {
  installLoader(PLANTED_BUGS)
  let survivors = 0
  for (const bug of PLANTED_BUGS) {
    if (names.length > 0 && !names.includes(bug.name)) continue
    const result = await score(bug)
    if (result.tier === undefined) survivors += 1
    process.stdout.write(`${describeScore(result)}\n`)
  }
  process.stdout.write(`${survivors} survivors\n`)
  return survivors === 0 ? 0 : 1
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = await main(process.argv.slice(2))
