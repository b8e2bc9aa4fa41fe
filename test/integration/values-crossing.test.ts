/**
 * What a put costs the links between clusters: each remote cluster is sent the value once, and
 * passes it on among its own.
 */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import type { ClusterId } from '../../protocols/base/identity.ts'
import { until } from '../contract/transport.ts'
import { valueCountOf } from '../../src/network/message-weight.ts'
import { CoreNetwork } from './core-network.ts'

const PUTS_PER_PEER = 40

let network: CoreNetwork
before(async () => {
  network = await CoreNetwork.of({ c1: 3, c2: 3, c3: 3 })
})
after(() => network.close())

it('in calm weather a value crosses to each remote cluster once, whichever peer is asked, and everybody has it', async () => {
  const crossings = new Map<ClusterId, number>([...new Set(network.peers.map(({ clusterId }) => clusterId))].map((id) => [id, 0]))
  const clusterOf = new Map(network.peers.map(({ self, clusterId }) => [self.peerId, clusterId]))
  network.delivers = (from, to, message) => {
    const cluster = clusterOf.get(to)
    if (cluster !== undefined && cluster !== from.clusterId) crossings.set(cluster, (crossings.get(cluster) ?? 0) + valueCountOf(message))
    return true
  }
  for (let number = 0; number < PUTS_PER_PEER; number += 1) {
    for (const peer of network.peers) {
      const outcome = await peer.put(`${peer.self.peerId}/${number}`, 'value')
      assert.equal(outcome.kind, 'created')
    }
  }
  const last = network.peers.map(({ self }) => `${self.peerId}/${PUTS_PER_PEER - 1}`)
  await until('all have the last values', () => network.peers.every((peer) => last.every((key) => peer.held(key) === 'value')))
  // Two thirds of the puts come from the other two clusters.
  const expected = (PUTS_PER_PEER * network.peers.length * 2) / 3
  assert.deepEqual([...crossings.values()], [expected, expected, expected])
})
