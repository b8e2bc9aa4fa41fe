/**
 * Registers on short random schedules: their promises hold under every fault, and every planted bug
 * is noticed.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { installLoader } from '../../planted/loader.ts'
import { REGISTER_SCENARIOS } from './directed.ts'
import { FORWARDING_BUGS, REGISTER_BUGS, REGISTER_WORLD_BUGS, SWEEPING_BUGS } from './planted.ts'
import { playSchedule } from './schedule.ts'
import { simulateRegisters } from './run.ts'
import { scoreOf, worldScoreOf } from './score.ts'

const SCHEDULES = 300
/** At one register all the time. */
const HOT_SCHEDULES = 60
/** With sweeps. */
const SWEEPING_SCHEDULES = 100
const SEEDS = 30

installLoader([...REGISTER_BUGS, ...SWEEPING_BUGS, ...FORWARDING_BUGS, ...REGISTER_WORLD_BUGS])

suite('registers on their own', () => {
  test('keep their promises on short schedules', () => {
    let applied = 0
    for (let seed = 1; seed <= SCHEDULES; seed += 1) {
      const result = playSchedule(seed)
      assert.equal(result.violation, undefined, `seed ${seed}: ${result.violation?.message}`)
      applied += result.applied
    }
    assert.ok(applied > SCHEDULES * 2, `only ${applied} writes were applied`)
  })

  test('keep their promises on short schedules while deletions are forgotten', () => {
    let sweeps = 0
    for (let seed = 1; seed <= SWEEPING_SCHEDULES; seed += 1) {
      const result = playSchedule(seed, 'sweeping')
      assert.equal(result.violation, undefined, `seed ${seed}: ${result.violation?.message}`)
      sweeps += result.sweeps
    }
    assert.ok(sweeps > SWEEPING_SCHEDULES / 2, `only ${sweeps} peers forgot anything`)
  })

  test('keep their promises on short schedules while several peers write at one register all the time', () => {
    for (let seed = 1; seed <= HOT_SCHEDULES; seed += 1) {
      const { violation } = playSchedule(seed, 'hot')
      assert.equal(violation, undefined, `seed ${seed}: ${violation?.message}`)
    }
  })

  for (const { name, play } of REGISTER_SCENARIOS) test(name, () => play())

  for (const bug of [...REGISTER_BUGS, ...SWEEPING_BUGS, ...FORWARDING_BUGS]) {
    test(`noticed when planted: ${bug.what}`, async (context) => {
      const found = await scoreOf(bug)
      assert.ok(found !== undefined, `${bug.name} survives`)
      context.diagnostic(`${bug.name}: schedule ${found.count}, ${found.message}`)
    })
  }
})

suite('registers beside keys', () => {
  test('keep their promises in whole networks, and keys keep theirs', () => {
    let answered = 0
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { violation, coverage } = simulateRegisters(seed)
      assert.equal(violation, undefined, `seed ${seed}: ${violation?.message}`)
      answered += coverage.answered
    }
    assert.ok(answered > SEEDS * 100, `only ${answered} requests were answered`)
  })

  test('run the same from the same seed', () => {
    assert.equal(simulateRegisters(2).hash, simulateRegisters(2).hash)
  })

  for (const bug of REGISTER_WORLD_BUGS) {
    test(`noticed when planted: ${bug.what}`, async (context) => {
      const found = await worldScoreOf(bug)
      assert.ok(found !== undefined, `${bug.name} survives`)
      context.diagnostic(`${bug.name}: seed ${found.count}, ${found.message}`)
    })
  }
})
