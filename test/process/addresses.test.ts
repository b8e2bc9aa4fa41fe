/**
 * Addresses that lead nowhere, and addresses that all changed: peers get in, or find one another
 * again, or say what they must be told.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { afterEach, beforeEach, it } from 'node:test'
import { Network, PeerProcess, freePort, until } from './network.ts'

/** Some dials that nobody answers, one after another, and then a greeting or two. */
const FIND_MS = 60_000
const ALONE = ['-min-peers', '1']

let network: Network
let silent: SilentListeners
beforeEach(async () => {
  network = await Network.create()
  silent = new SilentListeners()
})
afterEach(async () => {
  await network.close()
  await silent.close()
})

/**
 * Ports that take connections and never say a word: what a dialler sees of a machine that hangs.
 */
class SilentListeners {
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()

  /** @returns the multiaddr of one more */
  async add(): Promise<string> {
    const server = createServer((socket) => {
      this.#sockets.add(socket.on('error', () => {}))
    })
    this.#servers.push(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map((server) => once(server.close(), 'close')))
  }
}

function through(addresses: readonly string[]): string[] {
  return addresses.flatMap((address) => ['-peer', address])
}

/**
 * The same peers, stopped, with their directories alone left to them, each at a port of its own
 * choice.
 */
function movedTo(ports: readonly number[]): PeerProcess[] {
  const moved = network.peers.map(
    ({ name, directory, httpPort, clusterId }, index) =>
      new PeerProcess(name, directory, [httpPort, ports[index] as number], { clusterId }),
  )
  network.peers.push(...moved)
  return moved
}

function isAboutAddresses(warning: string): boolean {
  return warning.includes('-peer')
}

async function untilWhole(peers: readonly PeerProcess[]): Promise<void> {
  await Promise.all(peers.map((peer) => peer.ready(FIND_MS)))
  const connected = async (peer: PeerProcess): Promise<boolean> =>
    (await peer.client.peers()).filter(({ state }) => state === 'alive').length === peers.length - 1
  await until('all see all', async () => (await Promise.all(peers.map(connected))).every(Boolean), FIND_MS)
}

it('a peer joins through the one address that lives, behind one that refuses and one that never answers', async () => {
  const [first] = (await network.grow('cluster-1', 1, { flags: ALONE })) as [PeerProcess]
  const refusing = `/ip4/127.0.0.1/tcp/${await freePort()}`
  const peer = await network.add({ flags: [...ALONE, ...through([refusing, await silent.add(), first.address])] })
  await peer.start()
  await untilWhole([first, peer])
})

it('a peer joins through one that is told of at many addresses, though only the last tried of them answers', async () => {
  const [first] = (await network.grow('cluster-1', 1, { flags: ALONE })) as [PeerProcess]
  const told = [first.address]
  for (let count = 0; count < 3; count += 1) told.push(`${await silent.add()}/p2p/${first.peerId}`)
  const peer = await network.add({ flags: [...ALONE, ...through(told)] })
  await peer.start()
  await untilWhole([first, peer])
})

it('peers that exchanged their addresses find one another by themselves, through whoever answers', async () => {
  const former = await network.grow('cluster-1', 3)
  await network.settled()
  await untilWhole(former)
  const [one, two, three] = former.map(({ libp2pPort }) => libp2pPort) as [number, number, number]
  for (const peer of former) await peer.stop()
  const moved = movedTo([two, three, one]) as [PeerProcess, PeerProcess, PeerProcess]
  for (const peer of moved) peer.options = { ...peer.options, flags: ['-join-timeout', '2'] }
  await Promise.all(moved.map((peer) => peer.start()))
  await untilWhole(moved)
  for (const peer of moved) assert.deepEqual((await peer.client.status()).warnings.filter(isAboutAddresses), [])
  assert.equal((await moved[0].client.put('after', 'value')).status, 201)
})

it('a whole network comes back by the lines that it was started with, though they leave the choice of the ports', async () => {
  const listen = ['/ip4/127.0.0.1/tcp/0']
  const first = await network.add({ listen })
  await first.start()
  const others = [await network.add({ listen, flags: through(first.told) }), await network.add({ listen, flags: through(first.told) })]
  await Promise.all(others.map((peer) => peer.start()))
  const peers = [first, ...others]
  await network.settled()
  await untilWhole(peers)
  const told = peers.map((peer) => peer.told)
  for (const peer of peers) await peer.kill()
  await Promise.all(peers.map((peer) => peer.start()))
  assert.deepEqual(
    peers.map((peer) => peer.told),
    told,
  )
  await untilWhole(peers)
  assert.equal((await first.client.put('after', 'value')).status, 201)
})

it('of a network of which every address changed each peer says what to give, and the new address of one brings all together', async () => {
  const former = await network.grow('cluster-1', 3)
  await network.settled()
  await untilWhole(former)
  assert.equal((await (former[0] as PeerProcess).client.put('before', 'value')).status, 201)
  const peerIds = former.map(({ peerId }) => peerId)
  for (const peer of former) await peer.stop()
  const moved = movedTo([await freePort(), await freePort(), await freePort()]) as [PeerProcess, PeerProcess, PeerProcess]
  const [first, ...others] = moved
  for (const peer of moved) peer.options = { ...peer.options, flags: ['-join-timeout', '2'] }
  await Promise.all(moved.map((peer) => peer.start()))
  await until('each says what to give', async () => {
    const views = await Promise.all(moved.map((peer) => peer.client.status()))
    return views.every((view) => view.warnings.some(isAboutAddresses))
  })
  assert.ok(moved.every(({ isRunning }) => isRunning))

  for (const peer of others) {
    await peer.stop()
    peer.options = { ...peer.options, flags: through([first.address]) }
    await peer.start()
  }
  await untilWhole(moved)
  assert.deepEqual(
    moved.map(({ peerId }) => peerId),
    peerIds,
  )
  for (const peer of moved) {
    assert.deepEqual((await peer.client.status()).warnings.filter(isAboutAddresses), [])
    assert.equal((await peer.client.get('before')).body.toString(), 'value')
  }
  assert.equal((await first.client.put('after', 'value')).status, 201)
})
