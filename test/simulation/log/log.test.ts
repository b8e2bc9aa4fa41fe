/**
 * Logs in a world of their own: scenarios, a sample of random schedules, and every planted bug
 * noticed by one or the other.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { importPlanted, installLoader, patched } from '../planted/loader.ts'
import { LOG_SCENARIOS } from './directed.ts'
import { LIFE_SCENARIOS } from './directed-life.ts'
import type { LogScenario } from './directed.ts'
import { LOG_BUGS } from './planted.ts'
import { playLogSchedule } from './small-scope.ts'
import type { playLogSchedule as playType } from './small-scope.ts'
import { simulateLog } from './world.ts'
import type { simulateLog as simulateType } from './world.ts'

const SEEDS = 80
const SCHEDULES = 1_000
/** Short schedules that a planted bug is looked for in. */
const SCHEDULES_MAX = 150
/** Seeds that a planted bug has to be noticed in, when no scenario notices it. */
const SEEDS_MAX = 60

installLoader(LOG_BUGS)

suite('scenarios of logs', () => {
  for (const { name, play } of [...LOG_SCENARIOS, ...LIFE_SCENARIOS]) test(name, play)
})

suite('a sample of random schedules', () => {
  test('no rule is broken, and all settles once the faults end', (context) => {
    const sum = { done: 0, reads: 0, notOrdered: 0, inDoubt: 0, committed: 0 }
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { violation, counts, committed } = simulateLog(seed)
      assert.equal(violation, undefined, `seed ${seed}: ${violation?.message}`)
      for (const key of ['done', 'reads', 'notOrdered', 'inDoubt'] as const) sum[key] += counts[key]
      sum.committed += committed
    }
    context.diagnostic(JSON.stringify(sum))
    assert(sum.done > SEEDS * 20 && sum.reads > SEEDS * 20, `too little was asked: ${JSON.stringify(sum)}`)
  })

  test('the same seed does the same to the last message', () => {
    assert.equal(simulateLog(3).hash, simulateLog(3, true).hash)
    assert.notEqual(simulateLog(3).hash, simulateLog(4).hash)
  })
})

suite('short schedules', () => {
  test('no rule is broken, and entries are committed', (context) => {
    let sum = 0
    for (let seed = 1; seed <= SCHEDULES; seed += 1) {
      const { violation, committed } = playLogSchedule(seed)
      assert.equal(violation, undefined, `schedule ${seed}: ${violation?.message}`)
      sum += committed
    }
    context.diagnostic(`${sum} entries in ${SCHEDULES} schedules`)
    assert(sum > 2 * SCHEDULES)
  })
})

suite('planted bugs of logs', () => {
  test('each patch finds its one place', () => {
    for (const bug of LOG_BUGS) {
      for (const { file } of bug.patches) {
        const url = new URL(`../../../${file}`, import.meta.url)
        const source = readFileSync(url, 'utf8')
        assert.notEqual(patched(bug, url.pathname, source), source, bug.name)
      }
    }
  })

  for (const { name, what } of LOG_BUGS) {
    test(`noticed when planted: ${what}`, async (context) => {
      const noticed = await notices(name)
      assert(noticed !== undefined, `${name} survives`)
      context.diagnostic(`${name}: ${noticed.split('\n')[0]?.slice(0, 140)}`)
    })
  }
})

/** Who notices the bug, the quickest first; undefined for nobody. */
async function notices(name: string): Promise<string | undefined> {
  const { LOG_SCENARIOS: scenarios } = await importPlanted<{ LOG_SCENARIOS: readonly LogScenario[] }>(
    new URL('directed.ts', import.meta.url),
    name,
  )
  const { LIFE_SCENARIOS: late } = await importPlanted<{ LIFE_SCENARIOS: readonly LogScenario[] }>(
    new URL('directed-life.ts', import.meta.url),
    name,
  )
  for (const scenario of [...scenarios, ...late]) {
    try {
      scenario.play()
    } catch {
      return `scenario: ${scenario.name}`
    }
  }
  const { playLogSchedule: play } = await importPlanted<{ playLogSchedule: typeof playType }>(
    new URL('small-scope.ts', import.meta.url),
    name,
  )
  for (let seed = 1; seed <= SCHEDULES_MAX; seed += 1) {
    const { violation } = play(seed)
    if (violation !== undefined) return `schedule ${seed}, ${violation.message}`
  }
  const { simulateLog: simulate } = await importPlanted<{ simulateLog: typeof simulateType }>(new URL('world.ts', import.meta.url), name)
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const { violation } = simulate(seed)
    if (violation !== undefined) return `seed ${seed}, ${violation.message}`
  }
  return undefined
}
