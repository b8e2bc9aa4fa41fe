/** Which peer a URL of Nexus names. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { ClusterId, PeerId } from '../../protocols/base/identity.ts'
import { peerOf } from '../../src/facades/nexus/nodes.ts'
import type { PeerView } from '../../src/ports/replicator.ts'

function peer(id: string, state: PeerView['state']): PeerView {
  const addresses = [`/ip4/127.0.0.1/tcp/9021/p2p/${id}`]
  return {
    id: id as PeerId,
    name: null,
    clusterId: 'nexus' as ClusterId,
    addresses,
    role: 'voter',
    state,
    rttMs: null,
    lastSeenAt: null,
  }
}

const OLD = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const NEW = '12D3KooWDET643fGs3vGG5maL2UQwHR6aQfije2a7UBDnymBRLtc'

it('an address names the peer that is there now, before one that was there and lost its disk', () => {
  const url = 'http://127.0.0.1:9021'
  assert.equal(peerOf(url, [peer(OLD, 'gone'), peer(NEW, 'alive')]), NEW)
  assert.equal(peerOf(url, [peer(NEW, 'self'), peer(OLD, 'gone')]), NEW)
  assert.equal(peerOf(url, [peer(OLD, 'gone')]), OLD)
  assert.equal(peerOf('http://127.0.0.1:9022', [peer(NEW, 'alive')]), undefined)
})
