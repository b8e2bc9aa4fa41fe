/**
 * Scenarios of far links: a wait that races an answer lasts as long as the round trip of those that
 * it waits for. Here are the questions to voters and who finishes what others began; runs, peers,
 * copies, changes, registers and sets have files of their own.
 */
import { Doubts } from '../../protocols/agreement/doubts.ts'
import { Finisher } from '../../protocols/agreement/finisher.ts'
import { Latencies } from '../../protocols/agreement/latency.ts'
import { Representative } from '../../protocols/agreement/representative.ts'
import { RoundTrips } from '../../protocols/agreement/round-trips.ts'
import type { Coordinator } from '../../protocols/agreement/coordinator.ts'
import type { Identity, PeerId } from '../../protocols/base/identity.ts'
import { check } from './checkers/violation.ts'
import { FAR_CHANGES } from './directed-far-changes.ts'
import { FAR_COPIES } from './directed-far-copies.ts'
import { FAR_PEERS } from './directed-far-peers.ts'
import { FAR_REGISTERS } from './directed-far-registers.ts'
import { FAR_RUNS } from './directed-far-runs.ts'
import { FAR_SETS } from './directed-far-sets.ts'
import { Asking, FAR_MS, FAR_REACH, KEY, Waiting, quorumOf, voter } from './far-bench.ts'
import type { Scenario } from './stage.ts'

/**
 * What a try to finish must have time for: to read, a rival in its turn, to reserve and to commit.
 */
const TRY_ROUND_TRIPS = 8

export const FAR_SCENARIOS: readonly Scenario[] = [
  { name: 'far-questions', play: farQuestions },
  { name: 'far-doubts', play: farDoubts },
  { name: 'far-rivals', play: farRivals },
  { name: 'far-tries', play: farTries },
  { name: 'far-quorums', play: farQuorums },
  { name: 'far-relays', play: farRelays },
  ...FAR_RUNS,
  ...FAR_PEERS,
  ...FAR_COPIES,
  ...FAR_CHANGES,
  ...FAR_REGISTERS,
  ...FAR_SETS,
]

/** A question is not repeated while its answer may be on its way, the first time and later. */
function farQuestions(): string[] {
  const bench = new Asking()
  const isRepeated = (): boolean => {
    bench.polls.tick()
    return bench.asked() !== undefined
  }
  bench.polls.ask({ kind: 'read', key: KEY, epoch: 0 }, bench.quorum, { voted: () => undefined })
  bench.asked()
  const firstMs = bench.until(20_000, isRepeated)
  bench.see('a question is repeated', firstMs, FAR_MS)
  bench.see('and repeated again', bench.until(20_000, isRepeated) - firstMs, FAR_MS)
  return bench.lines
}

/**
 * A put that was accepted here is finished once its own answers must have come, by one voter after
 * another.
 */
function farDoubts(): string[] {
  const bench = new Waiting()
  for (const turn of [0, 1]) {
    bench.moment.nowMs = 0
    const doubts = new Doubts(bench.moment, () => 0, { toDecideMs: () => FAR_MS, turnOf: () => turn })
    doubts.accepted(KEY)
    const atMs = bench.until(60_000, () => doubts.due().length > 0)
    bench.see(`the voter of turn ${turn} finishes`, atMs, (2 + 2 * turn) * FAR_MS)
  }
  return bench.lines
}

/**
 * A rival that was seen at work has the time to end what it began; then again one voter goes first.
 */
function farRivals(): string[] {
  const bench = new Waiting()
  for (const turn of [0, 1]) {
    bench.moment.nowMs = 0
    const doubts = new Doubts(bench.moment, () => 0, { toDecideMs: () => FAR_MS, turnOf: () => turn })
    doubts.accepted(KEY)
    // Shortly before it would begin by itself.
    const seenAtMs = 8_000 + turn * 2 * FAR_MS
    bench.moment.nowMs = seenAtMs
    doubts.onRival(KEY)
    const atMs = bench.until(90_000, () => doubts.due().length > 0) - seenAtMs
    bench.see(`the voter of turn ${turn} finishes what a rival was seen to work on`, atMs, (2 + 2 * turn) * FAR_MS)
  }
  return bench.lines
}

/** One try to finish lasts until a rival has had its time as well. */
function farTries(): string[] {
  const bench = new Waiting()
  let triedMs = 0
  const coordinator: Pick<Coordinator, 'claim'> = {
    claim: (_, { deadlineMs }) => void (triedMs = deadlineMs - bench.moment.nowMs),
  }
  const roundTrips = { toDecideMs: () => FAR_MS, turnOf: () => 0 }
  const doubts = new Doubts(bench.moment, () => 0, roundTrips)
  new Finisher(bench.moment, bench.outbox, doubts, coordinator as Coordinator, roundTrips).finish(KEY, () => undefined)
  bench.see('a try to finish is given up', triedMs, TRY_ROUND_TRIPS * FAR_MS)
  return bench.lines
}

/**
 * A quorum is as far as the farthest voter that it needs, and no farther; so is the wait after a
 * lost try.
 */
function farQuorums(): string[] {
  const bench = new Waiting()
  const gone = new Set<PeerId>()
  const wiped = new Set<PeerId>()
  const reach = {
    ...FAR_REACH,
    isConnected: (peerId: PeerId) => !gone.has(peerId),
    isConnectedAs: ({ peerId }: Identity) => !gone.has(peerId) && !wiped.has(peerId),
    roundTripMs: (peerId: PeerId) => (peerId === 'B' ? 100 : FAR_MS),
  }
  const quorum = quorumOf(['A', 'B', 'C'])
  const roundTrips = new RoundTrips(voter('A'), reach, new Latencies(), () => quorum)
  bench.lines.push(`with B, ${roundTrips.latelyToDecideMs(KEY)} ms`)
  check(roundTrips.latelyToDecideMs(KEY) === 100, 'L5', () => 'the quorum of A and B is not as far as B')
  wiped.add('B' as PeerId)
  bench.see('when B has lost its disk a quorum answers', roundTrips.latelyToDecideMs(KEY), FAR_MS)
  gone.add('B' as PeerId)
  bench.see('without B a quorum answers', roundTrips.latelyToDecideMs(KEY), FAR_MS)
  return bench.lines
}

/** A representative keeps a relay until its targets can have answered. */
function farRelays(): string[] {
  const bench = new Waiting()
  const { moment, outbox, nextId } = bench
  const reach = { ...FAR_REACH, roundTripMs: () => 4 * FAR_MS }
  const roundTrips = new RoundTrips(voter('A'), reach, new Latencies(), () => undefined)
  const representative = new Representative(voter('A'), moment, outbox, nextId, { ...reach, isPutBack: () => false }, roundTrips)
  representative.relay('Z' as PeerId, 1, [voter('B')], { kind: 'read', key: KEY, epoch: 0 })
  bench.until(4 * FAR_MS, () => {
    representative.tick()
    return false
  })
  const isKept = representative.vote(1, { sender: voter('B'), body: { kind: 'seen', epoch: 0, accepted: undefined } })
  bench.lines.push(`an answer that takes ${moment.nowMs} ms ${isKept ? 'is passed on' : 'is dropped'}`)
  check(isKept, 'L5', () => `a representative has forgotten a relay whose answer takes ${moment.nowMs} ms`)
  return bench.lines
}
