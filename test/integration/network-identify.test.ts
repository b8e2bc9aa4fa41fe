/**
 * What libp2p's identify tells a peer of no code of ours, before and after it has proved to be a
 * member.
 */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { IdentifyResult } from '@libp2p/interface'
import { DHT_PROTOCOL } from '../../src/discovery/dht-service.ts'
import { NetworkHarness } from '../contract/network-harness.ts'
import type { NetworkPeer } from '../contract/network-harness.ts'
import { until } from '../contract/transport.ts'
import { Stranger } from './stranger.ts'

const SECRET = new Uint8Array(32).fill(3)
const PUSH = '/ipfs/id/push/1.0.0'

let harness: NetworkHarness
let strangers: Stranger[]
beforeEach(() => {
  harness = new NetworkHarness()
  strangers = []
})
afterEach(async () => {
  for (const { libp2p } of strangers) await libp2p.stop()
  await harness.close()
})

async function strangerAt(peer: NetworkPeer): Promise<Stranger> {
  const stranger = await Stranger.at(peer)
  strangers.push(stranger)
  return stranger
}

function identify({ libp2p, connection }: Stranger): Promise<IdentifyResult> {
  return libp2p.services.identify.identify(connection)
}

describe('identify', () => {
  it('tells a stranger no address and no protocol but those of libp2p where there is a secret, and a member all', async () => {
    const peer = await harness.join({ secrets: [SECRET] })
    const stranger = await strangerAt(peer)
    let pushedCount = 0
    await stranger.libp2p.handle(PUSH, () => void (pushedCount += 1))
    const { listenAddrs, protocols, signedPeerRecord } = await identify(stranger)
    assert.deepEqual([listenAddrs, protocols.toSorted(), signedPeerRecord], [[], ['/ipfs/id/1.0.0', '/ipfs/ping/1.0.0'], undefined])
    await assert.rejects(stranger.connection.newStream(PUSH), 'nothing can be pushed to it')
    await stranger.join(SECRET)
    await until('it is a member', () => peer.told.isConnected(stranger.peerId))
    const told = await identify(stranger)
    assert.ok(told.listenAddrs.length > 0 && told.protocols.includes(DHT_PROTOCOL))
    assert.equal(pushedCount, 0)
  })

  it('tells everybody all where nobody has a secret', async () => {
    const told = await identify(await strangerAt(await harness.join()))
    assert.ok(told.listenAddrs.length > 0 && told.protocols.includes(DHT_PROTOCOL))
  })
})
