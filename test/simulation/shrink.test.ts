/** Shrinking: held to a rule known beforehand, then to a planted bug. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Violation } from './checkers/violation.ts'
import { describeChanges, parseChanges } from './changes.ts'
import type { Changes } from './changes.ts'
import { noCoverage } from './coverage.ts'
import type { Options } from './options.ts'
import { PLANTED_BUGS } from './planted/bugs.ts'
import { importPlanted, installLoader } from './planted/loader.ts'
import { shrink } from './shrink.ts'
import type { Shrunk } from './shrink.ts'
import { simulate } from './world.ts'
import type { RunResult } from './world.ts'

const SEED = 1
const TRIES_MAX = 300
/** Seen by the swarm in its first seed. */
const BUG = 'half-is-enough'

/** A simulator that complains exactly when it is told to. */
function pretend(complaint: (options: Options) => string | undefined): typeof simulate {
  return (seed, _keepsLines, changes): RunResult => {
    const options: Options = {
      ...simulateOnce().options,
      clusterSizes: [3, 2, 3],
      crashEveryMs: 400,
      wipeEveryMs: 900,
      lossRate: 0.1,
      ...changes,
    }
    const rule = complaint(options)
    const violation = rule === undefined ? undefined : new Violation(rule, 'as told')
    return { seed, options, hash: '', violation, coverage: { ...noCoverage(), operations: 9, simulatedMs: 800 }, lines: [] }
  }
}

let once: RunResult | undefined
function simulateOnce(): RunResult {
  once ??= simulate(SEED, false)
  return once
}

function shrunkBy(complaint: (options: Options) => string | undefined, triesMax: number = TRIES_MAX): Shrunk {
  const shrunk = shrink({ simulate: pretend(complaint), seed: SEED, changes: {}, triesMax, tried: () => undefined })
  assert.ok(shrunk !== undefined)
  return shrunk
}

test('what a violation needs is kept, and all else is taken away', () => {
  const { result, isDone, rule } = shrunkBy(({ clusterSizes, crashEveryMs, operationsMax }) => {
    return clusterSizes.length >= 2 && crashEveryMs < 1_000 && operationsMax >= 3 ? 'S1' : undefined
  })
  const { clusterSizes, crashEveryMs, wipeEveryMs, lossRate, operationsMax, clientCount, keyCount } = result.options
  assert.deepEqual([rule, isDone], ['S1', true])
  assert.deepEqual(
    { clusterSizes, crashEveryMs, wipeEveryMs, lossRate, operationsMax, clientCount, keyCount },
    {
      clusterSizes: [1, 1],
      crashEveryMs: 800,
      wipeEveryMs: Number.POSITIVE_INFINITY,
      lossRate: 0,
      operationsMax: 3,
      clientCount: 1,
      keyCount: 1,
    },
  )
})

test('a world in which another checker complains is not the one looked for', () => {
  const { result } = shrunkBy(({ clusterSizes }) => (clusterSizes.length === 3 ? 'S1' : 'L3'))
  assert.equal(result.violation?.rule, 'S1')
  assert.deepEqual(result.options.clusterSizes, [1, 1, 1])
})

test('what helps only after a later step is tried again', () => {
  const { result } = shrunkBy(({ clusterSizes, keyCount }) => (clusterSizes.length === 3 || keyCount === 1 ? 'S1' : undefined))
  assert.deepEqual(result.options.clusterSizes, [1])
})

test('no more is tried than was allowed', () => {
  const shrunk = shrunkBy(() => 'S1', 4)
  assert.deepEqual([shrunk.tries, shrunk.isDone], [4, false])
})

test('a seed that violates nothing has nothing to shrink', () => {
  assert.equal(shrink({ simulate, seed: SEED, changes: {}, triesMax: TRIES_MAX, tried: () => undefined }), undefined)
})

test('a planted bug is shrunk to two voters, and the options printed replay it to the last message', async () => {
  installLoader(PLANTED_BUGS)
  const planted = await importPlanted<{ readonly simulate: typeof simulate }>(new URL('world.ts', import.meta.url), BUG)
  const shrunk = shrink({ simulate: planted.simulate, seed: SEED, changes: {}, triesMax: TRIES_MAX, tried: () => undefined })
  assert.ok(shrunk !== undefined)
  assert.deepEqual(shrunk.result.options.clusterSizes, [2])
  const again = planted.simulate(SEED, false, parseChanges(describeChanges(shrunk.changes)))
  assert.equal(again.violation?.rule, shrunk.rule)
  assert.equal(again.hash, shrunk.result.hash)
  assert.equal(simulate(SEED, false, shrunk.changes).violation, undefined, 'without the bug, the same world is sound')
})

test('changes read back as they were written', () => {
  const changes: Changes = {
    clusterSizes: [1, 2, 1],
    isFounded: false,
    crashEveryMs: Number.POSITIVE_INFINITY,
    lossRate: 0.1 / 3,
    loadMs: 12,
  }
  assert.deepEqual(parseChanges(describeChanges(changes)), changes)
  assert.deepEqual(parseChanges(''), {})
})

test('a change that names no option, or gives it what it cannot be, is refused', () => {
  const wrong = [
    'lossrate=1',
    'lossRate=',
    'lossRate=-1',
    'lossRate=never',
    'crashEveryMs=0',
    'isFounded=1',
    'clusterSizes=0',
    'clusterSizes=1+x',
    'seed=2',
  ]
  for (const text of wrong) assert.throws(() => parseChanges(text), /no option|cannot be/, text)
})

test('clients ask no more than the options allow', () => {
  const { coverage } = simulate(SEED, false, { operationsMax: 3 })
  // The rivals and the survivor of the end come on top.
  assert.ok(coverage.operations >= 3 && coverage.operations <= 3 + 7, String(coverage.operations))
})
