/**
 * `npm run simulate -- --seeds N [--from S]`: runs seeds of the simulator, with progress and, in the last line, what was covered.
 * `npm run simulate -- --seed X [--trace]`: runs one seed, prints what it means first, and with `--trace` all that happens.
 * Ends with 1 on a violation or when too little was covered.
 */
import { parseArgs } from 'node:util'
import { addCoverage, describeCoverage, noCoverage, shortfalls } from '../test/simulation/coverage.ts'
import { describeOptions } from '../test/simulation/options.ts'
import { simulate } from '../test/simulation/world.ts'

/** Lines of a trace shown with a violation. */
const TAIL_LINES = 60
/** Between lines of progress. */
const PROGRESS_MS = 5_000

function runOne(seed: number, showsAll: boolean): number {
  const { options, violation, lines, hash, coverage } = simulate(seed, true)
  console.log(`seed ${seed}\n${describeOptions(options)}`)
  for (const line of showsAll ? lines : lines.slice(violation === undefined ? lines.length : -TAIL_LINES)) console.log(line)
  console.log(`trace hash ${hash}; ${describeCoverage(coverage)}`)
  console.log(violation === undefined ? `seed ${seed}: no violation` : `seed ${seed}: ${violation.message}`)
  return violation === undefined ? 0 : 1
}

function runMany(from: number, seeds: number): number {
  const coverage = noCoverage()
  const startedMs = performance.now()
  let violations = 0
  let shownMs = startedMs
  for (let seed = from; seed < from + seeds; seed += 1) {
    const result = simulate(seed, false)
    addCoverage(coverage, result.coverage)
    if (result.violation !== undefined) {
      violations += 1
      console.log(`seed ${seed}: ${result.violation.message.split('\n').slice(0, 4).join('\n')}`)
    }
    const nowMs = performance.now()
    if (nowMs - shownMs < PROGRESS_MS) continue
    shownMs = nowMs
    const done = seed - from + 1
    console.log(`${done} of ${seeds} seeds, ${((done * 1_000) / (nowMs - startedMs)).toFixed(1)} a second, ${violations} violations`)
  }
  const seconds = (performance.now() - startedMs) / 1_000
  const short = shortfalls(coverage, seeds)
  for (const line of short) console.log(`too little covered: ${line}`)
  console.log(`${seeds} seeds, ${violations} violations, ${describeCoverage(coverage)}, ${(seeds / seconds).toFixed(1)} seeds a second`)
  return violations > 0 || short.length > 0 ? 1 : 0
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})
process.exitCode =
  values.seed === undefined ? runMany(Number(values.from), Number(values.seeds)) : runOne(Number(values.seed), values.trace)
