/**
 * Logs that Kafka orders, upon a simulated broker: scenarios, a sample of random schedules, and every
 * planted bug noticed by one or the other.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { importPlanted, installLoader, patched } from '../planted/loader.ts'
import { KAFKA_SCENARIOS } from './directed.ts'
import type { KafkaScenario } from './directed.ts'
import { KAFKA_BUGS } from './planted.ts'
import { simulateKafka } from './world.ts'
import type { simulateKafka as simulateType } from './world.ts'

const SEEDS = 60
/** Seeds that a planted bug has to be noticed in, when no scenario notices it. */
const SEEDS_MAX = 40

installLoader(KAFKA_BUGS)

suite('scenarios of logs that Kafka orders', () => {
  for (const scenario of KAFKA_SCENARIOS) test(scenario.name, () => scenario.play())
})

suite('a sample of random schedules of logs that Kafka orders', () => {
  test('no rule is broken, and all settles once the faults end', (context) => {
    const sum = { done: 0, reads: 0, halted: 0, records: 0 }
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { violation, counts } = simulateKafka(seed)
      assert.equal(violation, undefined, `seed ${seed}: ${violation?.message}`)
      for (const key of ['done', 'reads', 'halted', 'records'] as const) sum[key] += counts[key]
    }
    context.diagnostic(JSON.stringify(sum))
    assert(sum.done > SEEDS * 50 && sum.reads > SEEDS * 10 && sum.halted > 0, `too little happened: ${JSON.stringify(sum)}`)
  })
})

suite('planted bugs of logs that Kafka orders', () => {
  test('each patch finds its one place', () => {
    for (const bug of KAFKA_BUGS) {
      for (const { file } of bug.patches) {
        const url = new URL(`../../../${file}`, import.meta.url)
        const source = readFileSync(url, 'utf8')
        assert.notEqual(patched(bug, url.pathname, source), source, bug.name)
      }
    }
  })

  for (const { name, what } of KAFKA_BUGS) {
    test(`noticed when planted: ${what}`, async (context) => {
      const noticed = await notices(name)
      assert(noticed !== undefined, `${name} survives`)
      context.diagnostic(`${name}: ${noticed.split('\n')[0]?.slice(0, 140)}`)
    })
  }
})

/** Who notices the bug, the quickest first; undefined for nobody. */
async function notices(name: string): Promise<string | undefined> {
  const { KAFKA_SCENARIOS: scenarios } = await importPlanted<{ KAFKA_SCENARIOS: readonly KafkaScenario[] }>(
    new URL('directed.ts', import.meta.url),
    name,
  )
  for (const scenario of scenarios) {
    try {
      scenario.play()
    } catch {
      return `scenario: ${scenario.name}`
    }
  }
  const { simulateKafka: simulate } = await importPlanted<{ simulateKafka: typeof simulateType }>(
    new URL('world.ts', import.meta.url),
    name,
  )
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const { violation } = simulate(seed)
    if (violation !== undefined) return `seed ${seed}, ${violation.message}`
  }
  return undefined
}
