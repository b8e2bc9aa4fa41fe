/**
 * Long distances with real peers: processes of the built program, over libp2p, with a delay below
 * it (`test/process/distance.ts`). What the model in simulated time says (`wan.ts`) must show here
 * too, with the cost of everything that it leaves out.
 */
import { placedAt } from '../../test/process/far-apart.ts'
import { holdTheSame, Network, until } from '../../test/process/network.ts'
import type { PeerOptions, PeerProcess } from '../../test/process/network.ts'
import { sumCounters } from '../counters.ts'
import { percentileOf } from '../statistics.ts'
import { VALUE } from './contender.ts'
import { FAR_COLUMNS, farRow } from './far-figures.ts'
import type { FarFigures } from './far-figures.ts'
import { PROGRAM } from './replicator.ts'
import { figure } from './table.ts'
import type { Table } from './table.ts'
import { quorumRttMs, TOPOLOGIES } from './topologies.ts'
import type { Topology } from './topologies.ts'

const PEERS_PER_CLUSTER = 3
const REQUESTS = 60
/** Before anything is measured: V8 compiles, and the usual time of a reply is found. */
const FIRST_REQUESTS = 100
/**
 * Where a majority is farther, the milliseconds that a program takes do not show, and all of it
 * would take half an hour.
 */
const FAR_MS = 500
const FAR_REQUESTS = 10
const WHOLE_MS = 30_000

export async function measureFar(signal: AbortSignal, say: (text: string) => void): Promise<Table> {
  const figures: FarFigures[] = []
  for (const topology of TOPOLOGIES) {
    signal.throwIfAborted()
    const measured = await measure(topology)
    figures.push(measured)
    say(`${topology.name}, real peers: put ${figure(percentileOf(measured.putMs, 50))} ms`)
  }
  return {
    title: 'Puts and gets over long distances, with real peers',
    note: `Processes on this machine, ${PEERS_PER_CLUSTER} a cluster; what one cluster sends to another is held back for half the round trip below libp2p. ${REQUESTS} requests of each kind over HTTP from the first cluster, one after another, after ${FIRST_REQUESTS} puts that are not measured; ${FAR_REQUESTS} and ${FAR_REQUESTS} where a majority is more than ${FAR_MS} ms away.`,
    columns: FAR_COLUMNS,
    rows: figures.map(farRow),
    raw: figures,
  }
}

export async function measure(topology: Topology): Promise<FarFigures> {
  const network = await Network.create(false)
  const isFar = quorumRttMs(topology) > FAR_MS
  const requests = isFar ? FAR_REQUESTS : REQUESTS
  try {
    for (const cluster of topology.rttMs.keys()) await network.grow(clusterOf(cluster), PEERS_PER_CLUSTER, placed(topology, cluster))
    await network.settled()
    const asking = network.inCluster(clusterOf(0))
    await timed(asking, isFar ? FAR_REQUESTS : FIRST_REQUESTS, (peer, index) => put(peer, `first-${index}`))
    await whole(network)
    const before = await valuesSent(network)
    const putMs = await timed(asking, requests, (peer, index) => put(peer, `put-${index}`))
    await whole(network)
    const after = await valuesSent(network)
    const sent = [...after].map(([cluster, count]) => count - (before.get(cluster) ?? 0))
    const hitMs = await timed(asking, requests, (peer, index) => get(peer, `put-${index}`, 200))
    const missMs = await timed(asking, requests, (peer, index) => get(peer, `none-${index}`, 404))
    const crossings = Math.max(...sent) / requests
    return { topology: topology.name, roundTripMs: quorumRttMs(topology), putMs, hitMs, missMs, crossings }
  } finally {
    await network.close()
  }
}

/** What makes a peer one of this cluster, at its host, so far from all others. */
function placed({ rttMs }: Topology, cluster: number): PeerOptions {
  const rtts = Object.fromEntries((rttMs[cluster] ?? []).map((rtt, other) => [hostOf(other), rtt]))
  return { main: PROGRAM, ...placedAt(hostOf(cluster), rtts) }
}

/** One after another, at each of the peers in turn. @returns milliseconds */
async function timed(
  peers: readonly PeerProcess[],
  count: number,
  act: (peer: PeerProcess, index: number) => Promise<void>,
): Promise<number[]> {
  const tookMs: number[] = []
  for (let index = 0; index < count; index += 1) {
    const startedMs = performance.now()
    await act(peers[index % peers.length] as PeerProcess, index)
    tookMs.push(performance.now() - startedMs)
  }
  return tookMs
}

async function put(peer: PeerProcess, key: string): Promise<void> {
  const { status } = await peer.client.put(key, VALUE)
  if (status !== 201) throw new Error(`a put of ${key} was answered ${status}`)
}

async function get(peer: PeerProcess, key: string, wanted: number): Promise<void> {
  const { status } = await peer.client.get(key)
  if (status !== wanted) throw new Error(`a get of ${key} was answered ${status}`)
}

/** What was put is known everywhere. */
async function whole(network: Network): Promise<void> {
  await until('all peers hold the same', () => holdTheSame(network.peers), WHOLE_MS)
}

/** Values sent to each cluster from outside of it so far. */
async function valuesSent(network: Network): Promise<Map<string, number>> {
  const clusters = [...new Set(network.peers.map(({ clusterId }) => clusterId))]
  const counted = clusters.map(async (cluster) => {
    const outside = network.peers.filter(({ clusterId }) => clusterId !== cluster)
    return [cluster, (await sumCounters(outside)).get(`replicator_values_sent_total{cluster="${cluster}"}`) ?? 0] as const
  })
  return new Map(await Promise.all(counted))
}

function clusterOf(index: number): string {
  return `cluster-${index + 1}`
}

function hostOf(cluster: number): string {
  return `127.0.${cluster + 1}.1`
}
