/**
 * Logs in whole networks, beside keys: no rule of either is broken, and every planted bug is
 * noticed.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { importPlanted, installLoader } from '../../planted/loader.ts'
import { LOGS_BUGS } from './planted.ts'
import { simulateLogs } from './run.ts'
import type { simulateLogs as simulateType } from './run.ts'
import { noCounts } from './simulated.ts'

const SEEDS = 30
/** Went wrong once: see `docs/bugs.md`. */
const SEEDS_OF_BUGS = [19, 212, 335, 413, 631, 659, 41_002_053, 41_002_130]
/** Seeds that a planted bug has to be noticed in. */
const SEEDS_MAX = 120
/** Seeds that notice a bug which few do: they are tried first. */
const FIRST_SEEDS: Readonly<Record<string, number>> = {
  'lost-disk-stays': 19,
  'taken-back-forgets': 41_000_301,
  'first-members-alone': 38,
  'ended-stays': 123,
  'ended-comes-back': 5,
}

installLoader(LOGS_BUGS)

suite('logs beside keys', () => {
  test('are born once, keep their promises and go on, and keys keep theirs', (context) => {
    const sum = noCounts()
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { result, counts } = simulateLogs(seed)
      assert.equal(result.violation, undefined, `seed ${seed}: ${result.violation?.message}`)
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += counts[key]
    }
    context.diagnostic(JSON.stringify(sum))
    assert.ok(sum.born > SEEDS && sum.done > SEEDS * 10 && sum.reads > SEEDS * 8, `too little was done: ${JSON.stringify(sum)}`)
  })

  for (const seed of SEEDS_OF_BUGS) {
    test(`keep their promises in seed ${seed}, which once went wrong`, () => {
      const { violation } = simulateLogs(seed).result
      assert.equal(violation, undefined, violation?.message)
    })
  }

  test('run the same from the same seed', () => {
    assert.equal(simulateLogs(2).result.hash, simulateLogs(2).result.hash)
  })

  for (const { name, what } of LOGS_BUGS) {
    test(`noticed when planted: ${what}`, async (context) => {
      const url = new URL('run.ts', import.meta.url)
      const { simulateLogs: simulate } = await importPlanted<{ simulateLogs: typeof simulateType }>(url, name)
      for (let count = 0; count <= SEEDS_MAX; count += 1) {
        const seed = count === 0 ? (FIRST_SEEDS[name] ?? 1) : count
        const { violation } = simulate(seed).result
        if (violation !== undefined) return context.diagnostic(`${name}: seed ${seed}, ${violation.message.split('\n')[0]?.slice(0, 140)}`)
      }
      assert.fail(`${name} survives`)
    })
  }
})
