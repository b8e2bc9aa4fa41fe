/** Who speaks only protocol versions that are too old for the network's config learns, and does not vote. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ClusterId, PeerId } from '../../protocols/base/identity.ts'
import { PROTOCOL_VERSION } from '../../protocols/config/config.ts'
import { knownPeers } from '../../protocols/config/known.ts'
import { Roster } from '../../protocols/membership/roster.ts'
import { Bench, TestWorld, configOf, network, peer } from './core-harness.ts'

/** Peers of one cluster of which the first alone votes, in a config that lets vote from this version on. */
function worldAt(protocolMin: number): TestWorld {
  const world = new TestWorld()
  const chain = [{ ...configOf(0, { c1: ['a'] }), protocolMin }]
  for (const name of ['a', 'b', 'c']) world.add(name, 'c1', chain)
  world.connectAll()
  world.advance(10_000)
  return world
}

function votersOf(world: TestWorld): string[] {
  return [...world.peers.values()].filter(({ core }) => core.isVoter).map(({ name }) => name)
}

suite('the protocol version of a config', () => {
  test('lets peers vote that speak it', () => {
    assert.deepEqual(votersOf(worldAt(PROTOCOL_VERSION)), ['a', 'b', 'c'])
  })

  test('keeps peers from voting that speak only older ones: they learn, serve, and say it once', () => {
    const world = worldAt(PROTOCOL_VERSION + 1)
    assert.deepEqual(votersOf(world), ['a'])
    const learner = world.get('b')
    assert.equal(learner.core.isTooOld, true)
    assert.equal(learner.notes.filter((note) => note.kind === 'too-old' && note.peerId === learner.identity.peerId).length, 1)
    assert.equal(world.outcome(learner, world.put(learner, 'x')).kind, 'created')
  })

  test('is looked at for each peer by what it greeted with', () => {
    const bench = new Bench()
    const roster = new Roster('self' as PeerId, 'c1' as ClusterId, { nowMs: 0 }, bench.outbox)
    for (const [name, protocolMax] of [
      ['old', 1],
      ['new', 2],
    ] as const) {
      const told = { protocolMin: 1, protocolMax, networkId: network, clusterId: 'c1' as ClusterId, identity: peer(name), epoch: 0 }
      const met = roster.greeted({ ...told, ceiling: { epoch: 0, round: 0 }, minPeers: 1, addresses: [], nonce: new Uint8Array(32) })
      const health = {
        networkId: network,
        epoch: 0,
        ceiling: { epoch: 0, round: 0 },
        caughtUp: true,
        keyCount: 0,
        root: new Uint8Array(16),
      }
      roster.beat(met, { ...health, inDoubtCount: 0 })
    }
    const self = { identity: peer('self'), clusterId: 'c1' as ClusterId, minPeers: 1, hindrance: undefined }
    const hindrances = knownPeers(self, roster, 2).map(({ identity, hindrance }) => `${identity.peerId}: ${hindrance}`)
    assert.deepEqual(hindrances, ['self: undefined', 'old: protocol too old', 'new: undefined'])
  })
})
