/**
 * Sets beside keys in the simulated world, under every fault; short schedules of sets alone; and
 * each planted bug, which must be noticed by one of three tiers: facts, short schedules, whole
 * networks.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { TestContext } from 'node:test'
import { Violation } from '../../checkers/violation.ts'
import { importPlanted, installLoader } from '../../planted/loader.ts'
import { checkFacts } from './facts.ts'
import type { checkFacts as checkFactsType } from './facts.ts'
import { SETS_BUGS } from './planted.ts'
import { simulateSets } from './run.ts'
import type { simulateSets as simulateType } from './run.ts'
import { playSets } from './small-scope.ts'
import type { playSets as playType } from './small-scope.ts'

const SEEDS = 20
const SCHEDULES = 200
/** Went wrong once: see `docs/bugs.md`. */
const SEEDS_OF_BUGS = [2468, 7577, 9288, 21_000_736, 21_003_642]
/** How many of each a planted bug has to be noticed in. */
const SCHEDULES_MAX = 150
const SEEDS_MAX = 80

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
    assert.ok(sum.cuts > 0 && sum.forgotten > SEEDS, `only ${sum.cuts} cuts, and ${sum.forgotten} elements forgotten`)
  })

  test('keep them where each broke one once', () => {
    for (const seed of SEEDS_OF_BUGS) {
      const { violation } = simulateSets(seed).result
      assert.equal(violation, undefined, `seed ${seed}: ${violation?.message}`)
    }
  })

  test('run the same from the same seed', () => {
    assert.equal(simulateSets(2).result.hash, simulateSets(2).result.hash)
  })
})

suite('sets alone', () => {
  test('keep their promises in short schedules, with elements forgotten in most', () => {
    const sum = { forgotten: 0, cuts: 0 }
    for (let seed = 1; seed <= SCHEDULES; seed += 1) {
      const { violation, cuts, forgotten } = playSets(seed)
      assert.equal(violation, undefined, `schedule ${seed}: ${violation?.message}`)
      sum.cuts += cuts
      sum.forgotten += forgotten
    }
    assert.ok(sum.cuts > SCHEDULES && sum.forgotten > SCHEDULES, `only ${sum.cuts} cuts, and ${sum.forgotten} elements forgotten`)
  })

  test('know their facts', () => checkFacts())
})

suite('bugs of sets', () => {
  for (const { name, what } of SETS_BUGS) test(`noticed when planted: ${what}`, (context) => assertNoticed(context, name))
})

async function assertNoticed(context: TestContext, name: string): Promise<void> {
  const planted = <Module>(file: string): Promise<Module> => importPlanted<Module>(new URL(file, import.meta.url), name)
  const { checkFacts: facts } = await planted<{ checkFacts: typeof checkFactsType }>('facts.ts')
  const { playSets: play } = await planted<{ playSets: typeof playType }>('small-scope.ts')
  const { simulateSets: simulate } = await planted<{ simulateSets: typeof simulateType }>('run.ts')
  const found =
    violationOf(facts) ??
    firstOf(SCHEDULES_MAX, (seed) => play(seed).violation) ??
    firstOf(SEEDS_MAX, (seed) => simulate(seed).result.violation)
  assert.ok(found !== undefined, `${name} survives`)
  assert.match(found.violation.rule, /^[CL]/)
  context.diagnostic(`${name}: after ${found.after}, ${found.violation.message}`)
}

interface Found {
  readonly violation: { readonly rule: string; readonly message: string }
  readonly after: number
}

function violationOf(facts: () => void): Found | undefined {
  try {
    facts()
    return undefined
  } catch (error) {
    // What a planted module throws is a Violation of its own.
    if (error instanceof Error && error.name === Violation.name) return { violation: error as Violation, after: 1 }
    throw error
  }
}

function firstOf(most: number, play: (seed: number) => Found['violation'] | undefined): Found | undefined {
  for (let seed = 1; seed <= most; seed += 1) {
    const violation = play(seed)
    if (violation !== undefined) return { violation, after: seed }
  }
  return undefined
}
