/** Sets beside keys in the simulated world, under every fault; and each planted bug, which must be noticed. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { importPlanted, installLoader } from '../../planted/loader.ts'
import { SETS_BUGS } from './planted.ts'
import { simulateSets } from './run.ts'
import type { simulateSets as simulateType } from './run.ts'

const SEEDS = 30
/** Seeds that a planted bug has to be noticed in. */
const SEEDS_MAX = 150

installLoader(SETS_BUGS)

suite('sets beside keys', () => {
  test('keep their promises under every fault, and keys keep theirs', () => {
    const sum = { answered: 0, forgotten: 0, cuts: 0 }
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { result, counts } = simulateSets(seed)
      assert.equal(result.violation, undefined, `seed ${seed}: ${result.violation?.message}`)
      sum.answered += result.coverage.answered
      sum.forgotten += counts.forgotten
      sum.cuts += counts.cuts
    }
    assert.ok(sum.answered > SEEDS * 100, `only ${sum.answered} requests were answered`)
    assert.ok(sum.cuts > SEEDS / 4 && sum.forgotten > SEEDS, `only ${sum.cuts} cuts, and ${sum.forgotten} elements forgotten`)
  })

  test('run the same from the same seed', () => {
    assert.equal(simulateSets(2).result.hash, simulateSets(2).result.hash)
  })

  for (const { name, what } of SETS_BUGS) {
    test(`noticed when planted: ${what}`, async (context) => {
      const { simulateSets: simulate } = await importPlanted<{ simulateSets: typeof simulateType }>(
        new URL('run.ts', import.meta.url),
        name,
      )
      for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
        const { violation } = simulate(seed).result
        if (violation === undefined) continue
        assert.match(violation.rule, /^[CL]/)
        return context.diagnostic(`${name}: seed ${seed}, ${violation.message}`)
      }
      assert.fail(`${name} survives`)
    })
  }
})
