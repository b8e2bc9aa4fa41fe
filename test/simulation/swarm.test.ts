/** A sample of the swarm; `npm run simulate` is the long run. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addCoverage, describeCoverage, noCoverage, shortfalls } from './coverage.ts'
import { describeOptions } from './options.ts'
import { simulate } from './world.ts'

const FIRST_SEED = 100_000
const SEEDS = 150

test('no rule is broken in a sample of seeds, and each seed, run twice, does the same to the last message', (context) => {
  const coverage = noCoverage()
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
    const first = simulate(seed, false)
    addCoverage(coverage, first.coverage)
    assert.equal(first.violation?.message, undefined, `seed ${seed}\n${describeOptions(first.options)}`)
    assert.equal(simulate(seed, false).hash, first.hash, `seed ${seed} is not the same twice`)
  }
  context.diagnostic(describeCoverage(coverage))
  assert.deepEqual(shortfalls(coverage, SEEDS), [])
})

test('keeping a trace changes nothing of what happens', () => {
  const traced = simulate(FIRST_SEED, true)
  assert.equal(traced.hash, simulate(FIRST_SEED, false).hash)
  assert.notEqual(traced.lines.length, 0)
})

test('another seed is another run', () => {
  assert.notEqual(simulate(FIRST_SEED, false).hash, simulate(FIRST_SEED + 1, false).hash)
})
