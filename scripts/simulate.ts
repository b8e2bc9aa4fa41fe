/**
 * `npm run simulate -- --seeds N [--from S]`: runs seeds of the simulator, with progress and, in
 * the last line, what was covered. `npm run simulate -- --seed X [--trace]`: runs one seed, prints
 * what it means first, and with `--trace` all that happens.
 * `npm run simulate -- --seed X --shrink [--tries N]`: looks for a smaller world in which the seed
 * still goes wrong. `npm run simulate -- --small N [--from S] [--trace]`: plays schedules of the
 * small scope, and with `--trace` prints those that go wrong. `--types sets,registers` has peers
 * keep these beside keys, in any of the above but the small scope. `--with name=value,…` changes
 * what seeds draw; `--planted NAME` plants a bug first, so that there is something to see. Ends
 * with 1 on a violation or when too little was covered, with 2 when it was asked for something
 * else.
 */
import { parseArgs } from 'node:util'
import { describeChanges, parseChanges } from '../test/simulation/changes.ts'
import type { Changes } from '../test/simulation/changes.ts'
import { addCoverage, describeCoverage, noCoverage, shortfalls } from '../test/simulation/coverage.ts'
import { describeOptions } from '../test/simulation/options.ts'
import { PLANTED_BUGS } from '../test/simulation/planted/bugs.ts'
import { importPlanted, installLoader } from '../test/simulation/planted/loader.ts'
import { shrink } from '../test/simulation/shrink.ts'
import { playSchedule } from '../test/simulation/small-scope.ts'
import { REGISTER_WORLD_BUGS } from '../test/simulation/types/registers/planted.ts'
import { SETS_BUGS } from '../test/simulation/types/sets/planted.ts'
import type { RunResult, simulate } from '../test/simulation/world.ts'
import { FURTHER_TYPES, simulateWith } from '../test/simulation/worlds.ts'

/** Lines of a trace shown with a violation. */
const TAIL_LINES = 60
/** Between lines of progress. */
const PROGRESS_MS = 5_000
/** Lines of a violation shown among many. */
const BRIEF_LINES = 4

/** Those of further types show in worlds that have the type. */
const BUGS = [...PLANTED_BUGS, ...SETS_BUGS, ...REGISTER_WORLD_BUGS]

/** What is run: the production files, or the same with a bug in them. */
interface Tiers {
  readonly simulate: typeof simulate
  readonly playSchedule: typeof playSchedule
}

/**
 * How a command line goes on after `npm run simulate -- --seed X`, so that it means the same again.
 */
interface Asked {
  readonly changes: Changes
  readonly planted: string | undefined
  readonly types: readonly string[]
}

function showRun({ seed, options, violation, lines, hash, coverage }: RunResult, showsAll: boolean): number {
  console.log(`seed ${seed}\n${describeOptions(options)}`)
  for (const line of showsAll ? lines : lines.slice(violation === undefined ? lines.length : -TAIL_LINES)) console.log(line)
  console.log(`trace hash ${hash}; ${describeCoverage(coverage)}`)
  console.log(violation === undefined ? `seed ${seed}: no violation` : `seed ${seed}: ${violation.message}`)
  return violation === undefined ? 0 : 1
}

function runShrink(tiers: Tiers, seed: number, triesMax: number, { changes, planted, types }: Asked): number {
  const tried = (tries: number, step: Changes, isKept: boolean): void => {
    console.log(`try ${tries}: ${isKept ? 'still wrong' : 'not so   '} with ${describeChanges(step)}`)
  }
  const shrunk = shrink({ simulate: tiers.simulate, seed, changes, triesMax, tried })
  if (shrunk === undefined) {
    console.log(`seed ${seed}: no violation, nothing to shrink`)
    return 0
  }
  const { result, rule, tries, isDone } = shrunk
  showRun(result, false)
  console.log(`${tries} tries${isDone ? '' : ', all there were (--tries gives more)'}; the smallest world found that still breaks ${rule}:`)
  const bug = planted === undefined ? '' : ` --planted ${planted}`
  const further = types.length === 0 ? '' : ` --types ${types.join()}`
  console.log(`npm run simulate -- --seed ${seed}${further}${bug} --with ${describeChanges(shrunk.changes)} --trace`)
  return 1
}

/**
 * Runs `total` seeds or schedules from `from` on, telling of violations and of progress. @returns
 * how many went wrong, and how long it took
 */
function runEach(
  from: number,
  total: number,
  word: string,
  play: (seed: number) => Error | undefined,
): { violations: number; seconds: number } {
  const startedMs = performance.now()
  let violations = 0
  let shownMs = startedMs
  for (let seed = from; seed < from + total; seed += 1) {
    const violation = play(seed)
    if (violation !== undefined) {
      violations += 1
      console.log(`${word} ${seed}: ${violation.message.split('\n').slice(0, BRIEF_LINES).join('\n')}`)
    }
    const nowMs = performance.now()
    if (nowMs - shownMs < PROGRESS_MS) continue
    shownMs = nowMs
    const done = seed - from + 1
    console.log(`${done} of ${total} ${word}s, ${((done * 1_000) / (nowMs - startedMs)).toFixed(1)} a second, ${violations} violations`)
  }
  return { violations, seconds: (performance.now() - startedMs) / 1_000 }
}

function runSeeds(tiers: Tiers, from: number, seeds: number, changes: Changes): number {
  const coverage = noCoverage()
  const { violations, seconds } = runEach(from, seeds, 'seed', (seed) => {
    const result = tiers.simulate(seed, false, changes)
    addCoverage(coverage, result.coverage)
    return result.violation
  })
  const short = shortfalls(coverage, seeds)
  for (const line of short) console.log(`too little covered: ${line}`)
  console.log(`${seeds} seeds, ${violations} violations, ${describeCoverage(coverage)}, ${(seeds / seconds).toFixed(1)} seeds a second`)
  return violations > 0 || short.length > 0 ? 1 : 0
}

function runSmall(tiers: Tiers, from: number, schedules: number, showsLines: boolean): number {
  const { violations, seconds } = runEach(from, schedules, 'schedule', (seed) => {
    const { violation, lines } = tiers.playSchedule(seed, showsLines)
    if (violation !== undefined) for (const line of lines) console.log(line)
    return violation
  })
  const rate = (schedules / seconds).toFixed(1)
  console.log(`${schedules} schedules, ${violations} violations, from ${from} to ${from + schedules - 1}, ${rate} schedules a second`)
  return violations > 0 ? 1 : 0
}

/** @throws Error when no bug is called so */
async function chooseTiers({ planted, types }: Asked): Promise<Tiers> {
  if (planted === undefined) return { simulate: simulateWith(types), playSchedule }
  const names = BUGS.map((bug) => bug.name)
  if (!names.includes(planted)) throw new Error(`no planted bug is called ${planted}; there are ${names.join(', ')}`)
  installLoader(BUGS)
  const place = (file: string): URL => new URL(`../test/simulation/${file}`, import.meta.url)
  const worlds = await importPlanted<{ simulateWith: typeof simulateWith }>(place('worlds.ts'), planted)
  const scope = await importPlanted<Pick<Tiers, 'playSchedule'>>(place('small-scope.ts'), planted)
  return { simulate: worlds.simulateWith(types), playSchedule: scope.playSchedule }
}

/** @throws Error when the text is no whole number, or one below `least` */
function whole(name: string, text: string, least: number): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < least) {
    throw new Error(`--${name} wants a whole number from ${least} on, not ${JSON.stringify(text)}`)
  }
  return value
}

/** @returns the exit code. @throws Error when the command line means nothing */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      small: { type: 'string' },
      trace: { type: 'boolean', default: false },
      shrink: { type: 'boolean', default: false },
      tries: { type: 'string', default: '200' },
      types: { type: 'string', default: '' },
      with: { type: 'string', default: '' },
      planted: { type: 'string' },
    },
  })
  if (values.shrink && values.seed === undefined) throw new Error('--shrink wants the --seed that goes wrong')
  if (values.small !== undefined && (values.seed !== undefined || values.with !== '')) {
    throw new Error('--small has nothing to do with --seed and --with: its schedules are drawn by themselves')
  }
  const from = whole('from', values.from, 0)
  const types = values.types === '' ? [] : values.types.split(',')
  const unknown = types.find((name) => !Object.hasOwn(FURTHER_TYPES, name))
  if (unknown !== undefined) throw new Error(`no type is called ${unknown}; there are ${Object.keys(FURTHER_TYPES).join(', ')}`)
  const asked = { changes: parseChanges(values.with), planted: values.planted, types }
  const tiers = await chooseTiers(asked)
  if (values.small !== undefined) return runSmall(tiers, from, whole('small', values.small, 1), values.trace)
  if (values.seed === undefined) return runSeeds(tiers, from, whole('seeds', values.seeds, 1), asked.changes)
  const seed = whole('seed', values.seed, 0)
  if (values.shrink) return runShrink(tiers, seed, whole('tries', values.tries, 0), asked)
  return showRun(tiers.simulate(seed, true, asked.changes), values.trace)
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
