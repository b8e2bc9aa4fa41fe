/**
 * The inside of `local-link.test.ts`: peers on a link of their own, each in a namespace, that know
 * no address of one another. To be run by `enter` of `namespaces.ts`; what goes wrong is thrown,
 * and so ends it with another exit code than 0.
 */
import assert from 'node:assert/strict'
import { Namespace } from '../chaos/namespaces.ts'
import { Network, PeerProcess, until } from './network.ts'
import type { PeerOptions } from './network.ts'

/** Peers ask the link when they start, and each 10 s. */
const FIND_MS = 60_000
const FOUND = ['-min-peers', '2', '-mdns', 'on']

async function aloneAt(host: number, flags: readonly string[]): Promise<PeerOptions> {
  const { host: address, wrapper } = await Namespace.create(host)
  return { clusterId: 'cluster-1', host: address, wrapper, flags }
}

async function untilTogether(peers: readonly PeerProcess[]): Promise<void> {
  await Promise.all(peers.map((peer) => peer.ready(FIND_MS)))
  const alive = async (peer: PeerProcess): Promise<number> => (await peer.client.peers()).filter(({ state }) => state === 'alive').length
  await until(
    'each sees the other',
    async () => (await Promise.all(peers.map(alive))).every((count) => count === peers.length - 1),
    FIND_MS,
  )
}

const network = await Network.create()
try {
  const first = await network.add(await aloneAt(1, FOUND))
  await first.start()
  const second = await network.add(await aloneAt(2, ['-network', first.networkId, ...FOUND]))
  await second.start()
  await untilTogether([first, second])
  assert.equal((await second.client.put('key', 'value')).status, 201)

  for (const peer of [first, second]) await peer.stop()
  const moved = await Promise.all(
    [first, second].map(async ({ name, directory, httpPort, libp2pPort }, index) => {
      return new PeerProcess(name, directory, [httpPort, libp2pPort], await aloneAt(index + 3, FOUND))
    }),
  )
  network.peers.push(...moved)
  for (const peer of moved) await peer.start()
  await untilTogether(moved)
  for (const peer of moved) assert.equal((await peer.client.get('key')).body.toString(), 'value')
} finally {
  await network.close()
}
