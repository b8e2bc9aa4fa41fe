/**
 * Scenarios of far links: a wait that races an answer lasts as long as the round trip of those that it waits for. Each lets one
 * part of a peer wait, and looks when it acts.
 */
import { Doubts } from '../../protocols/agreement/doubts.ts'
import { Latencies } from '../../protocols/agreement/latency.ts'
import { Polls } from '../../protocols/agreement/polls.ts'
import { Representative } from '../../protocols/agreement/representative.ts'
import { RoundTrips } from '../../protocols/agreement/round-trips.ts'
import { CEILING_NONE } from '../../protocols/base/ballot.ts'
import { GROUPS, HASH_BYTES } from '../../protocols/base/hash-tree.ts'
import { identity } from '../../protocols/base/identity.ts'
import type { ClusterId, Identity, Incarnation, NetworkId, PeerId } from '../../protocols/base/identity.ts'
import { Overlay } from '../../protocols/base/overlay.ts'
import { dataQuorum } from '../../protocols/base/quorum.ts'
import type { Quorum } from '../../protocols/base/quorum.ts'
import { dataKey } from '../../protocols/base/register.ts'
import { Roster } from '../../protocols/membership/roster.ts'
import { Outbox } from '../../protocols/outbox.ts'
import { Pull } from '../../protocols/repair/pull.ts'
import { speechOfKeys } from '../../protocols/repair/speech.ts'
import type { Collection } from '../../protocols/repair/collection.ts'
import { check } from './checkers/violation.ts'
import { SimulatedDisk } from './disk.ts'
import type { Scenario } from './stage.ts'

const KEY = dataKey('k')
const FAR_MS = 3_000
const CLUSTER = 'c' as ClusterId
const GRAIN_MS = 10

export const FAR_SCENARIOS: readonly Scenario[] = [
  { name: 'far-questions', play: farQuestions },
  { name: 'far-doubts', play: farDoubts },
  { name: 'far-rivals', play: farRivals },
  { name: 'far-quorums', play: farQuorums },
  { name: 'far-relays', play: farRelays },
  { name: 'far-silence', play: farSilence },
  { name: 'far-pulls', play: farPulls },
]

function voter(name: string): Identity {
  return identity(name as PeerId, '0'.repeat(32) as Incarnation)
}

function quorumOf(names: readonly string[]): Quorum {
  const clusters = new Map([[CLUSTER, names.map(voter)]])
  return dataQuorum({ networkId: '' as NetworkId, epoch: 0, clusters, forming: false, protocolMin: 1 })
}

/** A part of a peer, with the time and the messages that it sends. */
class Waiting {
  readonly moment = { nowMs: 0 }
  readonly outbox: Outbox = new Outbox(new Overlay(new SimulatedDisk(() => undefined)))
  readonly lines: string[] = []
  private lastId = 0

  readonly nextId = (): number => (this.lastId += 1)

  /** Lets time pass until something is sent or told. @returns when, or the end */
  until(endMs: number, hasHappened: () => boolean): number {
    for (; this.moment.nowMs < endMs; this.moment.nowMs += GRAIN_MS) if (hasHappened()) break
    return this.moment.nowMs
  }

  sends(): number {
    return this.outbox.take().filter((effect) => effect.kind === 'send').length
  }

  /** Holds a time against what it may be. */
  see(what: string, atMs: number, leastMs: number): void {
    this.lines.push(`${what} after ${atMs} ms`)
    check(atMs >= leastMs, 'L5', () => `${what} after ${atMs} ms, and a round trip takes ${FAR_MS} ms`)
  }
}

/** A question is not repeated while its answer may be on its way, the first time and later. */
function farQuestions(): string[] {
  const bench = new Waiting()
  const { moment, outbox, nextId } = bench
  const reach = {
    clusterId: CLUSTER,
    isConnected: () => true,
    isConnectedAs: () => true,
    representatives: () => [],
    roundTripMs: () => FAR_MS,
  }
  const quorum = quorumOf(['B', 'C', 'D'])
  const roundTrips = new RoundTrips(voter('A'), reach, new Latencies(), () => quorum)
  const polls = new Polls(voter('A'), moment, outbox, nextId, reach, new Latencies(), roundTrips)
  const isRepeated = (): boolean => {
    polls.tick()
    return bench.sends() > 0
  }
  polls.ask({ kind: 'read', key: KEY, epoch: 0 }, quorum, { voted: () => undefined })
  bench.sends()
  const firstMs = bench.until(20_000, isRepeated)
  bench.see('a question is repeated', firstMs, FAR_MS)
  bench.see('and repeated again', bench.until(20_000, isRepeated) - firstMs, FAR_MS)
  return bench.lines
}

/** A put that was accepted here is finished once its own answers must have come, by one voter after another. */
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

/** A rival that was seen at work has the time to end what it began. */
function farRivals(): string[] {
  const bench = new Waiting()
  const doubts = new Doubts(bench.moment, () => 0, { toDecideMs: () => FAR_MS, turnOf: () => 0 })
  doubts.accepted(KEY)
  bench.moment.nowMs = 8_000
  doubts.onRival(KEY)
  bench.see('a voter finishes what a rival was seen to work on', bench.until(60_000, () => doubts.due().length > 0) - 8_000, 2 * FAR_MS)
  return bench.lines
}

/** A quorum is as far as the farthest voter that it needs, and no farther; so is the wait after a lost try. */
function farQuorums(): string[] {
  const bench = new Waiting()
  const gone = new Set<PeerId>()
  const wiped = new Set<PeerId>()
  const reach = {
    clusterId: CLUSTER,
    isConnected: (peerId: PeerId) => !gone.has(peerId),
    isConnectedAs: ({ peerId }: Identity) => !gone.has(peerId) && !wiped.has(peerId),
    representatives: () => [],
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
  const reach = {
    clusterId: CLUSTER,
    isConnected: () => true,
    isConnectedAs: () => true,
    representatives: () => [],
    roundTripMs: () => 4 * FAR_MS,
  }
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

/** A far peer is silent for longer before it is doubted, suspected and given up; one of unknown distance is not given up before it can answer. */
function farSilence(): string[] {
  const bench = new Waiting()
  const { moment, outbox } = bench
  const roster = new Roster('A' as PeerId, CLUSTER, moment, outbox)
  const told = {
    protocolMin: 1,
    protocolMax: 1,
    networkId: undefined,
    clusterId: CLUSTER,
    epoch: 0,
    minPeers: 1,
    ceiling: CEILING_NONE,
    addresses: [],
  }
  const far = roster.greeted({ ...told, identity: voter('F') })
  roster.greeted({ ...told, identity: voter('U') })
  roster.answered(far, -FAR_MS)
  const untilLook = (hasHappened: () => boolean): number =>
    bench.until(60_000, () => {
      roster.tick(() => false)
      return hasHappened()
    })
  bench.see(
    'a far peer is doubted',
    untilLook(() => roster.doubted().includes('F' as PeerId)),
    1_000 + 2 * FAR_MS,
  )
  bench.see(
    'and suspected',
    untilLook(() => far.state === 'suspect'),
    1_500 + 4 * FAR_MS,
  )
  const isGivenUp = (name: string): boolean => outbox.take().some((effect) => effect.kind === 'disconnect' && effect.peerId === name)
  bench.see(
    'a peer of unknown distance is given up',
    untilLook(() => isGivenUp('U')),
    7 * FAR_MS,
  )
  return bench.lines
}

/** A pull does not repeat a question while its answer may be on its way. */
function farPulls(): string[] {
  const bench = new Waiting()
  const { moment, outbox, nextId } = bench
  const collection: Collection = {
    tree: { groupHashes: () => new Uint8Array(GROUPS * HASH_BYTES) } as unknown as Collection['tree'],
    leaf: () => [],
    lacks: () => false,
    held: () => undefined,
    isWithheld: () => false,
    take: () => false,
    page: () => ({ keys: [], more: false }),
    settle: () => undefined,
  }
  const pull = new Pull(voter('B'), 0, { moment, nextId, collection, speech: speechOfKeys(outbox), roundTripMs: () => FAR_MS })
  pull.begin()
  bench.sends()
  const atMs = bench.until(20_000, () => {
    pull.tick()
    return bench.sends() > 0
  })
  bench.see('a pull repeats its question', atMs, FAR_MS)
  return bench.lines
}
