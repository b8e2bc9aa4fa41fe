/** What a quorum says of a register, and what becomes of writes on it. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Ballot } from '../../protocols/base/ballot.ts'
import { dataQuorum } from '../../protocols/base/quorum.ts'
import { made, tombstone } from '../../protocols/registers/judge.ts'
import type { Write } from '../../protocols/registers/judge.ts'
import { Marks } from '../../protocols/registers/marks.ts'
import { planOf, settling } from '../../protocols/registers/plan.ts'
import type { Shown } from '../../protocols/registers/questions.ts'
import { stub } from '../../protocols/registers/record.ts'
import type { Entry, RegisterRecord } from '../../protocols/registers/record.ts'
import type { Condition, Contents } from '../../protocols/registers/requests.ts'
import { Showing } from '../../protocols/registers/showing.ts'
import { sha256, utf8 } from '../../src/bytes.ts'
import { configOf, peer } from './core-harness.ts'

const marks = new Marks(sha256, utf8)
const NOTHING: Shown = { held: undefined, accepted: undefined, sweptTo: undefined, number: 0 }
const EMPTY = { base: undefined, number: 0 }

function ballot(round: number): Ballot {
  return { epoch: 0, round, by: peer('a') }
}

function valued(text: string): Contents {
  return { kind: 'value', value: utf8.encode(text), contentType: 'text/plain', ttlMs: undefined }
}

function write(writeId: string, more: Partial<Write> = {}): Write {
  const contents = more.contents ?? valued(writeId)
  const condition: Condition | undefined = more.condition
  const mark = marks.of('k', writeId, contents, condition)
  return { contents, condition, writeId, mark, writtenAtMs: 1_000, isMaybeRetry: false, after: undefined, ...more }
}

/** A register written so many times, by writes w1, w2 and so on. */
function written(times: number, apartMs = 0): RegisterRecord {
  let base: RegisterRecord | undefined
  for (let number = 1; number <= times; number += 1)
    base = made(write(`w${number}`, { writtenAtMs: 1_000 + number * apartMs }), { base, number: number - 1 })
  assert(base !== undefined)
  return base
}

function entry(round: number, record: RegisterRecord): Entry {
  return { ballot: ballot(round), record }
}

suite('what a quorum says', () => {
  const quorum = dataQuorum(configOf(0, { c: ['a', 'b', 'c'] }))
  const viewOf = (...shown: Partial<Shown>[]): ReturnType<Showing['view']> => {
    const showing = new Showing(quorum)
    for (const [place, what] of shown.entries()) showing.add(peer('abc'[place] ?? 'c'), { ...NOTHING, ...what })
    return showing.view()
  }

  test('the highest by ballot is what the next version is made on, whatever its version', () => {
    const { base, number, isKnown } = viewOf({ accepted: entry(3, written(5)) }, { accepted: entry(4, written(2)) })
    assert.deepEqual([base?.version, number, isKnown], [2, 5, false])
  })

  test('what somebody holds is known, at whatever ballot', () => {
    assert.equal(viewOf({ accepted: entry(4, written(2)) }, { held: entry(3, written(2)) }).isKnown, true)
  })

  test('what one who has forgotten up to there does not hold is gone, and its number stays', () => {
    const view = viewOf({ held: entry(3, written(2)) }, { sweptTo: ballot(3), number: 7 })
    assert.deepEqual([view.base, view.number], [undefined, 7])
    assert.equal(viewOf({ held: entry(4, written(2)) }, { sweptTo: ballot(3) }).base?.version, 2)
  })

  test('a stub is nothing to build on, and its number counts', () => {
    const view = viewOf({ held: entry(3, stub(9)) }, {})
    assert.deepEqual([view.base, view.number, view.isKnown], [undefined, 9, true])
  })

  test('only the very entry counts as accepted by a quorum', () => {
    const showing = new Showing(quorum)
    const best = entry(3, written(2))
    showing.add(peer('a'), { ...NOTHING, accepted: best })
    showing.add(peer('b'), { ...NOTHING, accepted: entry(2, written(2)) })
    assert.equal(showing.isAcceptedByQuorum(best), false)
    showing.add(peer('c'), { ...NOTHING, accepted: best })
    assert.equal(showing.isAcceptedByQuorum(best), true)
  })
})

suite('what becomes of a write', () => {
  const judged = (one: Write, state: { base: RegisterRecord | undefined; number: number }): string =>
    planOf([one], state).judged[0]?.kind ?? ''

  test('a write that made the record, or one before it, was applied with that version', () => {
    const base = written(3)
    assert.deepEqual(planOf([write('w3')], { base, number: 3 }).judged, [
      { kind: 'repeated', version: 3, wasAbsent: false, writtenAtMs: 1_000 },
    ])
    assert.deepEqual(planOf([write('w1')], { base, number: 3 }).judged, [
      { kind: 'repeated', version: 1, wasAbsent: true, writtenAtMs: 1_000 },
    ])
  })

  test('the same writeId with other contents or conditions is told so', () => {
    const state = { base: written(3), number: 3 }
    assert.equal(judged(write('w2', { contents: valued('other') }), state), 'reused')
    assert.equal(judged(write('w2', { condition: { kind: 'live' } }), state), 'reused')
  })

  test('conditions hold on the version that is there', () => {
    const state = { base: written(3), number: 3 }
    assert.equal(judged(write('n', { condition: { kind: 'versions', versions: [1, 3] } }), state), 'applied')
    assert.equal(judged(write('n', { condition: { kind: 'versions', versions: [2] } }), state), 'refused')
    assert.equal(judged(write('n', { condition: { kind: 'absent' } }), state), 'refused')
    assert.equal(judged(write('n', { condition: { kind: 'absent' } }), EMPTY), 'applied')
    assert.equal(judged(write('n', { condition: { kind: 'live' } }), EMPTY), 'refused')
    assert.equal(judged(write('n', { contents: { kind: 'deleted' } }), EMPTY), 'refused')
  })

  test('versions go on through a deletion', () => {
    const deleted = made(write('d', { contents: { kind: 'deleted' } }), { base: written(3), number: 3 })
    const {
      record,
      judged: [result],
    } = planOf([write('n')], { base: deleted, number: 4 })
    assert.equal(record?.version, 5)
    assert(result?.kind === 'applied' && result.wasAbsent)
  })

  test('the next version is above every number seen, and above what the first try may be confused with', () => {
    assert.equal(planOf([write('n')], { base: written(3), number: 8 }).record?.version, 9)
    assert.equal(planOf([write('n', { after: 20 })], { base: written(3), number: 8 }).record?.version, 21)
  })

  test('a retry that was forgotten is not applied again', () => {
    const base = written(40, 100_000)
    assert.equal(base.since, 23)
    const retry = { isMaybeRetry: true, after: 22 }
    assert.equal(judged(write('n', retry), { base, number: 40 }), 'forgotten')
    assert.equal(judged(write('n', { ...retry, after: 23 }), { base, number: 40 }), 'applied')
    assert.equal(judged(write('n', retry), { base: undefined, number: 40 }), 'forgotten')
  })

  test('a busy register remembers more than sixteen writes, of the last minute', () => {
    assert.equal(written(100).recent.count, 99)
    assert.equal(written(400).recent.count, 256)
  })

  test('a writer whose clock is an hour ahead does not cut what a busy register remembers', () => {
    const ahead = write('ahead', { writtenAtMs: 1_000 + 3_600_000 })
    assert.equal(made(ahead, { base: written(100), number: 100 }).recent.count, 100)
  })

  test('writes of a batch are judged on one another and made as one record, each with its version', () => {
    const batch = [
      write('n1'),
      write('n2', { condition: { kind: 'versions', versions: [4] } }),
      write('n3', { condition: { kind: 'absent' } }),
    ]
    const { judged: results, record } = planOf(batch, { base: written(3), number: 3 })
    assert.deepEqual(
      results.map(({ kind }) => kind),
      ['applied', 'applied', 'refused'],
    )
    assert.equal(record?.version, 5)
    assert.deepEqual([...record.recent].at(-1), { version: 4, mark: batch[0]?.mark, writtenAtMs: 1_000, wasAbsent: false })
  })

  test('a refusal of what may have been sent before needs a commit; any other does not', () => {
    const refused = { condition: { kind: 'absent' } as const }
    const state = { base: written(3), number: 3 }
    assert.equal(planOf([write('n', { ...refused, isMaybeRetry: true })], state).needsCommit, true)
    assert.equal(planOf([write('n', refused)], state).needsCommit, false)
  })

  test('where there is nothing, what settles is a deletion that nobody asked for', () => {
    const settled = settling({ base: undefined, number: 6 }, () => 'fresh')
    assert.deepEqual(settled, tombstone('fresh', 6))
    assert.deepEqual([settled.version, settled.isDeleted, settled.since], [7, true, 6])
    assert.equal(settling({ base: written(3), number: 6 }, () => 'fresh').version, 3)
  })
})
