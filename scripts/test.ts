/**
 * `npm test`: the checks, then every part of the tests, each timed; at the end nothing may be left
 * behind. `npm test -- unit property` runs only the parts named. The last lines tell what failed,
 * and the very last is the sum: `N passed, N failed`.
 */
import { glob } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { Failures } from './failures.ts'
import { collectLeftovers, prepare } from './leftovers.ts'
import { formatSeconds, ROOT, run } from './run.ts'
import { add, NONE, TestFiles } from './test-files.ts'
import type { Tally } from './test-files.ts'

interface Part {
  readonly name: string
  /**
   * How many files run at a time where peers run in earnest, against the clock, so that they do not
   * starve one another; undefined where as many run as there are processors.
   */
  readonly together?: number
  /** Of a part of few files at a time, those that run one at a time, after the others. */
  readonly measuring?: readonly string[]
  /** True where the compiled command line is run. */
  readonly built: boolean
}

/**
 * Among the tests of processes, those that say how long something took, or take all of the machine.
 * All others mostly wait, and are right however slow their peers are.
 */
const MEASURING: readonly string[] = ['chaos', 'fuzz', 'hostile-http', 'joining', 'killed']

/**
 * The longest of those that run together, of each part, the longest first, so that none is left alone
 * at the end. What is not named here follows by its name.
 */
const LONGEST: readonly string[] = [
  'planted',
  'log-store-postgres',
  'members',
  'demo',
  'kafka',
  'addresses',
  'far-cluster',
  'secrets',
  'sets',
  'coordinator',
  'cluster-lost',
  'storage-put-back',
  'registers',
  'refused',
  'links',
  'storage-damaged',
  'coming-from',
]

/** From cheap to dear. */
const PARTS: readonly Part[] = [
  { name: 'unit', built: false },
  { name: 'trace', built: false },
  { name: 'property', built: false },
  { name: 'contract', built: false },
  { name: 'simulation', built: false },
  { name: 'integration', together: 1, built: false },
  { name: 'process', together: 2, measuring: MEASURING, built: true },
]

/** The checks are named like a part, so that they can be asked for by themselves. */
const CHECK = 'check'

/** Runs one of our own scripts; a failure counts as one failed test. */
async function runScript(name: string, failures: Failures): Promise<Tally> {
  const finished = await run(['node', join('scripts', `${name}.ts`)])
  process.stdout.write(finished.output)
  console.log(`${name}: ${finished.code === 0 ? 'passed' : 'failed'}, ${formatSeconds(finished.seconds)}`)
  if (finished.code === 0) return NONE
  failures.addProgram(name, finished.output)
  return { passed: 0, failed: 1 }
}

/** The longest first, as far as they are named. */
function inOrder(files: readonly string[]): string[] {
  const place = (file: string): number => {
    const index = LONGEST.indexOf(basename(file, '.test.ts'))
    return index < 0 ? LONGEST.length : index
  }
  return files.toSorted().toSorted((a, b) => place(a) - place(b))
}

/** Runs one part; a part without files is passed over in silence. */
async function runPart(part: Part, failures: Failures): Promise<Tally> {
  const found: string[] = []
  for await (const file of glob(`test/${part.name}/**/*.test.ts`, { cwd: ROOT })) found.push(join(ROOT, file))
  if (found.length === 0) return NONE
  const built = part.built ? await runScript('build', failures) : NONE
  const startedMs = performance.now()
  const isMeasuring = (file: string): boolean => part.measuring?.includes(basename(file, '.test.ts')) === true
  const files = new TestFiles(failures)
  const { measuring = [], others = [] } = Object.groupBy(inOrder(found), (file) => (isMeasuring(file) ? 'measuring' : 'others'))
  const together = await files.run(others, part.together ?? availableParallelism())
  const first = add(together, await files.run(measuring, 1))
  const tally = part.built ? await files.runAgain(first) : first
  console.log(`${part.name}: the longest of ${found.length} files: ${files.describeSlowest()}`)
  console.log(`${part.name}: ${tally.passed} passed, ${tally.failed} failed, ${formatSeconds((performance.now() - startedMs) / 1_000)}\n`)
  return add(built, tally)
}

/** Runs the checks and parts asked for, all when none is named. Returns the exit code. */
async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => name !== CHECK && !PARTS.some((part) => part.name === name))
  if (unknown.length > 0) {
    console.error(`no such part of the tests: ${unknown.join(', ')}; there are ${[CHECK, ...PARTS.map((part) => part.name)].join(', ')}`)
    return 2
  }
  const isWanted = (name: string): boolean => names.length === 0 || names.includes(name)
  const before = await prepare()
  const failures = new Failures()
  let total = isWanted(CHECK) ? await runScript(CHECK, failures) : NONE
  for (const part of PARTS) if (isWanted(part.name)) total = add(total, await runPart(part, failures))
  const leftovers = await collectLeftovers(before)
  const told = failures.describe()
  if (told.length > 0 && total.failed === 0) console.log('passed at the second try only, after this:')
  for (const text of [...told, ...leftovers.map((leftover) => `left behind: ${leftover}`)]) console.log(text)
  total = add(total, { passed: 0, failed: leftovers.length })
  console.log(`${total.passed} passed, ${total.failed} failed`)
  return total.failed === 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
