/**
 * What a growing network costs, up to a hundred clusters and a thousand peers in one process: the
 * production core of each in simulated time, connected as `src/network` connects them: everybody to
 * the own cluster and to all voters, and else to some.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { CONNECTED_PEERS_MAX } from '../../protocols/membership/roster.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { dataKey } from '../../protocols/base/register.ts'
import type { SimulatedPeer } from '../../test/simulation/peer.ts'
import { percentileOf } from '../statistics.ts'
import { Model } from './model.ts'
import type { Ended } from './model.ts'
import { figure } from './table.ts'
import type { Table } from './table.ts'

const NEAR_MS = 0.25
const FAR_MS = 20
/** Three, and five where there are more peers: what the network itself would make of them. */
const votersOf = (peersPerCluster: number): number => (peersPerCluster >= 5 ? 5 : 3)
const VOTING_CLUSTERS = 7
const PUTS = 10
const BETWEEN_MS = 100
const UPKEEP_MS = 2_000
/** What is learned has arrived, and no repair was due yet. */
const SOON_MS = 1_000
const LATER_MS = 20_000
/** Between the peers that one has heard of; shares no factor with any number of peers. */
const STRIDE = 389
const KIB = 1_024

/** Clusters, and peers in each. */
const SHAPES = [
  [1, 3],
  [3, 3],
  [7, 3],
  [7, 10],
  [20, 10],
  [50, 10],
  [100, 10],
] as const

/** Sums of messages and bytes. */
class Sum {
  messages = 0
  bytes = 0

  add(bytes: number): void {
    this.messages += 1
    this.bytes += bytes
  }
}

interface Figures {
  readonly clusters: number
  readonly peers: number
  readonly connectionsOfVoter: number
  readonly connectionsOfLearner: number
  /** Reserve and commit, and their answers, for each put. */
  readonly agreement: Sum
  /** What makes a put known, over the whole network. */
  readonly learning: Sum
  /** What the coordinator sends of both. */
  readonly coordinator: Sum
  readonly putMs: number
  /** A second of nothing but heartbeats, at one voter. */
  readonly upkeepOfVoter: Sum
  readonly upkeepOfAll: Sum
  readonly repair: Sum
  /** Greetings and rosters when all come up at once, for each peer. */
  readonly meeting: Sum
  /** Share of the peers that hold a key soon after its put, and later. */
  readonly soon: number
  readonly later: number
  readonly kibPerPeer: number
}

export function measureGrowth(peersMax: number, say: (text: string) => void): Table {
  const figures: Figures[] = []
  for (const [clusters, peersPerCluster] of SHAPES) {
    if (clusters * peersPerCluster > peersMax) break
    const startedMs = performance.now()
    figures.push(measure(clusters, peersPerCluster))
    say(`${clusters} clusters of ${peersPerCluster}: ${figure((performance.now() - startedMs) / 1_000)} s`)
  }
  return {
    title: 'A growing network',
    note: `Voters: 3 of 3 or 5 of 10 peers in each of at most ${VOTING_CLUSTERS} clusters; ${FAR_MS * 2} ms round trip between clusters; ${PUTS} puts one after another, half at a voter, half at a learner. Upkeep is heartbeats, in a second without puts. Memory is the core's and the model's.`,
    columns: [
      'clusters × peers',
      'connections voter / other',
      'put ms',
      'agreement a put',
      'bytes',
      'learns a put, all',
      'coordinator sends',
      'bytes',
      'upkeep/s voter',
      'bytes/s',
      'upkeep/s all',
      'repair bytes a put',
      'rosters a peer at start',
      'hold it after 1 s',
      `after ${(SOON_MS + LATER_MS) / 1_000} s`,
      'KiB a peer',
    ],
    rows: figures.map((one) => [
      `${one.clusters} × ${one.peers / one.clusters}`,
      `${figure(one.connectionsOfVoter)} / ${figure(one.connectionsOfLearner)}`,
      figure(one.putMs),
      figure(one.agreement.messages / PUTS),
      figure(one.agreement.bytes / PUTS),
      figure(one.learning.messages / PUTS),
      figure(one.coordinator.messages / PUTS),
      figure(one.coordinator.bytes / PUTS),
      figure((one.upkeepOfVoter.messages / UPKEEP_MS) * 1_000),
      figure((one.upkeepOfVoter.bytes / UPKEEP_MS) * 1_000),
      figure((one.upkeepOfAll.messages / UPKEEP_MS) * 1_000),
      figure(one.repair.bytes / PUTS),
      figure(one.meeting.messages / one.peers),
      `${figure(one.soon * 100)} %`,
      `${figure(one.later * 100)} %`,
      figure(one.kibPerPeer),
    ]),
    raw: figures,
  }
}

function measure(clusters: number, peersPerCluster: number): Figures {
  const heapBefore = heapBytes()
  const model = grown(clusters, peersPerCluster)
  const { peers } = model
  const sums = {
    agreement: new Sum(),
    learning: new Sum(),
    coordinator: new Sum(),
    upkeep: new Sum(),
    repair: new Sum(),
    meeting: new Sum(),
  }
  let coordinator: SimulatedPeer | undefined
  const sizeOf = (message: Message): number => model.codec.encodeMessage(message).length
  model.watch = (from, _to, message) => {
    const kind = kindOf(message)
    const bytes = kind === 'meeting' ? 0 : sizeOf(message)
    sums[kind].add(bytes)
    if (from === coordinator && (kind === 'agreement' || kind === 'learning')) sums.coordinator.add(bytes)
  }
  model.start()
  const voter = peers[0] as SimulatedPeer
  const learner = peers.findLast((peer) => !model.isVoter(peer)) ?? voter
  for (const sum of [sums.agreement, sums.learning, sums.repair, sums.upkeep]) Object.assign(sum, new Sum())
  const ended: Ended[] = []
  for (let index = 0; index < PUTS; index += 1) {
    coordinator = index % 2 === 0 ? voter : learner
    ended.push(model.put(coordinator, `key-${index}`))
    model.run(BETWEEN_MS)
  }
  model.run(SOON_MS)
  const soon = shareHolding(peers)
  // While a second passes without puts, upkeep is all there is.
  const upkeepOfVoter = new Sum()
  Object.assign(sums.upkeep, new Sum())
  const { watch } = model
  model.watch = (from, to, message) => {
    watch(from, to, message)
    if (from === voter && kindOf(message) === 'upkeep') upkeepOfVoter.add(sizeOf(message))
  }
  model.run(UPKEEP_MS)
  const upkeepOfAll = Object.assign(new Sum(), sums.upkeep)
  model.watch = watch
  model.run(LATER_MS - UPKEEP_MS)
  const connections = (peer: SimulatedPeer): number => peer.core?.roster.connected().length ?? 0
  return {
    clusters,
    peers: peers.length,
    connectionsOfVoter: connections(voter),
    connectionsOfLearner: connections(learner),
    agreement: sums.agreement,
    learning: sums.learning,
    coordinator: sums.coordinator,
    repair: sums.repair,
    meeting: sums.meeting,
    putMs: percentileOf(
      ended.map(({ elapsedMs }) => elapsedMs),
      50,
    ),
    upkeepOfVoter,
    upkeepOfAll,
    soon,
    later: shareHolding(peers),
    kibPerPeer: (heapBytes() - heapBefore) / peers.length / KIB,
  }
}

/** A network of that shape, not started yet. */
function grown(clusters: number, peersPerCluster: number): Model {
  const votersPerCluster = votersOf(peersPerCluster)
  const links = linksOf(clusters, peersPerCluster)
  const connects = (a: SimulatedPeer, b: SimulatedPeer): boolean => links[a.index]?.has(b.index) === true
  const delayMs = (from: SimulatedPeer, to: SimulatedPeer): number => (from.clusterId === to.clusterId ? NEAR_MS : FAR_MS)
  return new Model({ clusters, peersPerCluster, votersPerCluster, votingClusters: VOTING_CLUSTERS, delayMs, connects })
}

/** For each peer the numbers of those that it is connected to. */
function linksOf(clusters: number, peersPerCluster: number): readonly ReadonlySet<number>[] {
  const count = clusters * peersPerCluster
  const clusterOf = (peer: number): number => Math.floor(peer / peersPerCluster)
  const isVoter = (peer: number): boolean => clusterOf(peer) < VOTING_CLUSTERS && peer % peersPerCluster < votersOf(peersPerCluster)
  const links = Array.from({ length: count }, () => new Set<number>())
  const link = (a: number, b: number): void => {
    if (a === b) return
    links[a]?.add(b)
    links[b]?.add(a)
  }
  for (let a = 0; a < count; a += 1) {
    for (let b = 0; b < a; b += 1) if (clusterOf(a) === clusterOf(b) || isVoter(a) || isVoter(b)) link(a, b)
  }
  // Whom a peer has merely heard of it dials until it has so many connections.
  for (const [peer, linked] of links.entries()) {
    for (let step = 1; linked.size < CONNECTED_PEERS_MAX && step < count; step += 1) link(peer, (peer + step * STRIDE) % count)
  }
  return links
}

function kindOf({ kind }: Message): 'agreement' | 'learning' | 'upkeep' | 'repair' | 'meeting' {
  switch (kind) {
    case 'request':
    case 'reply':
    case 'relay':
    case 'relayed':
      return 'agreement'
    case 'learn':
    case 'want':
      return 'learning'
    case 'heartbeat':
      return 'upkeep'
    case 'roster':
    case 'configs':
    case 'configs-wanted':
      return 'meeting'
    default:
      return 'repair'
  }
}

function shareHolding(peers: readonly SimulatedPeer[]): number {
  let held = 0
  for (const peer of peers) {
    for (let index = 0; index < PUTS; index += 1) if (peer.core?.chosen.get(dataKey(`key-${index}`)) !== undefined) held += 1
  }
  return held / (peers.length * PUTS)
}

/** What is in use once all that can be let go of is. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed + process.memoryUsage().external
}
