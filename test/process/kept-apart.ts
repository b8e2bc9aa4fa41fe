/**
 * Run in a namespace by `links.test.ts`: of three peers two cannot reach one another, from their
 * first start on.
 */
import assert from 'node:assert/strict'
import { Namespace } from '../chaos/namespaces.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const NOTICED_MS = 60_000

async function pairsNamed(peer: PeerProcess): Promise<string[]> {
  return (await peer.client.status()).warnings.filter((warning) => warning.includes('cannot reach one another'))
}

const network = await Network.create()
try {
  const spaces = [await Namespace.create(1), await Namespace.create(2), await Namespace.create(3)] as const
  const [first, , third] = spaces
  first.cut(new Set([third.host]))
  third.cut(new Set([first.host]))
  for (const space of spaces) await space.settled()
  const peers: PeerProcess[] = []
  for (const { wrapper, host } of spaces) {
    const before = peers.at(-1)
    const peer = await network.add({ wrapper, host, flags: before === undefined ? [] : ['-peer', before.address] })
    await peer.start()
    peers.push(peer)
  }
  const [a, , c] = peers as [PeerProcess, PeerProcess, PeerProcess]
  await until(
    'each names the two',
    async () => {
      const named = await Promise.all(peers.map(pairsNamed))
      return named.every((warnings) => warnings.length === 1 && warnings[0]?.includes(a.peerId) && warnings[0].includes(c.peerId))
    },
    NOTICED_MS,
  )
  for (const peer of peers) assert.equal((await peer.client.status()).ready, false)

  first.cut(new Set())
  third.cut(new Set())
  await network.settled()
  await until('nobody is named', async () => (await Promise.all(peers.map(pairsNamed))).every(({ length }) => length === 0), NOTICED_MS)
} finally {
  await network.close()
}
