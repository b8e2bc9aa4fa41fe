/** The bounds of libp2p's store of peers, on the store itself. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, it } from 'node:test'
import { generateKeyPair, publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { ADDRESSES_MAX } from '../../protocols/base/limits.ts'
import { dhtService } from '../../src/discovery/dht-service.ts'
import { createLibp2pPeer } from '../../src/network/libp2p-peer.ts'
import type { Libp2pPeer } from '../../src/network/libp2p-peer.ts'
import { STORED_PEERS_MAX } from '../../src/network/peer-store.ts'

let libp2p: Libp2pPeer
before(async () => {
  const privateKey = await generateKeyPair('Ed25519')
  libp2p = await createLibp2pPeer({ privateKey, listen: [], announce: [], dht: dhtService(), isDialled: () => false })
})

/** Any 32 bytes are a key as far as an id goes. */
function somebody(): PeerId {
  return peerIdFromPublicKey(publicKeyFromRaw(randomBytes(32)))
}

function addresses(from: number, count: number): Multiaddr[] {
  return Array.from({ length: count }, (_, index) => multiaddr(`/ip4/10.0.0.1/tcp/${from + index}`))
}

async function portsOf(peerId: PeerId): Promise<number[]> {
  const { addresses: stored } = await libp2p.peerStore.get(peerId)
  return stored.map(({ multiaddr: address }) => Number(address.toString().split('/').at(-1))).toSorted((a, b) => a - b)
}

it('of a peer sixteen addresses are kept, however they come, those told last among them', async () => {
  const peerId = somebody()
  await libp2p.peerStore.patch(peerId, { multiaddrs: addresses(1_000, 5_000) })
  assert.equal((await portsOf(peerId)).length, ADDRESSES_MAX)
  await libp2p.peerStore.merge(peerId, { multiaddrs: addresses(30_000, 5) })
  const ports = await portsOf(peerId)
  assert.equal(ports.length, ADDRESSES_MAX)
  assert.deepEqual(ports.slice(-5), [30_000, 30_001, 30_002, 30_003, 30_004])
})

it('what a peer says of itself besides is kept short', async () => {
  const peerId = somebody()
  const protocols = Array.from({ length: 1_000 }, (_, index) => `/protocol/${index}`)
  await libp2p.peerStore.patch(peerId, { protocols, metadata: { AgentVersion: new Uint8Array(8_000) } })
  const stored = await libp2p.peerStore.get(peerId)
  assert.ok(stored.protocols.length <= 32)
  assert.ok((stored.metadata.get('AgentVersion')?.length ?? 0) <= 256)
})

it('a flood of peers pushes out those of before, and takes no more room', async () => {
  const first = somebody()
  await libp2p.peerStore.patch(first, { multiaddrs: addresses(1, 1) })
  for (let number = 0; number < STORED_PEERS_MAX + 50; number += 1)
    await libp2p.peerStore.patch(somebody(), { multiaddrs: addresses(1, 1) })
  assert.equal(await libp2p.peerStore.has(first), false)
  assert.ok((await libp2p.peerStore.all()).length <= STORED_PEERS_MAX)
})
