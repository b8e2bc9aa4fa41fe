/**
 * `node test/simulation/types/registers/score.ts [name …]`: after how many schedules each planted
 * bug of registers falls.
 */
import { pathToFileURL } from 'node:url'
import type { PlantedBug } from '../../planted/bug.ts'
import { importPlanted, installLoader } from '../../planted/loader.ts'
import type { REGISTER_SCENARIOS as scenariosType } from './directed.ts'
import { FORWARDING_BUGS, REGISTER_BUGS, REGISTER_WORLD_BUGS, SWEEPING_BUGS, WORTH_FROM } from './planted.ts'
import type { simulateRegisters as simulateType } from './run.ts'
import type { ScheduleKind, playSchedule as playType } from './schedule.ts'

/** Schedules that a bug has to be noticed in. */
const SCHEDULES_MAX = 3_000
/** Seeds of whole networks. */
const SEEDS_MAX = 200

/** @returns how many scenarios or schedules it took and what was said; undefined for a survivor */
export async function scoreOf(bug: PlantedBug): Promise<{ count: number; message: string } | undefined> {
  const directed = new URL('directed.ts', import.meta.url)
  const { REGISTER_SCENARIOS } = await importPlanted<{ REGISTER_SCENARIOS: typeof scenariosType }>(directed, bug.name)
  for (const [place, { name, play }] of REGISTER_SCENARIOS.entries()) {
    try {
      play()
    } catch (error) {
      return { count: place + 1, message: `${name}: ${error instanceof Error ? error.message : String(error)}` }
    }
  }
  const url = new URL('schedule.ts', import.meta.url)
  const { playSchedule } = await importPlanted<{ playSchedule: typeof playType }>(url, bug.name)
  const from = WORTH_FROM[bug.name] ?? 1
  for (let seed = from; seed < from + SCHEDULES_MAX; seed += 1) {
    const { violation } = playSchedule(seed, kindFor(bug))
    if (violation !== undefined) return { count: seed, message: violation.message }
  }
  return undefined
}

function kindFor(bug: PlantedBug): ScheduleKind {
  if (SWEEPING_BUGS.includes(bug)) return 'sweeping'
  return FORWARDING_BUGS.includes(bug) ? 'hot' : 'plain'
}

/** The same of whole networks. */
export async function worldScoreOf(bug: PlantedBug): Promise<{ count: number; message: string } | undefined> {
  const { simulateRegisters } = await importPlanted<{ simulateRegisters: typeof simulateType }>(
    new URL('run.ts', import.meta.url),
    bug.name,
  )
  const from = WORTH_FROM[bug.name] ?? 1
  for (let seed = from; seed < from + SEEDS_MAX; seed += 1) {
    const { violation } = simulateRegisters(seed)
    if (violation !== undefined) return { count: seed, message: violation.message }
  }
  return undefined
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const bugs = [...REGISTER_BUGS, ...SWEEPING_BUGS, ...FORWARDING_BUGS, ...REGISTER_WORLD_BUGS]
  installLoader(bugs)
  const names = process.argv.slice(2)
  for (const bug of bugs) {
    if (names.length > 0 && !names.includes(bug.name)) continue
    const found = await (REGISTER_WORLD_BUGS.includes(bug) ? worldScoreOf(bug) : scoreOf(bug))
    process.stdout.write(
      `${bug.name.padEnd(28)} ${String(found?.count ?? 'SURVIVED').padEnd(10)} ${found?.message.split('\n')[0]?.slice(0, 110) ?? ''}\n`,
    )
  }
}
