/**
 * Questions and relays: whatever is lost, repeated or reordered, each voter's answer is handed on
 * as it was given, and once.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { OFFERS_SINCE } from '../../protocols/base/config.ts'
import type { Config } from '../../protocols/base/config.ts'
import type { ClusterId, Identity, PeerId } from '../../protocols/base/identity.ts'
import { dataQuorum } from '../../protocols/base/quorum.ts'
import { Latencies } from '../../protocols/agreement/latency.ts'
import { Polls } from '../../protocols/agreement/polls.ts'
import type { Poll } from '../../protocols/agreement/polls.ts'
import type { Reach } from '../../protocols/base/reach.ts'
import { Representative } from '../../protocols/agreement/representative.ts'
import type { Relays } from '../../protocols/agreement/representative.ts'
import type { AcceptorReply, AcceptorRequest, Vote } from '../../protocols/wire/agreement-messages.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { Bench, ballotOf, key, peer, recordOf, sends } from '../unit/core-harness.ts'
import { someConfig, someIdentity } from './core-arbitraries.ts'

const self = peer('self')
const ballot = ballotOf(1, 1, 'self')
const reserve: AcceptorRequest = { kind: 'reserve', key, ballot }
const offer: AcceptorRequest = { kind: 'offer', key, ballot, record: recordOf('x'), home: { kind: 'cluster', cluster: 'c0' as ClusterId } }
/** One other cluster, all of whose voters are reached through one of them. */
const farConfig: Config = {
  networkId: '' as never,
  epoch: 1,
  clusters: new Map([['c1' as ClusterId, [peer('d'), peer('e'), peer('f')]]]),
  forming: false,
  protocolMin: OFFERS_SINCE,
}
const GATHER_MS = 10
/** All voters are next door. */
const NEAR = { toQuorumMs: () => 0, toFarthestMs: () => 0 }

const someReply: fc.Arbitrary<AcceptorReply> = fc.constantFrom<AcceptorReply[]>(
  { kind: 'promised', ballot, accepted: undefined },
  { kind: 'rejected', ballot, higher: ballotOf(1, 2, 'a') },
  { kind: 'chosen', record: recordOf('x') },
  { kind: 'stale', configs: [] },
)
const someVotes: fc.Arbitrary<Vote[]> = fc.array(fc.record({ sender: someIdentity, body: someReply }), { maxLength: 20 })

/** Everybody is connected but those named. */
function reachOf(clusterId: string, clusters: ReadonlyMap<ClusterId, readonly Identity[]>, cutOff: readonly PeerId[] = []): Relays {
  const isConnected = (peerId: PeerId): boolean => !cutOff.includes(peerId)
  const isConnectedAs = ({ peerId }: Identity): boolean => isConnected(peerId)
  const representatives = (cluster: ClusterId): PeerId[] => (clusters.get(cluster) ?? []).map(({ peerId }) => peerId).filter(isConnected)
  return {
    clusterId: clusterId as ClusterId,
    isConnected,
    isConnectedAs,
    speaks: () => true,
    representatives,
    roundTripMs: () => undefined,
    isPutBack: () => false,
  }
}

function pollsOf(bench: Bench, reach: Reach, moment = { nowMs: 0 }): Polls {
  let id = 0
  return new Polls(self, moment, bench.outbox, () => (id += 1), reach, new Latencies(), NEAR)
}

/** Who is asked by these messages, directly or through somebody. */
function asked(messages: readonly Message[]): Identity[] {
  return messages.flatMap((message) => (message.kind === 'request' ? [message.target] : message.kind === 'relay' ? message.targets : []))
}

suite('polls', () => {
  test('a listener hears the first answer of each voter and every chosen, and nobody else', () => {
    const property = fc.property(someConfig, someVotes, (config, votes) => {
      const bench = new Bench()
      const quorum = dataQuorum(config)
      const polls = pollsOf(bench, reachOf('c0', quorum.votersByCluster))
      const heard: Vote[] = []
      const poll = polls.ask(reserve, quorum, { voted: (vote) => heard.push(vote) })
      const expected: Vote[] = []
      const counted = new Set<string>()
      for (const vote of votes) {
        polls.vote(poll.id, vote)
        polls.vote(poll.id + 1, vote)
        if (!quorum.has(vote.sender.id) || (counted.has(vote.sender.id) && vote.body.kind !== 'chosen')) continue
        counted.add(vote.sender.id)
        expected.push(vote)
      }
      assert.deepEqual(heard, expected)
    })
    fc.assert(property, { numRuns: 5_000 })
  })

  test('every voter is asked once at first, and those that have not answered again and again', () => {
    const property = fc.property(someConfig, someVotes, fc.constantFrom('c0', 'c1', 'elsewhere'), (config, votes, own) => {
      const bench = new Bench()
      const moment = { nowMs: 0 }
      const quorum = dataQuorum(config)
      const polls = pollsOf(bench, reachOf(own, quorum.votersByCluster), moment)
      const poll: Poll = polls.ask(reserve, quorum, { voted: () => undefined })
      const ids = (of: readonly Identity[]): string[] => of.map(({ id }) => id).toSorted()
      assert.deepEqual(ids(asked(sends(bench.take()).map(({ message }) => message))), ids(quorum.voters))
      for (const vote of votes) polls.vote(poll.id, vote)
      const left = quorum.voters.filter(({ id }) => !votes.some(({ sender }) => sender.id === id))
      for (let round = 0; round < 4; round += 1) {
        moment.nowMs += 10_000
        polls.tick()
        assert.deepEqual(ids(asked(sends(bench.take()).map(({ message }) => message))), ids(left))
      }
    })
    fc.assert(property, { numRuns: 3_000 })
  })

  test('voters that this peer is cut off from are asked through a neighbour of theirs, time after time', () => {
    const learner = 'learner' as PeerId
    const [own, far] = ['c0' as ClusterId, 'c1' as ClusterId]
    const clusters = new Map([
      [own, ['a', 'b', 'c'].map((name) => peer(name))],
      [far, ['d', 'e', 'f'].map((name) => peer(name))],
    ])
    const quorum = dataQuorum({ networkId: '' as never, epoch: 1, clusters, forming: false, protocolMin: 1 })
    const isConnected = (peerId: PeerId): boolean => ['a', 'learner'].includes(peerId)
    const isConnectedAs = ({ peerId }: Identity): boolean => isConnected(peerId)
    const representatives = (cluster: ClusterId): PeerId[] => (cluster === own ? ['a' as PeerId] : [learner])
    const reach: Reach = { clusterId: own, isConnected, isConnectedAs, speaks: () => true, representatives, roundTripMs: () => undefined }
    const bench = new Bench()
    const moment = { nowMs: 0 }
    const polls = pollsOf(bench, reach, moment)
    polls.ask(reserve, quorum, { voted: () => undefined })
    bench.take()
    for (let attempt = 1; attempt < 6; attempt += 1) {
      moment.nowMs += 10_000
      polls.tick()
      const ids = asked(sends(bench.take()).map(({ message }) => message)).map(({ peerId }) => peerId as string)
      assert.deepEqual(ids.toSorted(), ['a', 'b', 'c', 'd', 'e', 'f'], `attempt ${attempt}`)
    }
  })

  test('an answer that came after the question was repeated still tells how long answers take', () => {
    const config = {
      networkId: '' as never,
      epoch: 1,
      clusters: new Map([['c0' as ClusterId, [peer('a')]]]),
      forming: false,
      protocolMin: 1,
    }
    const quorum = dataQuorum(config)
    const moment = { nowMs: 0 }
    const latencies = new Latencies()
    let id = 0
    const polls = new Polls(self, moment, new Bench().outbox, () => (id += 1), reachOf('c0', quorum.votersByCluster), latencies, NEAR)
    for (let question = 0; question < 16; question += 1) {
      const poll = polls.ask(reserve, quorum, { voted: () => undefined })
      moment.nowMs += 600
      polls.tick()
      polls.vote(poll.id, { sender: peer('a'), body: { kind: 'promised', ballot, accepted: undefined } })
      polls.close(poll)
    }
    assert.equal(latencies.usualMs('c0' as ClusterId, 'reserve'), 600)
  })

  test('an offer goes through nobody who does not know offers', () => {
    const [old, young] = ['old' as PeerId, 'young' as PeerId]
    const quorum = dataQuorum(farConfig)
    const reach: Reach = {
      ...reachOf('c0', quorum.votersByCluster),
      representatives: () => [old, young],
      speaks: (peerId, version) => peerId !== old || version < OFFERS_SINCE,
    }
    const bench = new Bench()
    const moment = { nowMs: 0 }
    const polls = pollsOf(bench, reach, moment)
    const through = (): PeerId[] => sends(bench.take()).flatMap(({ to, message }) => (message.kind === 'relay' ? [to] : []))
    polls.ask(reserve, quorum, { voted: () => undefined })
    assert.deepEqual(through(), [old])
    polls.ask(offer, quorum, { voted: () => undefined })
    assert.deepEqual(through(), [young])
  })

  test('a silent voter does not make answers to offers usual that were only waited for', () => {
    const wayMs = 10
    const quorum = dataQuorum(farConfig)
    const moment = { nowMs: 0 }
    const latencies = new Latencies()
    const bench = new Bench()
    let id = 0
    const polls = new Polls(self, moment, bench.outbox, () => (id += 1), reachOf('c0', quorum.votersByCluster), latencies, NEAR)
    for (let question = 0; question < 400; question += 1) {
      const poll = polls.ask(offer, quorum, { voted: () => undefined })
      const gatherMs = sends(bench.take()).map(({ message }) => (message.kind === 'relay' ? (message.gatherMs ?? 0) : 0))
      moment.nowMs += Math.max(...gatherMs) + wayMs
      polls.vote(poll.id, { sender: peer('d'), body: { kind: 'taken', ballot } })
      polls.close(poll)
    }
    const usualMs = latencies.usualMs('c1' as ClusterId, 'offer')
    assert.ok(usualMs <= 30, `${usualMs} ms`)
  })

  test('when somebody is lost, what is unanswered is asked again at once', () => {
    const bench = new Bench()
    const config = {
      networkId: '' as never,
      epoch: 1,
      clusters: new Map([['c0' as ClusterId, [peer('a')]]]),
      forming: false,
      protocolMin: 1,
    }
    const quorum = dataQuorum(config)
    const polls = pollsOf(bench, reachOf('c0', quorum.votersByCluster))
    polls.ask(reserve, quorum, { voted: () => undefined })
    bench.take()
    polls.tick()
    assert.deepEqual(bench.take(), [])
    polls.hurry()
    polls.tick()
    assert.equal(sends(bench.take()).length, 1)
  })

  test('a question that is closed is neither asked again nor answered', () => {
    const bench = new Bench()
    const moment = { nowMs: 0 }
    const config = { clusters: new Map([['c0' as ClusterId, [peer('a')]]]) }
    const quorum = dataQuorum({ ...config, networkId: '' as never, epoch: 0, forming: false, protocolMin: 1 })
    const polls = pollsOf(bench, reachOf('c0', quorum.votersByCluster), moment)
    const poll = polls.ask(reserve, quorum, { voted: () => assert.fail('the question is closed') })
    polls.close(poll)
    bench.take()
    moment.nowMs = 10_000
    polls.tick()
    polls.vote(poll.id, { sender: peer('a'), body: { kind: 'chosen', record: recordOf('x') } })
    assert.deepEqual(bench.take(), [])
    assert.equal(polls.size, 0)
  })
})

suite('a representative', () => {
  const someTargets = fc.uniqueArray(someIdentity, { selector: ({ id }) => id, minLength: 1, maxLength: 5 })

  test('returns each target’s first answer, once, unchanged and never one of its own', () => {
    const property = fc.property(
      someTargets,
      someVotes,
      fc.array(fc.nat(8), { minLength: 20, maxLength: 20 }),
      (targets, votes, pauses) => {
        const bench = new Bench()
        const moment = { nowMs: 0 }
        let id = 100
        const representative = new Representative(self, moment, bench.outbox, () => (id += 1), reachOf('c0', new Map()), NEAR)
        representative.relay('asker' as PeerId, 7, targets, reserve)
        assert.deepEqual(
          sends(bench.take()).map(({ to, message }) => [to, message]),
          targets.map((target) => [target.peerId, { kind: 'request', id: 101, target, body: reserve }]),
        )
        const expected: Vote[] = []
        const returned: Vote[] = []
        const collect = (): void => {
          for (const { to, message } of sends(bench.take())) {
            assert(to === 'asker' && message.kind === 'relayed' && message.id === 7)
            returned.push(...message.votes)
          }
        }
        for (const [index, vote] of votes.entries()) {
          moment.nowMs += pauses[index] ?? 0
          representative.tick()
          representative.vote(101, vote)
          const isFirst =
            targets.some((target) => target.id === vote.sender.id) && !expected.some(({ sender }) => sender.id === vote.sender.id)
          if (isFirst) expected.push(vote)
          collect()
          const kept = expected.slice(returned.length)
          assert.deepEqual(returned, expected.slice(0, returned.length))
          assert(
            kept.every(({ body }) => body.kind === 'promised'),
            'what is urgent is returned at once',
          )
          assert(kept.length === 0 || expected.length <= targets.length / 2, 'a majority is returned at once')
          assert(kept.length === 0 || moment.nowMs < GATHER_MS, 'after a while everything is returned at once')
        }
        moment.nowMs += GATHER_MS
        representative.tick()
        collect()
        assert.deepEqual(returned, expected)
        moment.nowMs += 60_000
        representative.tick()
        collect()
        assert.equal(representative.size, 0)
        assert.deepEqual(returned, expected)
      },
    )
    fc.assert(property, { numRuns: 5_000 })
  })

  test('gives back the record of a commit it relayed for exactly that ballot', () => {
    const representative = new Representative(self, { nowMs: 0 }, new Bench().outbox, () => 1, reachOf('c0', new Map()), NEAR)
    const record = recordOf('x')
    representative.relay('asker' as PeerId, 1, [peer('a')], { kind: 'commit', key, ballot, record })
    assert.equal(representative.recall(key, { ...ballot }), record)
    for (const other of [
      { ...ballot, round: 2 },
      { ...ballot, epoch: 2 },
      { ...ballot, by: peer('self', 1) },
    ]) {
      assert.equal(representative.recall(key, other), undefined)
    }
    representative.forget(key)
    assert.equal(representative.recall(key, ballot), undefined)
  })

  test('remembers no more records than it may, and not one that is larger than all it may', () => {
    let id = 0
    const representative = new Representative(self, { nowMs: 0 }, new Bench().outbox, () => (id += 1), reachOf('c0', new Map()), NEAR)
    const commit = (name: string, bytes: number): AcceptorRequest => {
      const record = { ...recordOf(name), value: new Uint8Array(bytes) }
      return { kind: 'commit', key: name as typeof key, ballot, record }
    }
    const isKept = (name: string): boolean => representative.recall(name as typeof key, ballot) !== undefined
    for (let number = 0; number < 2_000; number += 1) representative.relay('asker' as PeerId, number, [], commit(`key ${number}`, 1))
    assert.deepEqual([isKept('key 975'), isKept('key 976'), isKept('key 1999')], [false, true, true])
    representative.relay('asker' as PeerId, 1, [], commit('large', 4_194_304))
    assert.deepEqual([isKept('key 1999'), isKept('large')], [false, true])
    representative.relay('asker' as PeerId, 1, [], commit('too large', 4_194_305))
    assert.equal(isKept('too large'), false)
    representative.relay('asker' as PeerId, 1, [], commit('small', 1))
    assert.equal(isKept('small'), true)
  })
})
