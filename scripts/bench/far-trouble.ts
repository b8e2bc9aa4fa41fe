/**
 * Long distances when not all goes well: rivals for one key, and a peer that is killed, in
 * simulated time.
 */
import type { SimulatedPeer } from '../../test/simulation/peer.ts'
import { percentileOf } from '../statistics.ts'
import type { Model } from './model.ts'
import { figure } from './table.ts'
import type { Table } from './table.ts'
import { quorumRttMs, TOPOLOGIES } from './topologies.ts'
import type { Topology } from './topologies.ts'
import { clusterAt, farApart } from './wan.ts'

const RIVALS = 20
const ROUNDS = 20
/** Before and after the peer is killed. */
const PUTS = 20
const BETWEEN_MS = 50

interface Figures {
  readonly topology: string
  /** To a majority from the first cluster, and from the one that lies farthest from one. */
  readonly roundTripMs: number
  readonly rivalsRoundTripMs: number
  readonly rivalMs: readonly number[]
  readonly killedMs: readonly number[]
}

/** @returns the longest waits in round trips, so that near and far layouts can be compared */
export function measureFarTrouble(say: (text: string) => void): Table {
  const figures = TOPOLOGIES.map((topology) => {
    const measured: Figures = {
      topology: topology.name,
      roundTripMs: quorumRttMs(topology),
      rivalsRoundTripMs: longestRttMs(topology),
      rivalMs: rivals(topology),
      killedMs: killed(topology),
    }
    say(`${topology.name}: ${RIVALS} rivals ${figure(percentileOf(measured.rivalMs, 50))} ms`)
    return measured
  })
  return {
    title: 'Rivals and a peer killed, over long distances',
    note: `In simulated time. ${RIVALS} puts of one key at one moment, at peers of all clusters in turn, ${ROUNDS} keys. Then puts from the first cluster, one after another, during the first of which the representative of another cluster is killed, each cluster's in a network of its own, with the reserve on the way to it. Rivals' round trips are those from the cluster that lies farthest from a majority, the others' those from the first.`,
    columns: ['clusters', 'rivals p50 ms', 'p99 ms', 'p50 trips', 'p99 trips', 'killed p50 ms', 'longest ms', 'p50 trips', 'longest trips'],
    rows: figures.map(rowOf),
    raw: figures,
  }
}

function rowOf({ topology, roundTripMs, rivalsRoundTripMs, rivalMs, killedMs }: Figures): string[] {
  const pair = (values: readonly number[], tripMs: number, last: number): number[] => {
    const [middle, most] = [percentileOf(values, 50), percentileOf(values, last)]
    return [middle, most, middle / tripMs, most / tripMs]
  }
  return [topology, ...[...pair(rivalMs, rivalsRoundTripMs, 99), ...pair(killedMs, roundTripMs, 100)].map(figure)]
}

/** @returns milliseconds until each was answered, winners and losers */
function rivals(topology: Topology): number[] {
  const model = farApart(topology)
  model.start()
  const asking = Array.from({ length: RIVALS }, (_, index) => {
    const ofCluster = model.peers.filter((peer) => clusterAt(peer) === index % topology.rttMs.length)
    return ofCluster[Math.floor(index / topology.rttMs.length) % ofCluster.length] ?? fail('a cluster without a peer')
  })
  return Array.from({ length: ROUNDS }, (_, round) => {
    const ended = model.contend(asking, `contended-${round}`)
    const created = ended.filter(({ outcome }) => outcome.kind === 'created').length
    if (created !== 1) fail(`${created} rivals created one key`)
    restAfter(model, topology)
    return ended.map(({ elapsedMs }) => elapsedMs)
  }).flat()
}

/**
 * @returns milliseconds of the puts from the one on during which each other cluster lost the peer
 * that it is spoken to through
 */
function killed(topology: Topology): number[] {
  return topology.rttMs.flatMap((_, cluster) => (cluster === 0 ? [] : killedIn(topology, cluster)))
}

function killedIn(topology: Topology, cluster: number): number[] {
  const model = farApart(topology)
  const [asking = fail('no peer to ask')] = model.peers
  let representative: SimulatedPeer | undefined
  model.watch = (from, to, { kind }) => {
    if (from === asking && kind === 'relay' && clusterAt(to) === cluster) representative = to
  }
  model.start()
  const put = (name: string): number => {
    const { outcome, elapsedMs } = model.put(asking, name)
    if (outcome.kind !== 'created') fail(`a put ended ${outcome.kind}`)
    model.run(BETWEEN_MS)
    return elapsedMs
  }
  for (let index = 0; index < PUTS; index += 1) put(`before-${index}`)
  // On the way to it are the reserves of the first put: nobody else was sent them.
  model.agenda.after((topology.rttMs[0]?.[cluster] ?? 0) / 4, () => model.kill(representative ?? fail('nobody was sent a relay')))
  return Array.from({ length: PUTS }, (_, index) => put(`after-${index}`))
}

/** Until the losers' last tries are over everywhere. */
function restAfter(model: Model, topology: Topology): void {
  model.run(BETWEEN_MS + 2 * Math.max(...topology.rttMs.flat()))
}

function longestRttMs({ rttMs }: Topology): number {
  return Math.max(...rttMs.map((_, cluster) => quorumRttMs({ rttMs: [rttMs[cluster] ?? []] })))
}

function fail(text: string): never {
  throw new Error(text)
}
