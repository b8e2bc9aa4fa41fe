/** One offer: what it tells of how long a quorum takes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OfferAttempt } from '../../protocols/agreement/offer-attempt.ts'
import type { Poll, Polls } from '../../protocols/agreement/polls.ts'
import { dataQuorum, Quorum } from '../../protocols/base/quorum.ts'
import type { ClusterId } from '../../protocols/base/identity.ts'
import { unitsOf } from '../../protocols/base/units.ts'
import { ballotOf, configOf, key, peer, recordOf } from './core-harness.ts'

test('an offer tells once how long it took, however many take it beyond those who are needed', () => {
  const config = configOf(1, { c: ['a', 'b', 'c', 'd', 'e'] })
  const [home, ...others] = unitsOf(config.clusters)
  assert.ok(home !== undefined)
  const ballot = ballotOf(1, 1, 'a')
  const quorum = dataQuorum(config)
  const alone = new Quorum([new Map([['c' as ClusterId, home.voters]])])
  const took: number[] = []
  const moment = { nowMs: 0 }
  const ask = (): Partial<Poll> => ({ openedAtMs: moment.nowMs, usualMs: 25 })
  const attempt = new OfferAttempt({
    key,
    record: recordOf('x'),
    ballot,
    plan: { epoch: 1, home, others, needed: 2, homeVoters: alone, otherVoters: quorum, quorum },
    isTakenAtHome: true,
    offering: { isHomeHeard: () => true, isWorthwhile: () => true, onLastNeeded: assert.fail },
    polls: { ask, close: () => undefined } as unknown as Polls,
    moment,
    latencies: { observeQuorum: (elapsedMs) => took.push(elapsedMs) },
    listener: { leaving: () => true, chosen: () => undefined, failed: assert.fail },
  })
  attempt.begin()
  attempt.voted({ sender: peer('a'), body: { kind: 'promised', ballot, accepted: undefined } })
  for (const name of ['b', 'c', 'd', 'e']) {
    moment.nowMs += 1
    attempt.voted({ sender: peer(name), body: { kind: 'taken', ballot } })
  }
  assert.deepEqual(took, [2])
})
