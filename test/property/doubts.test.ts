/**
 * Keys in doubt, against a plain model: when each is named, how often, and that none is forgotten.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { configKey, dataKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import { Doubts } from '../../protocols/agreement/doubts.ts'

const WAIT_LEAST_MS = 2_000
const WAIT_MOST_MS = 3_000
const FINISHING_MAX = 64
/** All voters are next door. */
const NEAR = { toDecideMs: () => 0, turnOf: () => 1 }
const KEYS = ['a', 'b', 'c', 'd', 'é', '😀'].map(dataKey)

type Command = { accepted: RegisterKey } | { settled: RegisterKey } | { retry: RegisterKey } | { passMs: number } | 'due'

const someKey = fc.constantFrom(...KEYS)
const someCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: someKey.map((accepted) => ({ accepted })) },
  { weight: 1, arbitrary: someKey.map((settled) => ({ settled })) },
  { weight: 2, arbitrary: someKey.map((retry) => ({ retry })) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 1_500 }).map((passMs) => ({ passMs })) },
  { weight: 4, arbitrary: fc.constant('due' as const) },
)

suite('doubts', () => {
  test('a key is named between 2 and 3 s after it was last accepted or tried, and once until it is retried or settled', () => {
    const property = fc.property(
      fc.array(someCommand, { maxLength: 80 }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (commands, chance) => {
        const moment = { nowMs: 0 }
        const doubts = new Doubts(moment, () => chance.next().value as number, NEAR)
        const sinceMs = new Map<RegisterKey, number>()
        const named = new Set<RegisterKey>()
        for (const command of commands) {
          if (command === 'due') {
            const due = doubts.due()
            assert.equal(new Set(due).size, due.length)
            for (const [key, since] of sinceMs) {
              const ageMs = moment.nowMs - since
              if (due.includes(key)) assert(ageMs >= WAIT_LEAST_MS && !named.has(key), `${key} is named too soon or twice`)
              else assert(ageMs < WAIT_MOST_MS || named.has(key), `${key} is forgotten`)
            }
            for (const key of due) assert(sinceMs.has(key), `${key} is not in doubt`)
            for (const key of due) named.add(key)
          } else if ('passMs' in command) moment.nowMs += command.passMs
          else if ('accepted' in command) {
            doubts.accepted(command.accepted)
            sinceMs.set(command.accepted, moment.nowMs)
          } else if ('settled' in command) {
            doubts.settled(command.settled)
            sinceMs.delete(command.settled)
            named.delete(command.settled)
          } else {
            doubts.retry(command.retry)
            if (sinceMs.has(command.retry)) sinceMs.set(command.retry, moment.nowMs)
            named.delete(command.retry)
          }
          assert.equal(doubts.size, sinceMs.size)
          assert.deepEqual(new Set(doubts.keys()), new Set(sinceMs.keys()))
        }
      },
    )
    fc.assert(property, { numRuns: 3_000 })
  })

  test('no more than 64 are named until some are retried or settled, and then the next', () => {
    const moment = { nowMs: 0 }
    const doubts = new Doubts(moment, () => 0.5, NEAR)
    for (let number = 0; number < 100; number += 1) doubts.accepted(dataKey(`key ${number}`))
    moment.nowMs = WAIT_MOST_MS
    const first = doubts.due()
    assert.equal(first.length, FINISHING_MAX)
    assert.deepEqual(doubts.due(), [])
    for (const key of first.slice(0, 10)) doubts.settled(key)
    const second = doubts.due()
    assert.equal(second.length, 10)
    assert(second.every((key) => !first.includes(key)))
  })

  test('pages name every client key in doubt once, and no config', () => {
    const property = fc.property(
      fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 })),
      fc.integer({ min: 1, max: 5 }),
      (names, limit) => {
        const doubts = new Doubts({ nowMs: 0 }, () => 0, NEAR)
        doubts.accepted(configKey(1))
        const keys = names.filter((name) => !name.includes('\u0000')).map(dataKey)
        for (const key of keys) doubts.accepted(key)
        const listed: RegisterKey[] = []
        for (let page = doubts.page(undefined, limit); ; page = doubts.page(listed.at(-1), limit)) {
          assert(page.keys.length <= limit)
          listed.push(...page.keys)
          if (!page.more) break
          assert.equal(page.keys.length, limit)
        }
        assert.deepEqual(listed.toSorted(), keys.toSorted())
        assert.equal(listed.length, keys.length)
      },
    )
    fc.assert(property, { numRuns: 1_000 })
  })
})
