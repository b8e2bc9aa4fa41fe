/** Rounds and the ceiling: protocol, section 3. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { CEILING_NONE, CEILING_STRIDE_ROUNDS, compareBallots, isCovered } from '../../protocols/base/ballot.ts'
import type { Ballot, Ceiling } from '../../protocols/base/ballot.ts'
import type { AnyWrite } from '../../protocols/base/persist.ts'
import { Rounds, raisedAtOpening } from '../../protocols/agreement/rounds.ts'
import { Bench, peer, persists } from './core-harness.ts'

function roundsOf(bench: Bench, ceiling: Ceiling, floor: Ceiling = CEILING_NONE): Rounds {
  return new Rounds(peer('c'), bench.outbox, ceiling, floor)
}

function ceilings(writes: readonly AnyWrite[]): Ceiling[] {
  return writes.flatMap((write) => (write.kind === 'ceiling' ? [write.ceiling] : []))
}

suite('rounds', () => {
  test('each ballot is higher than the one before and than every round observed', () => {
    const rounds = roundsOf(new Bench(), { epoch: 0, round: 1_000 })
    const first = rounds.next(0)
    const second = rounds.next(0)
    rounds.observe(500)
    const third = rounds.next(0)
    assert(compareBallots(first, second) < 0)
    assert.equal(third.round, 501)
  })

  test('observing a lower round changes nothing', () => {
    const rounds = roundsOf(new Bench(), { epoch: 0, round: 1_000 })
    rounds.observe(500)
    rounds.observe(3)
    assert.equal(rounds.highest, 500)
  })

  test('rounds do not restart with an epoch', () => {
    const rounds = roundsOf(new Bench(), { epoch: 9, round: 0 })
    rounds.observe(70)
    assert.deepEqual([rounds.next(1).round, rounds.next(2).round], [71, 72])
  })

  test('no ballot at or below the ceiling writes, the first above it raises it by a stride', () => {
    const bench = new Bench()
    const rounds = roundsOf(bench, { epoch: 0, round: 2 })
    rounds.next(0)
    rounds.next(0)
    assert.deepEqual(bench.take(), [])
    const above = rounds.next(0)
    assert.deepEqual(ceilings(persists(bench.take())), [{ epoch: 0, round: above.round + CEILING_STRIDE_ROUNDS }])
    assert.equal(isCovered(above, rounds.ceiling), true)
  })

  test('the first ballot of a later epoch raises the ceiling into that epoch', () => {
    const bench = new Bench()
    const rounds = roundsOf(bench, { epoch: 0, round: 1_000_000 })
    rounds.next(1)
    assert.deepEqual(ceilings(persists(bench.take())), [{ epoch: 1, round: 1 + CEILING_STRIDE_ROUNDS }])
  })

  test('a ballot of an earlier epoch is covered and raises nothing', () => {
    const bench = new Bench()
    const rounds = roundsOf(bench, { epoch: 3, round: 0 })
    rounds.raiseAbove({ epoch: 2, round: 1_000_000, by: peer('c') })
    assert.deepEqual(bench.take(), [])
  })

  test('through restarts at any moment no ballot is issued twice, and none above a synced ceiling', () => {
    const issued: Ballot[] = []
    let stored = CEILING_NONE
    for (let opening = 0; opening < 5; opening += 1) {
      const bench = new Bench()
      const floor = stored
      stored = raisedAtOpening(floor)
      const rounds = roundsOf(bench, stored, floor)
      for (let count = 0; count < CEILING_STRIDE_ROUNDS + 10; count += 5_000) {
        rounds.observe(rounds.highest + 4_999)
        issued.push(rounds.next(0))
        for (const ceiling of ceilings(persists(bench.take()))) stored = ceiling
        assert.equal(isCovered(issued.at(-1) as Ballot, stored), true)
      }
    }
    for (const [index, ballot] of issued.entries()) {
      const before = issued[index - 1]
      assert(before === undefined || compareBallots(before, ballot) < 0, `ballot ${index} is not above the one before`)
    }
  })

  test('the ceiling rises at every opening, so that a store put back shows itself', () => {
    assert.deepEqual(raisedAtOpening({ epoch: 4, round: 10 }), { epoch: 4, round: 10 + CEILING_STRIDE_ROUNDS })
  })
})
