/**
 * Long distances: what a put and a get take when clusters are far apart, in simulated time over the
 * production core, so that a delay is exactly what it says. Round trips are counted two ways: by
 * the time that passed, and by the value's crossings, which must be one to each remote cluster.
 */
import type { Message } from '../../protocols/wire/messages.ts'
import type { SimulatedPeer } from '../../test/simulation/peer.ts'
import { percentileOf } from '../statistics.ts'
import { FAR_COLUMNS, farRow } from './far-figures.ts'
import type { FarFigures } from './far-figures.ts'
import { Model } from './model.ts'
import { figure } from './table.ts'
import type { Table } from './table.ts'
import { quorumRttMs, TOPOLOGIES } from './topologies.ts'
import type { Topology } from './topologies.ts'

const NEAR_MS = 0.25
const PEERS = 3
const REQUESTS = 60
/** Between two requests: what is learned, and the heartbeats, take their course. */
const BETWEEN_MS = 50
/** After a put it is known everywhere by then, and after so many of the longest round trips. */
const SPREAD_MS = 1_000
const SPREAD_ROUND_TRIPS = 2
const TITLE = 'Puts and gets over long distances'

interface Figures extends FarFigures {
  /** Between clusters, for each put. */
  readonly messages: number
  readonly bytes: number
  /** Of hash trees compared while puts are under way. */
  readonly repairBytes: number
}

export function measureWan(say: (text: string) => void): Table {
  const figures = TOPOLOGIES.map((topology) => {
    const measured = measure(topology)
    say(`${topology.name}: put ${figure(percentileOf(measured.putMs, 50))} ms`)
    return measured
  })
  return {
    title: TITLE,
    note: `Clusters of ${PEERS} voters, ${NEAR_MS * 2} ms round trip inside, ${REQUESTS} requests of each kind from the first cluster, one after another, in simulated time. A round trip is that to the nearest clusters that make a majority.`,
    columns: [...FAR_COLUMNS, 'messages across a put', 'bytes across a put', 'of repair besides'],
    rows: figures.map((one) => [...farRow(one), figure(one.messages), figure(one.bytes), figure(one.repairBytes)]),
    raw: figures,
  }
}

function measure(topology: Topology): Figures {
  const model = farApart(topology)
  const { peers } = model
  model.start()
  const crossings = new Map<string, number>()
  let messages = 0
  let bytes = 0
  let repairBytes = 0
  let key = ''
  model.watch = (from, to, message) => {
    if (from.clusterId === to.clusterId || isUpkeep(message)) return
    const { length } = model.codec.encodeMessage(message)
    if (isRepair(message)) repairBytes += length
    else {
      messages += 1
      bytes += length
    }
    if (!carriesValue(message)) return
    const crossing = `${key} ${to.clusterId}`
    crossings.set(crossing, (crossings.get(crossing) ?? 0) + 1)
  }
  const asking = (index: number): SimulatedPeer => peers[index % PEERS] as SimulatedPeer
  const putMs: number[] = []
  for (let index = 0; index < REQUESTS; index += 1) {
    key = `put-${index}`
    const { outcome, elapsedMs } = model.put(asking(index), key)
    if (outcome.kind !== 'created') throw new Error(`a put ended ${outcome.kind}`)
    putMs.push(elapsedMs)
    model.run(BETWEEN_MS)
  }
  model.run(SPREAD_MS + SPREAD_ROUND_TRIPS * Math.max(...topology.rttMs.flat()))
  const acrossAPut = { messages: messages / REQUESTS, bytes: bytes / REQUESTS, repairBytes: repairBytes / REQUESTS }
  model.watch = () => undefined
  const gets = (keyOf: (index: number) => string, kind: string): number[] =>
    Array.from({ length: REQUESTS }, (_, index) => {
      const { outcome, elapsedMs } = model.get(asking(index), keyOf(index))
      if (outcome.kind !== kind) throw new Error(`a get ended ${outcome.kind}, not ${kind}`)
      model.run(BETWEEN_MS)
      return elapsedMs
    })
  const hitMs = gets((index) => `put-${index}`, 'found')
  const missMs = gets((index) => `none-${index}`, 'absent')
  return {
    topology: topology.name,
    roundTripMs: quorumRttMs(topology),
    putMs,
    hitMs,
    missMs,
    crossings: Math.max(...crossings.values()),
    ...acrossAPut,
  }
}

/** Which cluster of the layout a peer is of, from 0 on. */
export function clusterAt({ clusterId }: SimulatedPeer): number {
  return Number(clusterId.slice(1))
}

/** Clusters of three so far apart. */
export function farApart({ rttMs }: Pick<Topology, 'rttMs'>): Model {
  return new Model({
    clusters: rttMs.length,
    peersPerCluster: PEERS,
    votersPerCluster: PEERS,
    votingClusters: rttMs.length,
    delayMs: (from, to) => (from.clusterId === to.clusterId ? NEAR_MS : (rttMs[clusterAt(from)]?.[clusterAt(to)] ?? 0) / 2),
    connects: () => true,
  })
}

function isUpkeep({ kind }: Message): boolean {
  return kind === 'heartbeat' || kind === 'roster'
}

function isRepair({ kind }: Message): boolean {
  return /^(doubts|hashes|leaves|records)(-wanted)?$/.test(kind)
}

function carriesValue(message: Message): boolean {
  if (message.kind === 'relay' || message.kind === 'request') return message.body.kind === 'commit' || message.body.kind === 'offer'
  return message.kind === 'learn' ? message.record !== undefined : message.kind === 'records'
}
