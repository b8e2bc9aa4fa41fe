/**
 * `npm test`: the checks, then every part of the tests, each timed; at the end nothing may be left
 * behind. `npm test -- unit property` runs only the parts named. The last line is the sum:
 * `N passed, N failed`.
 */
import { glob } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { run as runTests } from 'node:test'
import { spec } from 'node:test/reporters'
import { collectLeftovers, prepare } from './leftovers.ts'
import { formatSeconds, ROOT, run } from './run.ts'

interface Part {
  readonly name: string
  /**
   * True where peers run in earnest, against the clock: one file at a time, so that they do not
   * starve one another.
   */
  readonly alone: boolean
  /**
   * Of a part that is alone, the files that mostly wait and measure nothing: these run two at a
   * time, before the others.
   */
  readonly waiting?: readonly string[]
  /** True where the compiled command line is run. */
  readonly built: boolean
}

interface Tally {
  readonly passed: number
  readonly failed: number
}

/**
 * Among the tests of processes. Those that measure gaps, latencies or load stay alone, and so does
 * whatever is not named here.
 */
const WAITING: readonly string[] = [
  'bootstrap-lost',
  'command-line',
  'demo',
  'directory-deleted',
  'readme',
  'refused',
  'storage-damaged',
  'storage-divergence',
  'storage-full',
  'storage-put-back',
  'storage-sync-failed',
]

/** From cheap to dear. */
const PARTS: readonly Part[] = [
  { name: 'unit', alone: false, built: false },
  { name: 'trace', alone: false, built: false },
  { name: 'property', alone: false, built: false },
  { name: 'contract', alone: false, built: false },
  { name: 'simulation', alone: false, built: false },
  { name: 'integration', alone: true, built: false },
  { name: 'process', alone: true, waiting: WAITING, built: true },
]

/** The checks are named like a part, so that they can be asked for by themselves. */
const CHECK = 'check'
/** How many files run at a time of those that mostly wait. */
const TOGETHER = 2
/** A test file that runs longer hangs. */
const FILE_TIMEOUT_MS = 600_000
const NONE: Tally = { passed: 0, failed: 0 }

function add(a: Tally, b: Tally): Tally {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed }
}

/** Runs one of our own scripts; a failure counts as one failed test. */
async function runScript(name: string): Promise<Tally> {
  const finished = await run(['node', join('scripts', `${name}.ts`)])
  process.stdout.write(finished.output)
  console.log(`${name}: ${finished.code === 0 ? 'passed' : 'failed'}, ${formatSeconds(finished.seconds)}`)
  return finished.code === 0 ? NONE : { passed: 0, failed: 1 }
}

/**
 * Runs the test files of a part, each in its own process, and waits for the sum. `failing`: gets
 * the files that failed, and how much of each passed.
 */
async function runFiles(files: readonly string[], concurrency: number, failing: Map<string, number> = new Map()): Promise<Tally> {
  let tally: Tally = { passed: 0, failed: 1 }
  const stream = runTests({ files: [...files], concurrency, timeout: FILE_TIMEOUT_MS })
  stream.on('test:summary', (summary) => {
    // Each file has its summary too; the one without a file is the sum.
    const { passed, tests, skipped, todo } = summary.counts
    const counted = { passed, failed: tests - passed - skipped - todo }
    if (summary.file !== undefined) {
      if (!summary.success) failing.set(summary.file, passed)
      return
    }
    tally = counted
    if (!summary.success && tally.failed === 0) tally = { passed, failed: 1 }
  })
  for await (const text of stream.compose(spec)) process.stdout.write(String(text))
  return tally
}

/**
 * Real processes share a machine with others, and a test of theirs may meet a moment that nobody
 * foresaw. A file that failed is run once more, alone, and that counts; what passed at the second
 * try only is named, for it is a mistake all the same.
 */
async function runAgain(first: Tally, failing: ReadonlyMap<string, number>): Promise<Tally> {
  if (failing.size === 0) return first
  // All that failed was in these files; a hook that failed counts in the sum of all and not in that
  // of its file.
  let tally = { passed: first.passed, failed: 0 }
  for (const [file, passedBefore] of failing) {
    console.log(`again, alone: ${file}`)
    const again = await runFiles([file], 1)
    if (again.failed === 0) console.log(`passed at the second try only: ${file}`)
    tally = { passed: tally.passed - passedBefore + again.passed, failed: tally.failed + again.failed }
  }
  return tally
}

/** Runs one part; a part without files is passed over in silence. */
async function runPart(part: Part): Promise<Tally> {
  const files: string[] = []
  for await (const file of glob(`test/${part.name}/**/*.test.ts`, { cwd: ROOT })) files.push(join(ROOT, file))
  if (files.length === 0) return NONE
  const built = part.built ? await runScript('build') : NONE
  const startedMs = performance.now()
  const isWaiting = (file: string): boolean => part.waiting?.includes(basename(file, '.test.ts')) === true
  const { waiting = [], others = [] } = Object.groupBy(files.toSorted(), (file) => (isWaiting(file) ? 'waiting' : 'others'))
  const failing = new Map<string, number>()
  const together = waiting.length > 0 ? await runFiles(waiting, TOGETHER, failing) : NONE
  const first = add(together, await runFiles(others, part.alone ? 1 : availableParallelism(), failing))
  const tally = part.built ? await runAgain(first, failing) : first
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
  let total = isWanted(CHECK) ? await runScript(CHECK) : NONE
  for (const part of PARTS) if (isWanted(part.name)) total = add(total, await runPart(part))
  const leftovers = await collectLeftovers(before)
  for (const leftover of leftovers) console.log(`left behind: ${leftover}`)
  total = add(total, { passed: 0, failed: leftovers.length })
  console.log(`${total.passed} passed, ${total.failed} failed`)
  return total.failed === 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
