/** A sample of the small scope. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { playSchedule } from './small-scope.ts'

const FIRST_SEED = 1_000_000
const SCHEDULES = 400

test('no short schedule of three voters and one key breaks a rule', () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SCHEDULES; seed += 1) {
    const { violation } = playSchedule(seed, false)
    assert.equal(violation?.message, undefined, `schedule ${seed}`)
  }
})

test('a schedule played twice is the same', () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + 20; seed += 1) {
    assert.equal(playSchedule(seed, true).hash, playSchedule(seed, false).hash, `schedule ${seed}`)
  }
})
