/**
 * The checkers of registers' histories: right ones pass both, wrong ones of every kind do not pass,
 * and on small random histories the search agrees with trying all orders.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RegisterAnswer, RegisterOperation, When } from '../chaos/registers/history.ts'
import { checkOrder } from '../chaos/registers/linear.ts'
import { checkExpiry } from '../chaos/registers/verdict.ts'
import { checkVersions } from '../chaos/registers/versions.ts'
import { Chance } from '../simulation/chance.ts'

type Span = readonly [beganMs: number, endedMs: number]

function operation([beganMs, endedMs]: Span, call: RegisterOperation['call'], answer: RegisterAnswer): RegisterOperation {
  return { key: 'key', peer: 'peer', call, beganMs, endedMs, answer, told: '' }
}

/** Its name is its value. */
function put(span: Span, value: string, answer: RegisterAnswer, when?: When): RegisterOperation {
  return operation(span, { kind: 'put', writeId: value, isNamed: true, value, when }, answer)
}

function remove(span: Span, writeId: string, answer: RegisterAnswer, when?: When): RegisterOperation {
  return operation(span, { kind: 'delete', writeId, isNamed: true, value: '', when }, answer)
}

function get(span: Span, answer: RegisterAnswer): RegisterOperation {
  return operation(span, { kind: 'get', consistency: 'linearizable' }, answer)
}

function local(span: Span, answer: RegisterAnswer): RegisterOperation {
  return operation(span, { kind: 'get', consistency: 'local' }, answer)
}

const made = (version: number): RegisterAnswer => ({ kind: 'applied', version, isRepeated: false })
const again = (version: number): RegisterAnswer => ({ kind: 'applied', version, isRepeated: true })
const found = (version: number, value: string): RegisterAnswer => ({ kind: 'found', version, value })
const absent = (number = 0): RegisterAnswer => ({ kind: 'absent', number })
const mismatch = (current: number): RegisterAnswer => ({ kind: 'mismatch', current })
const NOTHING: RegisterAnswer = { kind: 'nothing' }
const IN_DOUBT: RegisterAnswer = { kind: 'in-doubt' }
const FORGOTTEN: RegisterAnswer = { kind: 'forgotten' }

const RIGHT: Readonly<Record<string, readonly RegisterOperation[]>> = {
  'nothing at all': [],
  'written, read, written over': [
    put([1, 2], 'a', made(1)),
    get([3, 4], found(1, 'a')),
    put([5, 6], 'b', made(2)),
    get([7, 8], found(2, 'b')),
  ],
  'a read that overlaps a write sees either': [
    put([1, 2], 'a', made(1)),
    put([3, 9], 'b', made(2)),
    get([4, 5], found(2, 'b')),
    get([3, 8], found(1, 'a')),
  ],
  'of rivals for a version one is made, and the others are told of it': [
    put([1, 2], 'a', made(1)),
    put([3, 9], 'b', mismatch(2), 1),
    put([3, 8], 'c', made(2), 1),
    put([4, 9], 'd', mismatch(2), 1),
  ],
  'deleted, absent, and written with the next version': [
    put([1, 2], 'a', made(1)),
    remove([3, 4], 'x', made(2), 1),
    get([5, 6], absent(2)),
    remove([5, 6], 'y', NOTHING),
    put([7, 8], 'b', made(3), 'absent'),
    put([9, 10], 'c', mismatch(3), 'absent'),
  ],
  'in doubt, and applied later': [
    put([1, 2], 'a', IN_DOUBT),
    get([3, 4], absent()),
    get([5, 6], found(1, 'a')),
    put([7, 8], 'b', made(2), 1),
  ],
  'in doubt, and never applied': [
    put([1, 2], 'a', made(1)),
    put([3, 4], 'b', IN_DOUBT),
    get([5, 6], found(1, 'a')),
    put([7, 8], 'c', made(2), 1),
  ],
  'in doubt, and known by its version alone': [
    put([1, 2], 'a', made(1)),
    put([3, 4], 'b', IN_DOUBT),
    put([5, 6], 'c', mismatch(2), 1),
    put([7, 8], 'd', made(3), 2),
  ],
  'in doubt, and there only for somebody to delete': [put([1, 2], 'a', IN_DOUBT), remove([3, 4], 'x', made(2)), get([5, 6], absent(2))],
  'in doubt as a deletion that arrives': [
    put([1, 2], 'a', made(1)),
    remove([3, 4], 'x', IN_DOUBT),
    get([5, 6], found(1, 'a')),
    get([7, 8], absent(2)),
  ],
  'tried again, and told what the first try made': [
    put([1, 2], 'a', IN_DOUBT),
    put([3, 4], 'b', made(2)),
    put([5, 6], 'a', again(1)),
    get([7, 8], found(2, 'b')),
  ],
  'tried again, and forgotten': [
    put([1, 2], 'a', IN_DOUBT),
    put([3, 4], 'b', made(2)),
    put([5, 6], 'a', FORGOTTEN),
    get([7, 8], found(2, 'b')),
  ],
  'two tries at once': [put([1, 9], 'a', made(1)), put([2, 8], 'a', again(1))],
  'of two tries at once one refused, before the other is applied': [
    remove([1, 3], 'x', NOTHING),
    put([4, 5], 'a', made(1)),
    remove([2, 9], 'x', made(2)),
  ],
  'of two tries at once one refused, before the other arrives though nobody heard so': [
    remove([1, 3], 'x', NOTHING),
    put([4, 5], 'a', made(1)),
    remove([2, 6], 'x', IN_DOUBT),
    get([7, 8], found(1, 'a')),
    get([9, 10], absent(2)),
  ],
  'refused where something live is asked for, and there is nothing': [
    put([1, 2], 'a', mismatch(0), 'live'),
    put([3, 4], 'a2', mismatch(0), 7),
  ],
  'versions that leave out some, for what was begun and lost': [
    put([1, 2], 'a', made(1)),
    put([3, 4], 'b', made(5), 1),
    get([5, 6], found(5, 'b')),
  ],
  'an old copy': [put([1, 2], 'a', made(1)), put([3, 4], 'b', made(2)), local([5, 6], found(1, 'a')), local([5, 6], absent())],
}

/** By what is wrong: what both checkers must see, and what versions alone show. */
const WRONG: Readonly<Record<string, readonly RegisterOperation[]>> = {
  'a lost write': [put([1, 2], 'a', made(1)), put([3, 4], 'b', made(2)), get([5, 6], found(1, 'a'))],
  'a stale absent': [put([1, 2], 'a', made(1)), get([3, 4], absent(1))],
  'a version of two writes': [put([1, 9], 'a', made(1)), put([2, 8], 'b', made(1))],
  'a write that was applied twice': [put([1, 2], 'a', made(1)), put([3, 4], 'b', made(2)), put([5, 6], 'a', made(3))],
  'a version that goes back': [put([1, 2], 'a', made(5)), remove([3, 4], 'x', made(6)), put([5, 6], 'b', made(1))],
  'a value that nobody wrote': [put([1, 2], 'a', made(1)), get([3, 4], found(1, 'z'))],
  'two compare-and-sets of one version': [put([1, 2], 'a', made(1)), put([3, 4], 'b', made(2), 1), put([5, 6], 'c', made(3), 1)],
  'two creations of one register': [put([1, 9], 'a', made(1), 'absent'), put([10, 12], 'b', made(2), 'absent')],
  'a refused write that shows': [put([1, 2], 'a', made(1)), put([3, 4], 'b', mismatch(1), 7), get([5, 6], found(2, 'b'))],
  'refused, and applied at another try': [put([1, 2], 'a', made(1)), put([3, 4], 'b', mismatch(1), 7), put([5, 6], 'b', made(2), 7)],
  'in doubt, refused, and arrived after that': [
    put([1, 2], 'a', made(1)),
    put([3, 4], 'b', IN_DOUBT, 7),
    put([5, 6], 'b', mismatch(1), 7),
    get([7, 8], found(2, 'b')),
  ],
  'refused for the very version that it asks for': [put([1, 2], 'a', made(1)), put([3, 4], 'b', mismatch(1), 1)],
  'refused for an old version': [put([1, 2], 'a', made(1)), put([3, 4], 'b', made(2)), put([5, 6], 'c', mismatch(1), 9)],
  'nothing to delete, where something is': [put([1, 2], 'a', made(1)), remove([3, 4], 'x', NOTHING)],
  'one read goes back behind another': [
    put([1, 9], 'a', made(1)),
    put([1, 9], 'b', made(2)),
    get([2, 3], found(2, 'b')),
    get([4, 5], found(1, 'a')),
  ],
  'a deletion that is undone': [put([1, 2], 'a', made(1)), remove([3, 4], 'x', made(2)), get([5, 6], found(1, 'a'))],
  'a write in doubt that arrives twice': [
    put([1, 2], 'a', IN_DOUBT),
    get([3, 4], found(1, 'a')),
    remove([5, 6], 'x', made(2)),
    get([7, 8], found(3, 'a')),
  ],
}

/** Orders alone tell these: each version is well by itself. */
const OUT_OF_ORDER: Readonly<Record<string, readonly RegisterOperation[]>> = {
  'absent between two reads of one version': [
    put([1, 2], 'a', made(1)),
    get([3, 4], found(1, 'a')),
    remove([5, 20], 'x', IN_DOUBT),
    get([6, 7], absent(2)),
    get([8, 9], found(1, 'a')),
  ],
  'a deletion of nothing is applied': [remove([1, 2], 'x', made(1))],
  'a creation where something live was never deleted': [
    put([1, 2], 'a', made(1), 'absent'),
    get([3, 4], found(1, 'a')),
    put([3, 9], 'b', made(2), 'absent'),
  ],
}

describe('a history of a register', () => {
  for (const [name, operations] of Object.entries(RIGHT)) {
    it(`is right: ${name}`, () => {
      assert.deepEqual(checkVersions(operations), [])
      assert.equal(checkOrder(operations), 'linearizable')
    })
  }
  for (const [name, operations] of Object.entries(WRONG)) {
    it(`is wrong for both checkers: ${name}`, () => {
      assert.notDeepEqual(checkVersions(operations), [])
      assert.equal(checkOrder(operations), 'not linearizable')
    })
  }
  for (const [name, operations] of Object.entries(OUT_OF_ORDER)) {
    it(`is wrong for the search: ${name}`, () => assert.equal(checkOrder(operations), 'not linearizable'))
  }

  it('of a write that was not applied shows it nowhere', () => {
    const write = put([1, 2], 'a', { kind: 'not-applied' })
    const drawn = { ...write, call: { ...write.call, isNamed: false } } as RegisterOperation
    assert.deepEqual(checkVersions([drawn, get([3, 4], absent())]), [])
    assert.equal(checkVersions([drawn, get([3, 4], found(1, 'a'))]).length, 1)
    assert.match(checkVersions([write])[0] ?? '', /is named, and was called not applied/)
  })

  it('of a register that expires has it absent no earlier than its time', () => {
    const write = put([0, 10], '2', made(1))
    assert.deepEqual(checkExpiry([write, get([1_000, 1_001], found(1, '2')), get([2_001, 2_002], absent(2))]), [])
    assert.equal(checkExpiry([write, get([1_000, 1_999], absent(2))]).length, 1)
    assert.deepEqual(checkExpiry([put([0, 10], '2', IN_DOUBT), get([1_000, 1_001], absent(0))]), [])
  })

  it('made by one register passes both checkers, however its operations overlap', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const operations = simulated(new Chance(seed))
      assert.deepEqual(checkVersions(operations), [], `seed ${seed}`)
      assert.equal(checkOrder(operations), 'linearizable', `seed ${seed}`)
    }
  })

  it('whose reads were changed behind its back is found out', () => {
    let caught = 0
    for (let seed = 1; seed <= 300; seed += 1) {
      const chance = new Chance(seed)
      const operations = simulated(chance)
      const reads = operations.filter(({ answer }) => answer.kind === 'found')
      const victim = reads.at(-1)
      const other = reads.find(
        ({ answer, endedMs }) => victim !== undefined && endedMs < victim.beganMs && valueOf(answer) !== valueOf(victim.answer),
      )
      if (victim === undefined || other === undefined) continue
      const newer = operations.some(({ answer, endedMs }) => endedMs < victim.beganMs && versionOf(answer) > versionOf(other.answer))
      if (!newer) continue
      const changed = operations.map((one) => (one === victim ? { ...one, answer: other.answer } : one))
      assert.notDeepEqual(checkVersions(changed), [], `seed ${seed}`)
      assert.equal(checkOrder(changed), 'not linearizable', `seed ${seed}`)
      caught += 1
    }
    assert.ok(caught > 50, `only ${caught}`)
  })
})

function valueOf(answer: RegisterAnswer): string {
  return answer.kind === 'found' ? answer.value : ''
}

function versionOf(answer: RegisterAnswer): number {
  return answer.kind === 'found' || answer.kind === 'applied' ? answer.version : 0
}

/** What clients of one register in one place see: each operation takes effect at a moment of its span. */
function simulated(chance: Chance): RegisterOperation[] {
  let [version, value] = [0, undefined as string | undefined]
  const operations: RegisterOperation[] = []
  for (let moment = 10; moment < 250; moment += 10) {
    const span: Span = [moment - chance.below(25) - 1, moment + chance.below(25) + 1]
    const name = `w${moment}`
    const roll = chance.number()
    const when = ([undefined, 'absent', 'live', Math.max(1, version), version + 1] as const)[chance.below(5)]
    const isMet =
      when === undefined || (when === 'absent' ? value === undefined : value !== undefined && (when === 'live' || when === version))
    const isLost = chance.happens(0.15)
    if (roll < 0.4) operations.push(get(span, value === undefined ? absent(version) : found(version, value)))
    else if (roll < 0.85) {
      const isApplied = isMet && !(isLost && chance.happens(0.5))
      if (isApplied) [version, value] = [version + 1, name]
      operations.push(put(span, name, isLost ? IN_DOUBT : isMet ? made(version) : mismatch(value === undefined ? 0 : version), when))
    } else if (value === undefined) operations.push(remove(span, name, NOTHING))
    else {
      const isApplied = !(isLost && chance.happens(0.5))
      if (isApplied) [version, value] = [version + 1, undefined]
      operations.push(remove(span, name, isLost ? IN_DOUBT : made(version)))
    }
  }
  return operations
}
