/**
 * Two clusters of three peers are cut apart, each half does its operations, and it is told how long
 * all take to be equal again, what that costs, and what clients feel of it meanwhile. Each peer is
 * in a network namespace of its own.
 */
import { Namespace } from '../../test/chaos/namespaces.ts'
import { Network } from '../../test/process/network.ts'
import type { PeerProcess } from '../../test/process/network.ts'
import { BATCH, SECOND_MS, insert, rootsOf, say, statusOf, sum, untilEqual, untilSo } from './sets-work.ts'

const SIDE = 3
/** From one put of the client that looks on to its next. */
const BETWEEN_PUTS_MS = 100
/** What is counted while all become equal, and the words for it. */
const COSTS = [
  ['process_cpu_seconds_total', 's of processor'],
  ['replicator_repair_answers_sent_total', 'answers of repair'],
  ['replicator_persist_batch_writes_sum', 'writes'],
  ['replicator_sync_seconds_count', 'syncs'],
] as const

export async function measureHalves(operations: number): Promise<void> {
  const network = await Network.create()
  try {
    const spaces = await sixPeers(network)
    const { peers } = network
    const halves = [peers.slice(0, SIDE), peers.slice(SIDE)] as const
    await insert(peers, 'before', BATCH, BATCH)
    await untilEqual(peers)
    for (const [index, space] of spaces.entries()) space.cut(hostsOf(index < SIDE ? SIDE : 0))
    await Promise.all(spaces.map((space) => space.settled()))
    say('the clusters are cut apart')
    const rates = await Promise.all(halves.map((half, index) => insert(half, `half ${index}`, operations, BATCH)))
    say(`${operations} operations in each half, ${rates.map(Math.round).join(' and ')} a second`)
    await Promise.all(halves.map(untilEqual))
    await rejoin(peers, spaces)
    const list = JSON.parse((await (peers[SIDE] as PeerProcess).client.ask('GET', '/sets')).body.toString()) as unknown
    say(`/sets: ${JSON.stringify(list)}`)
  } finally {
    await network.close()
  }
}

async function sixPeers(network: Network): Promise<Namespace[]> {
  const spaces: Namespace[] = []
  for (let number = 1; number <= 2 * SIDE; number += 1) {
    const space = await Namespace.create(number)
    spaces.push(space)
    await space.settled()
    const [first] = network.peers
    const peer = await network.add({
      clusterId: number <= SIDE ? 'cluster-1' : 'cluster-2',
      wrapper: space.wrapper,
      host: space.host,
      flags: first === undefined ? [] : ['-peer', first.address],
    })
    await peer.start()
  }
  await network.settled()
  return spaces
}

function hostsOf(after: number): Set<string> {
  return new Set(Array.from({ length: SIDE }, (_, index) => Namespace.hostOf(after + index + 1)))
}

async function rejoin(peers: readonly PeerProcess[], spaces: readonly Namespace[]): Promise<void> {
  const apart = await rootsOf(peers)
  for (const space of spaces) space.cut(new Set())
  await Promise.all(spaces.map((space) => space.settled()))
  const joinedMs = performance.now()
  const before = await Promise.all(COSTS.map(([name]) => sum(peers, name)))
  say('the clusters are joined')
  const looker = new Looker(peers[0] as PeerProcess)
  await untilSo('they say so', async () => (await statusOf(peers)).every(({ equal }) => equal === false))
  say('/status of each peer says that others hold something else')
  await untilSo('all have begun', async () => (await rootsOf(peers)).every((root, index) => root !== apart[index]))
  say('each peer has begun to take what the others hold')
  await untilEqual(peers)
  const ms = performance.now() - joinedMs
  const waits = await looker.end()
  const after = await Promise.all(COSTS.map(([name]) => sum(peers, name)))
  say(`all six hold the same after ${(ms / SECOND_MS).toFixed(1)} s`)
  say(`it took ${COSTS.map(([, what], index) => `${((after[index] ?? 0) - (before[index] ?? 0)).toFixed(0)} ${what}`).join(', ')}`)
  const sorted = waits.toSorted((a, b) => a - b)
  const at = (share: number): string => (sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN).toFixed(0)
  say(`puts of keys meanwhile: ${sorted.length}, half of them within ${at(0.5)} ms, nine of ten within ${at(0.9)}, all within ${at(1)}`)
  await untilSo('they say so', async () => (await statusOf(peers)).every(({ equal }) => equal === true))
  say('/status of each peer says that all are equal')
}

/** A client that puts one key after another while others work, and sees how long each takes. */
class Looker {
  readonly #waits: number[] = []
  readonly #work: Promise<void>
  #isOver = false

  constructor(peer: PeerProcess) {
    this.#work = this.#put(peer)
  }

  /** @returns the milliseconds that each put took */
  async end(): Promise<readonly number[]> {
    this.#isOver = true
    await this.#work
    return this.#waits
  }

  async #put(peer: PeerProcess): Promise<void> {
    for (let number = 0; !this.#isOver; number += 1) {
      const begunMs = performance.now()
      await peer.client.put(`meanwhile-${number}`, 'x')
      this.#waits.push(performance.now() - begunMs)
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_PUTS_MS))
    }
  }
}
