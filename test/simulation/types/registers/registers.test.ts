/** Registers on short random schedules: their promises hold under every fault, and every planted bug is noticed. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { installLoader } from '../../planted/loader.ts'
import { REGISTER_SCENARIOS } from './directed.ts'
import { REGISTER_BUGS } from './planted.ts'
import { playSchedule } from './schedule.ts'
import { scoreOf } from './score.ts'

const SCHEDULES = 300

installLoader(REGISTER_BUGS)

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

  for (const { name, play } of REGISTER_SCENARIOS) test(name, () => play())

  for (const bug of REGISTER_BUGS) {
    test(`noticed when planted: ${bug.what}`, async (context) => {
      const found = await scoreOf(bug)
      assert.ok(found !== undefined, `${bug.name} survives`)
      context.diagnostic(`${bug.name}: schedule ${found.count}, ${found.message}`)
    })
  }
})
