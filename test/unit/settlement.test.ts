/** How a register settles: what a coordinator commits, and whose claim ends with what is chosen. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Coordinator, finishingClaim, writingClaim } from '../../protocols/agreement/coordinator.ts'
import { Latencies } from '../../protocols/agreement/latency.ts'
import { Polls } from '../../protocols/agreement/polls.ts'
import { RoundTrips } from '../../protocols/agreement/round-trips.ts'
import { Rounds } from '../../protocols/agreement/rounds.ts'
import type { ClaimResult } from '../../protocols/agreement/run.ts'
import { AT_EACH_BALLOT, ONCE } from '../../protocols/agreement/settlement.ts'
import type { Settlement } from '../../protocols/agreement/settlement.ts'
import { CEILING_NONE } from '../../protocols/base/ballot.ts'
import type { ClusterId } from '../../protocols/base/identity.ts'
import { configQuorum, dataQuorum } from '../../protocols/base/quorum.ts'
import { unitsOf } from '../../protocols/base/units.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import type { AcceptorReply, AcceptorRequest } from '../../protocols/wire/agreement-messages.ts'
import { Bench, configOf, key, peer, recordOf, sends } from './core-harness.ts'

const self = peer('a')
/** For runs that begin with reserve. */
const NO_OFFERS = {
  plan: () => undefined,
  isHomeHeard: () => false,
  isWorthwhile: () => false,
  isTakenAtHome: () => false,
  onLastNeeded: () => undefined,
  onMade: () => undefined,
  onUnanswered: () => undefined,
}
const x = recordOf('x')
const y = recordOf('y')

/** A coordinator whose only voter a test plays. */
class Coordinating extends Bench {
  readonly coordinator: Coordinator
  readonly results: string[] = []
  private readonly polls: Polls

  constructor(settlement: Settlement) {
    super()
    const config = configOf(0, { c: ['a'] })
    const quorum = dataQuorum(config)
    const moment = { nowMs: 0 }
    const latencies = new Latencies()
    const reach = {
      clusterId: 'c' as ClusterId,
      isConnected: () => true,
      isConnectedAs: () => true,
      speaks: () => true,
      representatives: () => [],
      roundTripMs: () => undefined,
    }
    const roundTrips = new RoundTrips(self, reach, latencies, () => quorum)
    let lastId = 0
    this.polls = new Polls(self, moment, this.outbox, () => (lastId += 1), reach, latencies, roundTrips)
    this.coordinator = new Coordinator(this.overlay, {
      moment,
      rounds: new Rounds(self, this.outbox, { epoch: 0, round: 1_000 }, CEILING_NONE),
      chain: {
        current: { config, quorum, configQuorum: configQuorum(config), units: unitsOf(config.clusters) },
        epoch: 0,
        networkId: config.networkId,
        isVoter: () => true,
        voterOf: () => self,
      },
      polls: this.polls,
      latencies,
      roundTrips,
      rivals: { onRival: () => undefined, rivalUntilMs: () => 0 },
      random: () => 0,
      offering: NO_OFFERS,
      isUntouched: () => false,
      spaceOf: () => ({
        settlement,
        quorum: () => quorum,
        isOpen: () => true,
        isOffered: () => false,
        isUnserved: () => false,
        isKeptWithoutVote: false,
        learn: () => undefined,
      }),
      chose: (of, record) => this.coordinator.learned(of, record),
    })
  }

  claim(record: ValueRecord | undefined): void {
    const settle = (result: ClaimResult): void =>
      void this.results.push(`${record?.writeId ?? 'finish'}: ${result.kind === 'chosen' ? result.record.writeId : result.kind}`)
    this.coordinator.claim(key, record === undefined ? finishingClaim(1_000, settle) : writingClaim(record, 1_000, settle), false)
  }

  /** Answers what is asked. @returns what that was */
  answer(reply: (body: AcceptorRequest) => AcceptorReply): AcceptorRequest {
    const [send] = sends(this.take())
    assert(send?.message.kind === 'request')
    const { id, body } = send.message
    this.polls.vote(id, { sender: self, body: reply(body) })
    return body
  }

  promise(accepted: ValueRecord | undefined): void {
    this.answer((body) => {
      assert(body.kind === 'reserve')
      const { ballot } = body
      return {
        kind: 'promised',
        ballot,
        accepted: accepted === undefined ? undefined : { ballot: { ...ballot, round: 0 }, record: accepted },
      }
    })
  }

  /** Takes the commit. @returns the writeId of what is committed */
  commit(): string {
    const body = this.answer((asked) => {
      assert(asked.kind === 'commit')
      return { kind: 'committed', ballot: asked.ballot }
    })
    return body.kind === 'commit' ? body.record.writeId : ''
  }
}

suite('a register that settles once', () => {
  test('is finished with what a promise shows, and that ends every claim', () => {
    const run = new Coordinating(ONCE)
    run.claim(y)
    run.claim(undefined)
    run.promise(x)
    assert.equal(run.commit(), x.writeId)
    assert.deepEqual(run.results, [`${y.writeId}: ${x.writeId}`, `finish: ${x.writeId}`])
    assert.equal(run.coordinator.size, 0)
  })
})

suite('a register that settles at each ballot', () => {
  test('takes a record over what a promise shows', () => {
    const run = new Coordinating(AT_EACH_BALLOT)
    run.claim(y)
    run.promise(x)
    assert.equal(run.commit(), y.writeId)
    assert.deepEqual(run.results, [`${y.writeId}: ${y.writeId}`])
  })

  test('ends one claim a ballot, and goes on for the others', () => {
    const run = new Coordinating(AT_EACH_BALLOT)
    run.claim(x)
    run.claim(y)
    run.promise(undefined)
    assert.equal(run.commit(), x.writeId)
    assert.deepEqual(run.results, [`${x.writeId}: ${x.writeId}`])
    run.promise(x)
    assert.equal(run.commit(), y.writeId)
    assert.deepEqual(run.results, [`${x.writeId}: ${x.writeId}`, `${y.writeId}: ${y.writeId}`])
    assert.equal(run.coordinator.size, 0)
  })

  test('finishes what a promise shows for whoever writes nothing', () => {
    const run = new Coordinating(AT_EACH_BALLOT)
    run.claim(undefined)
    run.promise(x)
    assert.equal(run.commit(), x.writeId)
    assert.deepEqual(run.results, [`finish: ${x.writeId}`])
  })
})
