/** Who looks after the network: starts and ends peers, and gives the commands. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ConfigView } from '../../src/ports/replicator.ts'
import { runToEnd } from '../../test/process/command.ts'
import { until } from '../../test/process/network.ts'
import type { Network, PeerProcess } from '../../test/process/network.ts'
import type { Reachable } from './clients.ts'

const CLUSTERS = ['cluster-1', 'cluster-2', 'cluster-3'] as const
const PEERS_EACH = 3
/** A start loads all of libp2p, several at a time on few cores. */
const DONE_MS = 90_000
const CALM_MS = 5_000
/** Peers that each peer is told to join through. */
const JOINED_THROUGH = 2

export class Operator implements Reachable {
  readonly #network: Network
  /** All that belong to the network, running or not; clients know them all. */
  members: PeerProcess[] = []

  constructor(network: Network) {
    this.#network = network
  }

  async begin(): Promise<void> {
    for (const clusterId of CLUSTERS) await this.#network.grow(clusterId, PEERS_EACH, this.#options())
    await this.#network.settled()
    this.members = [...this.#network.peers]
    // From its next start on, the founder joins too: one whose disk is lost must not found another
    // network.
    for (const peer of this.members) peer.options = { ...peer.options, flags: this.#joining(peer) }
  }

  in(clusterId: string): PeerProcess[] {
    return this.members.filter((peer) => peer.clusterId === clusterId)
  }

  /** Starts new peers of one cluster; they have caught up when it resolves. */
  async grow(clusterId: string, count: number): Promise<PeerProcess[]> {
    const added: PeerProcess[] = []
    for (let index = 0; index < count; index += 1) {
      const peer = await this.#network.add({ ...this.#options(), clusterId })
      peer.options = { ...peer.options, flags: this.#joining(peer) }
      peer.spawn()
      added.push(peer)
    }
    await Promise.all(added.map((peer) => peer.ready(DONE_MS)))
    this.members = [...this.members, ...added]
    return added
  }

  /** Gives a command to a peer. */
  async command(at: PeerProcess, ...argv: readonly string[]): Promise<void> {
    const url = `http://127.0.0.1:${at.httpPort}`
    const { code, stdout, stderr } = await runToEnd(this.#network.directory, [...argv, '-url', url])
    assert.equal(code, 0, `replicator ${argv.join(' ')}: ${stdout}${stderr}`)
  }

  /** -9; clients go on asking it. */
  async kill(peers: readonly PeerProcess[]): Promise<void> {
    await Promise.all(peers.map((peer) => peer.kill()))
  }

  /** Clients are told of it no more, and it is ended. */
  async retire(peers: readonly PeerProcess[]): Promise<void> {
    this.members = this.members.filter((peer) => !peers.includes(peer))
    for (const peer of peers) if (peer.isRunning) await peer.stop()
  }

  async wipe(peer: PeerProcess): Promise<void> {
    await peer.kill()
    await rm(join(peer.directory, 'store'), { recursive: true, force: true })
    await peer.start()
  }

  /** These vote, in a finished config that all members have. */
  async voting(peers: readonly PeerProcess[]): Promise<void> {
    const isSo = async (): Promise<boolean> => {
      const views = await Promise.all(this.members.map((peer) => peer.client.json<ConfigView>('/config')))
      const alike = views.every((view) => view.change === null && view.epoch === views[0]?.epoch)
      const voters = Object.values(views[0]?.clusters ?? {}).flatMap((cluster) => cluster.voters)
      return alike && peers.every((peer) => voters.some(({ id, state }) => id === peer.peerId && (state === 'alive' || state === 'self')))
    }
    await until('they vote', isSo, DONE_MS)
  }

  #options(): { readonly environment: Readonly<Record<string, string>> } {
    return { environment: { NODE_COMPILE_CACHE: join(this.#network.directory, 'compiled') } }
  }

  #joining(peer: PeerProcess): string[] {
    const others = this.members.filter((other) => other !== peer && other.isRunning).slice(0, JOINED_THROUGH)
    return others.flatMap((other) => ['-peer', other.address])
  }
}

/** What is done in turn, by name. */
export const STEPS: readonly (readonly [name: string, (operator: Operator) => Promise<void>])[] = [
  ['nothing, for comparison', async () => delay(CALM_MS)],
  ['add a peer', addPeer],
  ['remove a peer', removePeer],
  ['replace a killed peer', replaceKilled],
  ['wipe a peer', wipePeer],
  ['add a cluster of three', addCluster],
  ['remove a dead cluster', removeDeadCluster],
  ['restart all, one by one', restartAll],
]

async function addPeer(operator: Operator): Promise<void> {
  const [added] = (await operator.grow('cluster-1', 1)) as [PeerProcess]
  await operator.command(peerOf(operator, 'cluster-2'), 'add', added.peerId)
  await operator.voting([added])
}

async function removePeer(operator: Operator): Promise<void> {
  const [, removed] = operator.in('cluster-1') as [PeerProcess, PeerProcess]
  await operator.command(peerOf(operator, 'cluster-3'), 'remove', removed.peerId)
  await operator.retire([removed])
}

async function replaceKilled(operator: Operator): Promise<void> {
  const [, killed] = operator.in('cluster-2') as [PeerProcess, PeerProcess]
  await operator.kill([killed])
  const [successor] = (await operator.grow('cluster-2', 1)) as [PeerProcess]
  await operator.command(peerOf(operator, 'cluster-1'), 'replace', killed.peerId, successor.peerId)
  await operator.retire([killed])
  await operator.voting([successor])
}

async function wipePeer(operator: Operator): Promise<void> {
  const wiped = peerOf(operator, 'cluster-3')
  await operator.wipe(wiped)
  await operator.voting([wiped])
}

async function addCluster(operator: Operator): Promise<void> {
  await operator.voting(await operator.grow('cluster-4', PEERS_EACH))
}

async function removeDeadCluster(operator: Operator): Promise<void> {
  const dead = operator.in('cluster-4')
  await operator.kill(dead)
  await operator.command(peerOf(operator, 'cluster-1'), 'remove-cluster', 'cluster-4')
  await operator.retire(dead)
}

async function restartAll(operator: Operator): Promise<void> {
  for (const peer of operator.members) {
    const { code, signal } = await peer.stop()
    assert.equal(code, 0, `${peer.name} was told to stop and ended with ${signal ?? code}`)
    peer.spawn()
    await peer.ready(DONE_MS)
    await operator.voting([peer])
  }
}

function peerOf(operator: Operator, clusterId: string): PeerProcess {
  const [peer] = operator.in(clusterId)
  assert.ok(peer !== undefined, `no peer of ${clusterId}`)
  return peer
}
