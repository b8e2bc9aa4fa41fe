/**
 * Runs test files by Node's runner, each in its own process: counts them, remembers how long each
 * took, and runs again what failed where real processes share the machine with others.
 */
import { basename } from 'node:path'
import { run as runTests } from 'node:test'
import { spec } from 'node:test/reporters'
import type { Failures } from './failures.ts'
import { formatSeconds } from './run.ts'

export interface Tally {
  readonly passed: number
  readonly failed: number
}

/** A test file that runs longer hangs. */
const FILE_TIMEOUT_MS = 600_000
/** How many of the slowest files are named. */
const SLOWEST_SHOWN = 12

export const NONE: Tally = { passed: 0, failed: 0 }

export function add(a: Tally, b: Tally): Tally {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed }
}

/** The files of one part, as they are run. */
export class TestFiles {
  readonly #failures: Failures
  /** Those that failed, and how much of each passed. */
  readonly #failing = new Map<string, number>()
  readonly #seconds = new Map<string, number>()

  constructor(failures: Failures) {
    this.#failures = failures
  }

  /** Runs these, so many at a time, begun in this order, and waits for the sum. */
  async run(files: readonly string[], concurrency: number, when: string = ''): Promise<Tally> {
    if (files.length === 0) return NONE
    let tally: Tally = { passed: 0, failed: 1 }
    const stream = runTests({ files: [...files], concurrency, timeout: FILE_TIMEOUT_MS })
    stream.on('test:fail', (failed) => this.#failures.add(failed, when))
    stream.on('test:summary', (summary) => {
      // Each file has its summary too; the one without a file is the sum.
      const { passed, tests, skipped, todo } = summary.counts
      const counted = { passed, failed: tests - passed - skipped - todo }
      if (summary.file !== undefined) {
        if (when !== '') return
        this.#seconds.set(summary.file, summary.duration_ms / 1_000)
        if (!summary.success) this.#failing.set(summary.file, passed)
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
   *
   * @param first what came of all files
   */
  async runAgain(first: Tally): Promise<Tally> {
    if (this.#failing.size === 0) return first
    // All that failed was in these files; a hook that failed counts in the sum of all and not in
    // that of its file.
    let tally = { passed: first.passed, failed: 0 }
    for (const [file, passedBefore] of this.#failing) {
      console.log(`again, alone: ${file}`)
      const again = await this.run([file], 1, 'again, alone')
      if (again.failed === 0) console.log(`passed at the second try only: ${file}`)
      tally = add(tally, { passed: again.passed - passedBefore, failed: again.failed })
    }
    return tally
  }

  /** The files that took longest, with their seconds. */
  describeSlowest(): string {
    const slowest = [...this.#seconds].toSorted(([, a], [, b]) => b - a).slice(0, SLOWEST_SHOWN)
    return slowest.map(([file, seconds]) => `${basename(file, '.test.ts')} ${formatSeconds(seconds)}`).join(', ')
  }
}
