/** An acceptor, rule by rule: protocol, section 4, with the floor of section 3. */
import { acceptedWrite, ceilingWrite, chosenWrite } from '../../protocols/base/persist.ts'
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { CEILING_NONE, CEILING_STRIDE_ROUNDS, isCovered } from '../../protocols/base/ballot.ts'
import type { Ballot, Ceiling } from '../../protocols/base/ballot.ts'
import { ProtocolViolation } from '../../protocols/base/assert.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import { dataKey } from '../../protocols/base/register.ts'
import { Acceptor } from '../../protocols/agreement/acceptor.ts'
import { PROMISE_KEPT_MS } from '../../protocols/agreement/promises.ts'
import { Rounds } from '../../protocols/agreement/rounds.ts'
import { AT_EACH_BALLOT, ONCE } from '../../protocols/agreement/settlement.ts'
import type { AcceptorReply } from '../../protocols/wire/agreement-messages.ts'
import { Bench, ballotOf, key, peer, persists, recordOf } from './core-harness.ts'

const digest = new Uint8Array(16)
const x = recordOf('x')
const y = recordOf('y')

class Voter extends Bench {
  readonly rounds: Rounds
  readonly acceptor: Acceptor

  constructor(floor: Ceiling = CEILING_NONE, ceiling: Ceiling = { epoch: 0, round: 1_000 }, settlement = ONCE) {
    super()
    this.rounds = new Rounds(peer('v'), this.outbox, ceiling, floor)
    this.acceptor = new Acceptor(this.overlay, this.rounds, this.outbox, floor, () => settlement)
  }

  reserve(ballot: Ballot, nowMs = 0): AcceptorReply {
    return this.acceptor.answer({ kind: 'reserve', key, ballot }, nowMs)
  }

  commit(ballot: Ballot, record: ValueRecord): AcceptorReply {
    return this.acceptor.answer({ kind: 'commit', key, ballot, record }, 0)
  }

  seen(): AcceptorReply {
    return this.acceptor.answer({ kind: 'read', key, epoch: 0 }, 0)
  }

  choose(record: ValueRecord): void {
    this.outbox.persist(chosenWrite(key, record, digest))
    this.take()
    this.acceptor.learned(key)
  }
}

const low = ballotOf(0, 1, 'a')
const middle = ballotOf(0, 2, 'a')
const high = ballotOf(0, 3, 'a')

suite('reserve', () => {
  test('a first reserve is promised and shows that nothing was accepted', () => {
    assert.deepEqual(new Voter().reserve(low), { kind: 'promised', ballot: low, accepted: undefined })
  })

  test('a promise to a higher ballot refuses a lower one and names the higher', () => {
    const voter = new Voter()
    voter.reserve(high)
    assert.deepEqual(voter.reserve(low), { kind: 'rejected', ballot: low, higher: high })
  })

  test('a repeated reserve of the promised ballot is promised again', () => {
    const voter = new Voter()
    voter.reserve(low)
    assert.equal(voter.reserve(low).kind, 'promised')
  })

  test('a promise carries the record that was accepted', () => {
    const voter = new Voter()
    voter.commit(low, x)
    assert.deepEqual(voter.reserve(middle), { kind: 'promised', ballot: middle, accepted: { ballot: low, record: x } })
  })

  test('an accepted ballot refuses a lower reserve', () => {
    const voter = new Voter()
    voter.commit(high, x)
    assert.deepEqual(voter.reserve(low), { kind: 'rejected', ballot: low, higher: high })
  })

  test('a reserve of a chosen register answers the record whatever its ballot', () => {
    const voter = new Voter()
    voter.reserve(high)
    voter.choose(x)
    assert.deepEqual(voter.reserve(low), { kind: 'chosen', record: x })
  })

  test('ballots of one round are told apart by who issued them', () => {
    const voter = new Voter()
    voter.reserve(ballotOf(0, 1, 'b'))
    assert.equal(voter.reserve(ballotOf(0, 1, 'a')).kind, 'rejected')
    assert.equal(voter.reserve(ballotOf(0, 1, 'c')).kind, 'promised')
  })

  test('a promise above the ceiling raises the ceiling first, by a stride', () => {
    const voter = new Voter(CEILING_NONE, { epoch: 0, round: 10 })
    voter.reserve(ballotOf(0, 10, 'a'))
    assert.deepEqual(voter.take(), [])
    voter.reserve(ballotOf(0, 11, 'a'))
    assert.deepEqual(persists(voter.take()), [ceilingWrite({ epoch: 0, round: 11 + CEILING_STRIDE_ROUNDS })])
  })

  test('a refused reserve raises nothing', () => {
    const voter = new Voter({ epoch: 9, round: 0 }, { epoch: 0, round: 10 })
    assert.equal(voter.reserve(ballotOf(0, 11, 'a')).kind, 'rejected')
    assert.deepEqual(voter.take(), [])
  })
})

suite('commit', () => {
  test('a commit at the promised ballot is accepted and persisted', () => {
    const voter = new Voter()
    voter.reserve(low)
    assert.deepEqual(voter.commit(low, x), { kind: 'committed', ballot: low })
    assert.deepEqual(persists(voter.take()), [acceptedWrite(key, { ballot: low, record: x })])
  })

  test('a commit needs no promise of its own ballot', () => {
    assert.equal(new Voter().commit(low, x).kind, 'committed')
  })

  test('a promise to a higher ballot refuses a commit at a lower one', () => {
    const voter = new Voter()
    voter.reserve(high)
    assert.deepEqual(voter.commit(low, x), { kind: 'rejected', ballot: low, higher: high })
    assert.equal(voter.overlay.read(key), undefined)
  })

  test('an accepted record is replaced at a higher ballot and at no lower one', () => {
    const voter = new Voter()
    voter.commit(middle, x)
    assert.equal(voter.commit(low, y).kind, 'rejected')
    assert.equal(voter.commit(high, y).kind, 'committed')
    assert.deepEqual(voter.overlay.read(key)?.accepted, { ballot: high, record: y })
  })

  test('an accepted commit counts as a promise to its ballot', () => {
    const voter = new Voter()
    voter.reserve(low)
    voter.commit(high, x)
    assert.equal(voter.acceptor.promiseCount, 0)
    assert.equal(voter.reserve(middle).kind, 'rejected')
    assert.equal(voter.commit(middle, y).kind, 'rejected')
  })

  test('a repeated commit is answered again and written once', () => {
    const voter = new Voter()
    voter.commit(low, x)
    voter.take()
    assert.deepEqual(voter.commit(low, { ...x }), { kind: 'committed', ballot: low })
    assert.deepEqual(voter.take(), [])
  })

  for (const [field, other] of Object.entries({
    value: { ...x, value: y.value },
    'content type': { ...x, contentType: 'text/html' },
    writeId: { ...x, writeId: 'other' },
    time: { ...x, writtenAtMs: 0 },
  })) {
    test(`two records of different ${field} at one ballot stop the peer`, () => {
      const voter = new Voter()
      voter.commit(low, x)
      assert.throws(() => voter.commit(low, other), ProtocolViolation)
      assert.deepEqual(voter.overlay.read(key)?.accepted?.record, x)
    })
  }

  test('a commit to a chosen register changes nothing and answers the chosen record', () => {
    const voter = new Voter()
    voter.choose(x)
    assert.deepEqual(voter.commit(high, y), { kind: 'chosen', record: x })
    assert.deepEqual(voter.take(), [])
  })

  test('a commit above the ceiling raises none, for what is accepted is durable', () => {
    const voter = new Voter(CEILING_NONE, { epoch: 0, round: 1 })
    voter.commit(high, x)
    assert.deepEqual(
      persists(voter.take()).map((write) => write.kind),
      ['accepted'],
    )
  })
})

suite('read', () => {
  test('a read shows nothing, then what is accepted, then what is chosen', () => {
    const voter = new Voter()
    assert.deepEqual(voter.seen(), { kind: 'seen', epoch: 0, accepted: undefined })
    voter.commit(low, x)
    assert.deepEqual(voter.seen(), { kind: 'seen', epoch: 0, accepted: { ballot: low, record: x } })
    voter.choose(x)
    assert.deepEqual(voter.seen(), { kind: 'chosen', record: x })
  })

  test('a read promises nothing', () => {
    const voter = new Voter()
    voter.seen()
    assert.equal(voter.acceptor.promiseCount, 0)
    assert.equal(voter.reserve(low).kind, 'promised')
  })
})

suite('the floor', () => {
  const floor: Ceiling = { epoch: 1, round: 5 }

  test('it stands for the highest ballot of its round', () => {
    const voter = new Voter(floor, { epoch: 9, round: 0 })
    const answer = voter.reserve(ballotOf(1, 5, 'zzzz'))
    assert(answer.kind === 'rejected')
    assert.equal(isCovered(answer.higher, floor), true)
    assert.equal(voter.commit(ballotOf(1, 5, 'zzzz'), x).kind, 'rejected')
    assert.equal(voter.commit(ballotOf(0, 99, 'zzzz'), x).kind, 'rejected')
  })

  test('what is above it passes: a higher round, or a later epoch', () => {
    assert.equal(new Voter(floor, { epoch: 9, round: 0 }).reserve(ballotOf(1, 6, 'a')).kind, 'promised')
    assert.equal(new Voter(floor, { epoch: 9, round: 0 }).reserve(ballotOf(2, 1, 'a')).kind, 'promised')
    assert.equal(new Voter(floor).commit(ballotOf(1, 6, 'a'), x).kind, 'committed')
  })

  test('it does not refuse reads, nor hide what is chosen', () => {
    const voter = new Voter(floor)
    assert.equal(voter.seen().kind, 'seen')
    voter.choose(x)
    assert.equal(voter.reserve(low).kind, 'chosen')
  })

  test('of promise, accepted record and floor, each refuses by itself', () => {
    const voter = new Voter({ epoch: 0, round: 1 })
    voter.commit(middle, x)
    voter.reserve(high)
    assert.equal(voter.reserve(low).kind, 'rejected')
    assert.equal(voter.reserve(middle).kind, 'rejected')
    assert.equal(voter.reserve(high).kind, 'promised')
  })
})

suite('promises that grow old', () => {
  test('a promise is kept as long as the longest put, then folded into the floor', () => {
    const voter = new Voter()
    voter.reserve(high, 0)
    voter.acceptor.fold(PROMISE_KEPT_MS - 1)
    assert.equal(voter.acceptor.promiseCount, 1)
    voter.acceptor.fold(PROMISE_KEPT_MS)
    assert.equal(voter.acceptor.promiseCount, 0)
    assert.equal(voter.reserve(middle).kind, 'rejected')
    assert.equal(voter.commit(middle, x).kind, 'rejected')
  })

  test('folding one promise never lowers the floor that another one left', () => {
    const voter = new Voter()
    voter.acceptor.answer({ kind: 'reserve', key: dataKey('high'), ballot: high }, 0)
    voter.acceptor.answer({ kind: 'reserve', key: dataKey('low'), ballot: low }, 1)
    voter.acceptor.fold(PROMISE_KEPT_MS + 1)
    assert.equal(voter.reserve(middle).kind, 'rejected')
  })

  test('a promise renewed is as young as its renewal, and does not hold up the folding of others', () => {
    const voter = new Voter()
    voter.reserve(low, 0)
    voter.acceptor.answer({ kind: 'reserve', key: dataKey('other'), ballot: low }, 1)
    voter.reserve(high, PROMISE_KEPT_MS)
    voter.acceptor.fold(PROMISE_KEPT_MS + 1)
    assert.equal(voter.acceptor.promiseCount, 1)
    assert.equal(voter.reserve(middle).kind, 'rejected')
  })

  test('a register that is chosen needs its promise no longer', () => {
    const voter = new Voter()
    voter.reserve(high)
    voter.choose(x)
    assert.equal(voter.acceptor.promiseCount, 0)
  })
})

suite('a register that settles at each ballot', () => {
  const voter = (): Voter => new Voter(CEILING_NONE, { epoch: 0, round: 1_000 }, AT_EACH_BALLOT)

  test('answers by the ballot though a record is chosen', () => {
    const chosen = voter()
    chosen.choose(x)
    assert.equal(chosen.reserve(low).kind, 'promised')
    assert.equal(chosen.commit(low, y).kind, 'committed')
  })

  test('holds to a promise that it gave before a record was learned', () => {
    const promised = voter()
    promised.reserve(high)
    promised.choose(x)
    assert.deepEqual(promised.reserve(low), { kind: 'rejected', ballot: low, higher: high })
    assert.deepEqual(promised.commit(low, y), { kind: 'rejected', ballot: low, higher: high })
  })
})
