/** Writes that are handed to the owner of a ballot: whom they go to, and how many wait there. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Ballot } from '../../protocols/base/ballot.ts'
import { forwardOf, writeClaim } from '../../protocols/registers/claims.ts'
import type { Coordinator } from '../../protocols/registers/coordinator.ts'
import { ForwardedWrites } from '../../protocols/registers/forwarded.ts'
import { Forwards } from '../../protocols/registers/forwards.ts'
import type { ForwardedWrite } from '../../protocols/registers/judge.ts'
import { MARK_NONE } from '../../protocols/registers/record.ts'
import { answerOf } from '../../protocols/registers/writes.ts'
import { key, peer } from './core-harness.ts'

const WRITES_MAX = 4_096
const BELIEVED_MS = 5_000

function at(round: number, by: string): Ballot {
  return { epoch: 0, round, by: peer(by) }
}

function forwardsOfA(moment: { nowMs: number }): Forwards {
  return new Forwards({
    self: peer('a').id,
    moment,
    nextId: () => 1,
    isConnectedAs: ({ id }) => id !== peer('z').id,
    send: () => undefined,
  })
}

const WRITE: ForwardedWrite = {
  contents: { kind: 'deleted' },
  condition: undefined,
  writeId: 'w',
  mark: MARK_NONE,
  writtenAtMs: 1,
  after: 0,
}

suite('writes for the owner of a ballot', () => {
  test('go to whoever refused two tries, at the highest ballot that it named', () => {
    const forwards = forwardsOfA({ nowMs: 0 })
    forwards.onRejected(key, at(7, 'b'), true)
    assert.equal(forwards.ballotOf(key), undefined)
    forwards.onRejected(key, at(5, 'b'), true)
    assert.equal(forwards.ballotOf(key)?.round, 7)
  })

  test('two voters that refuse one try are one refusal', () => {
    const forwards = forwardsOfA({ nowMs: 0 })
    forwards.onRejected(key, at(7, 'b'), true)
    forwards.onRejected(key, at(7, 'b'), false)
    assert.equal(forwards.ballotOf(key), undefined)
  })

  test('go nowhere after a reserve of this peer, until that is refused as well', () => {
    const forwards = forwardsOfA({ nowMs: 0 })
    for (const round of [5, 7]) forwards.onRejected(key, at(round, 'b'), true)
    forwards.onReserve(key)
    assert.equal(forwards.ballotOf(key), undefined)
    forwards.onRejected(key, at(9, 'b'), true)
    assert.equal(forwards.ballotOf(key)?.round, 9)
  })

  test('go nowhere for a ballot of nobody who is connected, nor long after it refused', () => {
    const moment = { nowMs: 0 }
    const forwards = forwardsOfA(moment)
    for (const by of ['z', 'z', 'b', 'b']) forwards.onRejected(key, at(7, by), true)
    assert.equal(forwards.ballotOf(key)?.by.id, peer('b').id)
    moment.nowMs = BELIEVED_MS
    assert.equal(forwards.ballotOf(key), undefined)
  })

  test('wait at the owner in a bounded number, and what is beyond it is dropped', () => {
    const results: string[] = []
    const coordinator = { claimAt: () => true } as unknown as Coordinator
    const self = peer('a')
    const forwarded = new ForwardedWrites({
      self,
      moment: { nowMs: 0 },
      coordinator,
      reply: (_, __, ___, { kind }) => void results.push(kind),
    })
    for (let id = 0; id < WRITES_MAX; id += 1) forwarded.asked(peer('b'), id, key, at(7, 'a'), WRITE)
    assert.deepEqual(results, [])
    forwarded.asked(peer('b'), WRITES_MAX, key, at(7, 'a'), WRITE)
    assert.deepEqual(results, ['dropped'])
  })

  test('are dropped by whoever does not own the ballot', () => {
    const results: string[] = []
    const coordinator = { claimAt: () => true } as unknown as Coordinator
    const self = peer('a')
    const forwarded = new ForwardedWrites({
      self,
      moment: { nowMs: 0 },
      coordinator,
      reply: (_, __, ___, { kind }) => void results.push(kind),
    })
    forwarded.asked(peer('b'), 1, key, at(7, 'c'), WRITE)
    assert.deepEqual(results, ['dropped'])
  })
})

suite('a write that was applied by a forward whose answer was lost', () => {
  function repeated(writeIdGiven: boolean, wasAbsent = false, { writtenAtMs } = WRITE): ReturnType<typeof answerOf> {
    const claim = writeClaim(WRITE, { writeIdGiven, cameAfter: 0 }, 1_000, () => undefined)
    forwardOf(claim, 0)
    return answerOf(claim, { kind: 'repeated', version: 3, wasAbsent, writtenAtMs })
  }

  test('was applied once, and not before, where this peer made its name', () => {
    assert.deepEqual(repeated(false), { kind: 'applied', version: 3, wasAbsent: false, isRepeated: false })
  })

  test('made something of nothing where it did so', () => {
    assert.deepEqual(repeated(false, true), { kind: 'applied', version: 3, wasAbsent: true, isRepeated: false })
  })

  test('was not applied before where its client named it, either', () => {
    assert.deepEqual(repeated(true), { kind: 'applied', version: 3, wasAbsent: false, isRepeated: false })
  })

  test('was applied before where it was another try that made the version', () => {
    const earlier = { ...WRITE, writtenAtMs: WRITE.writtenAtMs - 1 }
    assert.deepEqual(repeated(true, false, earlier), { kind: 'applied', version: 3, wasAbsent: false, isRepeated: true })
  })
})
