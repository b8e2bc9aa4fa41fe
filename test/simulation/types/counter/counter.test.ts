/**
 * The guard of the seams: a further type of data lives in the simulated world beside keys, and
 * every file that it needs lies in this folder. Where this folder cannot be changed alone any more,
 * a seam has closed.
 */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { importPlanted, installLoader } from '../../planted/loader.ts'
import { simulateCounters } from './run.ts'
import type { simulateCounters as simulateType } from './run.ts'
import { COUNTER_BUGS } from './planted.ts'

const SEEDS = 30
/** Seeds that a planted bug has to be noticed in. */
const SEEDS_MAX = 60
/** Whatever runs the peers of a world. */
const WORLD = ['agenda', 'disk', 'faults', 'network', 'observer', 'operator', 'peer', 'slot-disk', 'syncing', 'type']

installLoader(COUNTER_BUGS)

suite('a counter beside keys', () => {
  test('keeps its promises under every fault, and keys keep theirs', () => {
    let answered = 0
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { violation, coverage } = simulateCounters(seed)
      assert.equal(violation, undefined, `seed ${seed}: ${violation?.message}`)
      answered += coverage.answered
    }
    assert.ok(answered > SEEDS * 40, `only ${answered} requests were answered`)
  })

  test('runs the same from the same seed', () => {
    assert.equal(simulateCounters(2).hash, simulateCounters(2).hash)
  })

  for (const { name, what } of COUNTER_BUGS) {
    test(`noticed when planted: ${what}`, async (context) => {
      const { simulateCounters: simulate } = await importPlanted<{ simulateCounters: typeof simulateType }>(
        new URL('run.ts', import.meta.url),
        name,
      )
      for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
        const { violation } = simulate(seed)
        if (violation === undefined) continue
        assert.match(violation.rule, /^[NL]/)
        return context.diagnostic(`${name}: seed ${seed}, ${violation.message}`)
      }
      assert.fail(`${name} survives`)
    })
  }
})

suite('the seams', () => {
  test('nobody outside knows of the counter, and the world knows of no type', () => {
    const root = new URL('../../../../', import.meta.url)
    for (const path of globSync(['protocols/**/*.ts', 'src/**/*.ts', 'test/simulation/*.ts', 'test/simulation/checkers/*.ts'], {
      cwd: root,
    })) {
      assert.doesNotMatch(readFileSync(new URL(path, root), 'utf8'), /types\/counter/, path)
    }
    for (const name of WORLD) assert.doesNotMatch(readFileSync(new URL(`../../${name}.ts`, import.meta.url), 'utf8'), /'\.\/types\//, name)
  })
})
