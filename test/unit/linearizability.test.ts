/**
 * The two checkers of histories: right ones pass, wrong ones of every kind do not, and the search
 * agrees with trying all orders.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkLinearizable } from '../chaos/linearizability.ts'
import type { Answer, Operation } from '../chaos/history.ts'
import { checkWriteOnce } from '../chaos/write-once.ts'
import { Chance } from '../simulation/chance.ts'
import {
  ABSENT,
  IN_DOUBT,
  NOT_STORED,
  REFUSED,
  REUSED,
  UNKNOWN,
  conflict,
  created,
  found,
  get,
  local,
  put,
  storedBefore,
} from './linearizability-histories.ts'

const GIVEN = { given: true }

const RIGHT: Readonly<Record<string, readonly Operation[]>> = {
  'nothing at all': [],
  'a put, then gets everywhere': [put([1, 2], 'a', created('a')), get([3, 4], found('a')), local([3, 4], found('a'))],
  'a get that overlaps the put is absent, another finds it': [put([1, 9], 'a', created('a')), get([2, 8], ABSENT), get([3, 5], found('a'))],
  'one of three rivals wins': [put([1, 9], 'a', conflict('b')), put([2, 8], 'b', created('b')), put([3, 7], 'c', conflict('b'))],
  'a put in doubt arrives after an absent': [
    put([1, 2], 'a', IN_DOUBT),
    get([3, 4], ABSENT),
    get([5, 6], found('a')),
    put([7, 8], 'b', conflict('a')),
  ],
  'a put in doubt never arrives': [
    put([1, 2], 'a', IN_DOUBT),
    get([3, 4], ABSENT),
    put([5, 6], 'b', created('b')),
    get([7, 8], found('b')),
  ],
  'a put in doubt is tried again and was stored before': [put([1, 2], 'a', IN_DOUBT, GIVEN), put([3, 4], 'a', storedBefore('a'), GIVEN)],
  'a put in doubt is tried again and stored now': [
    put([1, 2], 'a', IN_DOUBT, GIVEN),
    put([3, 4], 'a', created('a'), GIVEN),
    put([5, 6], 'a', storedBefore('a'), GIVEN),
  ],
  'two tries at once': [put([1, 5], 'a', storedBefore('a'), GIVEN), put([2, 6], 'a', created('a'), GIVEN)],
  'two tries at once, each told that it stored it': [put([1, 5], 'a', created('a'), GIVEN), put([2, 6], 'a', created('a'), GIVEN)],
  'a writeId is used again for another value': [
    put([1, 2], 'a', created('a'), GIVEN),
    put([3, 4], 'a', REUSED, { given: true, value: 'z' }),
  ],
  'a writeId in doubt with one value is found reused with another': [
    put([1, 2], 'a', IN_DOUBT, GIVEN),
    put([3, 4], 'a', REUSED, { given: true, value: 'z' }),
    get([5, 6], found('a')),
  ],
  'two writeIds in doubt with one value, and the later in the history stored it': [
    put([1, 2], 'a', IN_DOUBT, { given: true, value: 'z' }),
    put([1, 2], 'b', IN_DOUBT, { given: true, value: 'z' }),
    get([3, 4], found('z')),
    put([5, 6], 'b', storedBefore('z'), { given: true, value: 'z' }),
  ],
  'a put that was not stored, and one that was never begun': [
    put([1, 2], 'a', NOT_STORED),
    put([1, 2], 'r', REFUSED),
    get([3, 4], ABSENT),
    put([5, 6], 'b', created('b')),
  ],
  'a local miss after the put, and gets without an answer': [put([1, 2], 'a', created('a')), local([3, 4], ABSENT), get([5, 6], UNKNOWN)],
}

/**
 * Some are wrong by one checker's rules only: the search does not know what a given Idempotency-Key
 * is never told.
 */
const WRONG: Readonly<Record<string, readonly Operation[]>> = {
  'a lost write': [put([1, 2], 'a', created('a')), get([3, 4], ABSENT)],
  'two values in gets': [put([1, 2], 'a', IN_DOUBT), put([1, 2], 'b', IN_DOUBT), get([3, 4], found('a')), get([3, 4], found('b'))],
  'two values, one told by a conflict': [put([1, 9], 'a', created('a')), put([2, 8], 'b', IN_DOUBT), put([3, 7], 'c', conflict('b'))],
  'created twice at once': [put([1, 9], 'a', created('a')), put([2, 8], 'b', created('b'))],
  'created twice in turn': [put([1, 2], 'a', created('a')), put([3, 4], 'b', created('b'))],
  'created twice by one writeId': [put([1, 2], 'a', created('a'), GIVEN), put([3, 4], 'a', created('a'), GIVEN)],
  'created after it was shown': [put([1, 2], 'a', IN_DOUBT, GIVEN), get([3, 4], found('a')), put([5, 6], 'a', created('a'), GIVEN)],
  'a stale absent after a get': [put([1, 2], 'a', IN_DOUBT), get([3, 4], found('a')), get([5, 6], ABSENT)],
  'a conflict, then an absent': [put([1, 2], 'a', IN_DOUBT), put([3, 4], 'b', conflict('a')), get([5, 6], ABSENT)],
  'a reuse, then an absent': [
    put([1, 2], 'a', IN_DOUBT, GIVEN),
    put([3, 4], 'a', REUSED, { given: true, value: 'z' }),
    get([5, 6], ABSENT),
  ],
  'not stored, and it shows': [put([1, 2], 'a', NOT_STORED), get([3, 4], found('a'))],
  'not stored, and another conflicts with it': [put([1, 2], 'a', NOT_STORED), put([3, 4], 'b', conflict('a'))],
  'never begun, and it shows': [put([1, 2], 'a', REFUSED), get([3, 4], found('a'))],
  'shown before it was put': [get([1, 2], found('a')), put([3, 4], 'a', IN_DOUBT)],
  'a value from nowhere': [get([1, 2], found('a'))],
  'refused by a value from nowhere': [put([1, 2], 'a', conflict('x'))],
  'all rivals are refused': [put([1, 9], 'a', conflict('b')), put([2, 8], 'b', conflict('a'))],
  'refused for its own value': [put([1, 2], 'a', IN_DOUBT, GIVEN), put([3, 4], 'a', conflict('a'), GIVEN)],
  'told of another value as its own': [put([1, 2], 'b', created('b')), put([3, 4], 'a', storedBefore('b'))],
  'stored before by nobody': [put([1, 2], 'a', storedBefore('a'), GIVEN)],
  'said to be reused, with the same value': [put([1, 2], 'a', created('a'), GIVEN), put([3, 4], 'a', REUSED, GIVEN)],
  'said to be reused, and another writeId stored it': [put([1, 2], 'b', created('b')), put([3, 4], 'a', REUSED, GIVEN)],
}

/** What the rules say of some of them, where several rules have something to say. */
const SAID: Readonly<Record<string, RegExp>> = {
  'a lost write': /stale absent/,
  'two values in gets': /two values/,
  'created twice at once': /created twice/,
  'created after it was shown': /after it was shown/,
  'not stored, and it shows': /called not stored, and it shows/,
  'never begun, and it shows': /nobody can have stored/,
  'shown before it was put': /before anybody put it/,
  'refused for its own value': /refused for what it stored itself/,
  'told of another value as its own': /told that it stored/,
  'stored before by nobody': /stored before, by nobody/,
  'said to be reused, with the same value': /said to have stored another value/,
}

describe('the rules of a write-once history', () => {
  for (const [name, operations] of Object.entries(RIGHT)) it(`holds: ${name}`, () => assert.deepEqual(checkWriteOnce(operations), []))
  for (const [name, operations] of Object.entries(WRONG)) {
    it(`does not hold: ${name}`, () => assert.match(checkWriteOnce(operations).join('; '), SAID[name] ?? /./))
  }
  it('does not hold: a given Idempotency-Key is called not stored', () => {
    assert.deepEqual(checkWriteOnce([put([1, 2], 'a', NOT_STORED, GIVEN)]), ['a given Idempotency-Key was called not stored: a'])
  })
})

describe('the search for a linear order', () => {
  for (const [name, operations] of Object.entries(RIGHT))
    it(`finds one: ${name}`, () => assert.equal(checkLinearizable(operations), 'linearizable'))
  for (const [name, operations] of Object.entries(WRONG)) {
    it(`finds none: ${name}`, () => assert.equal(checkLinearizable(operations), 'not linearizable'))
  }

  it('takes a thousand rivals, absents and puts in doubt of one key in a moment, and sees the one wrong answer among them', () => {
    const rivals = Array.from({ length: 500 }, (_, index) =>
      put([index, 1_000 + index], `r${index}`, index === 250 ? created('r250') : conflict('r250')),
    )
    const doubts = Array.from({ length: 250 }, (_, index) => put([index, index + 1], `d${index}`, IN_DOUBT))
    const absents = Array.from({ length: 250 }, (_, index) => get([index, index + 2], ABSENT))
    const right = [...rivals, ...doubts, ...absents]
    assert.equal(checkLinearizable(right), 'linearizable')
    assert.equal(checkLinearizable([...right, get([2_000, 2_001], ABSENT)]), 'not linearizable')
    assert.deepEqual(checkWriteOnce(right), [])
  })

  it('gives up where it is told to', () => {
    const operations = [put([1, 9], 'a', created('a')), get([2, 8], ABSENT), get([3, 7], found('a'))]
    assert.equal(checkLinearizable(operations, 1), 'undecided')
  })

  it('agrees with trying every order on random short histories', () => {
    const chance = new Chance(1)
    const verdicts = { linearizable: 0, 'not linearizable': 0, undecided: 0 }
    for (let round = 0; round < 20_000; round += 1) {
      const operations = randomHistory(chance)
      const verdict = checkLinearizable(operations)
      verdicts[verdict] += 1
      assert.equal(verdict === 'linearizable', hasOrder(operations, undefined), JSON.stringify(operations))
      // The rules are no finer than the search, but for two tries that are both told that they
      // stored it: what has a linear order passes.
      const creators = operations.filter(({ answer }) => answer.kind === 'created').length
      if (verdict === 'linearizable' && creators < 2) assert.deepEqual(checkWriteOnce(operations), [], JSON.stringify(operations))
    }
    assert.ok(verdicts.linearizable > 1_000 && verdicts['not linearizable'] > 1_000, JSON.stringify(verdicts))
  })
})

function randomHistory(chance: Chance): Operation[] {
  const names = ['a', 'b']
  return Array.from({ length: chance.between(1, 5) }, () => {
    const beganMs = chance.below(10)
    const span = [beganMs, beganMs + chance.between(1, 6)] as const
    const [name, etag] = [chance.pick(names), chance.pick(names)]
    if (chance.happens(0.4)) return get(span, chance.happens(0.5) ? ABSENT : found(etag))
    const value = chance.happens(0.1) ? 'z' : name
    const answers: Answer[] = [created(value), created(value), storedBefore(value), conflict(etag), REUSED, IN_DOUBT, IN_DOUBT]
    return put(span, name, chance.pick(answers), { given: true, value })
  })
}

interface Held {
  readonly writeId: string
  readonly etag: string
  /** When the put that was told to have stored it ended. */
  readonly createdUntilMs: number
}

/**
 * Another way to the same answer, without a thought for speed: any operation that began before all
 * others ended may be next.
 */
function hasOrder(operations: readonly Operation[], held: Held | undefined): boolean {
  if (operations.every(({ answer }) => answer.kind === 'in-doubt')) return true
  return operations.some((operation) => {
    const others = operations.filter((other) => other !== operation)
    if (others.some((other) => other.answer.kind !== 'in-doubt' && other.endedMs < operation.beganMs)) return false
    return fits(operation, held) && hasOrder(others, after(operation, held))
  })
}

function after({ call, answer, endedMs }: Operation, held: Held | undefined): Held | undefined {
  if (held !== undefined || call.kind !== 'put') return held
  return { writeId: call.writeId, etag: call.etag, createdUntilMs: answer.kind === 'created' ? endedMs : Number.NEGATIVE_INFINITY }
}

function fits({ call, answer, beganMs }: Operation, held: Held | undefined): boolean {
  if (answer.kind === 'in-doubt') return true
  if (answer.kind === 'absent' || (answer.kind === 'created' && held === undefined)) return held === undefined
  if (held === undefined || ('etag' in answer && answer.etag !== held.etag)) return false
  if (call.kind === 'get') return true
  const isMine = held.writeId === call.writeId
  if (answer.kind === 'created') return isMine && beganMs <= held.createdUntilMs
  if (answer.kind === 'conflict') return !isMine
  return isMine && (answer.kind === 'reused') === (call.etag !== held.etag)
}
