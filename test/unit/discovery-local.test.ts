/** Finding peers on the local network, with a stand-in for the multicast. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerDiscovery } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { localDiscovery, serviceTag } from '../../src/discovery/local.ts'

const ADDRESS = '/ip4/192.0.2.7/tcp/4001'

it('whoever is found on the link is told of, with its addresses', async () => {
  const heard = new EventTarget()
  const found: [string, readonly string[]][] = []
  const tags: (string | undefined)[] = []
  const local = localDiscovery('/p2p/rpc/replicator', 'replicator', ({ serviceTag: tag }) => {
    tags.push(tag)
    return () => heard as PeerDiscovery
  })
  local((peerId, addresses) => found.push([peerId, addresses]))({} as never)
  const id = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  heard.dispatchEvent(new CustomEvent('peer', { detail: { id, multiaddrs: [multiaddr(ADDRESS)] } }))
  assert.deepEqual(found, [[id.toString(), [ADDRESS]]])
  assert.deepEqual(tags, [serviceTag('/p2p/rpc/replicator', 'replicator')])
})

it('those that speak differently, or have another rendezvous, do not meet', () => {
  const tags = [serviceTag('/a', 'r'), serviceTag('/b', 'r'), serviceTag('/a', 's')]
  assert.equal(new Set(tags).size, 3)
  for (const tag of tags) assert.match(tag, /^_[a-z0-9-]{1,62}\._udp\.local$/)
})
