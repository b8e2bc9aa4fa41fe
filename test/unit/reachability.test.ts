/**
 * Two peers that cannot reach one another, though others reach both: everybody can say so, and
 * nobody says it of others.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { CEILING_NONE } from '../../protocols/base/ballot.ts'
import type { ClusterId, PeerId } from '../../protocols/base/identity.ts'
import { Reachability } from '../../protocols/membership/reachability.ts'
import { Roster } from '../../protocols/membership/roster.ts'
import { REACHED_MAX } from '../../protocols/base/limits.ts'
import { Bench, TestWorld, configOf, network, peer, worldOf } from './core-harness.ts'

const NOTICED_MS = 25_000

const greeting = {
  protocolMin: 1,
  protocolMax: 1,
  networkId: network,
  clusterId: 'c1' as ClusterId,
  epoch: 0,
  ceiling: CEILING_NONE,
  minPeers: 3,
  addresses: [],
}

function apart(world: TestWorld): Record<string, string[]> {
  return Object.fromEntries([...world.peers].map(([name, { core }]) => [name, core.apart.map((pair) => pair.join('-'))]))
}

/** Cuts the link between two peers, and nothing else. */
function cut(world: TestWorld, ...names: readonly string[]): void {
  world.loses = (from, to) => names.includes(from) && names.includes(to)
}

suite('peers tell in heartbeats whom they reach', () => {
  test('three of which two never met all name the pair, and say it where they say what is missing', () => {
    const world = new TestWorld()
    const forming = { ...configOf(0, { c1: ['a'] }), forming: true }
    const [a, b, c] = [world.add('a', 'c1', [forming], 3), world.add('b', 'c1', [], 3), world.add('c', 'c1', [], 3)]
    world.connect(a, b)
    world.connect(b, c)
    world.advance(NOTICED_MS)
    assert.deepEqual(apart(world), { a: ['a-c'], b: ['a-c'], c: ['a-c'] })
    for (const { core } of [a, c]) assert.match(core.missing() ?? '', /a and c cannot reach one another/)
    assert.equal(b.notes.filter(({ kind }) => kind === 'apart').length, 1)
    const refused = world.outcome(a, world.put(a, 'x'))
    assert.equal(refused.kind, 'not-ready')
    assert.match('detail' in refused ? refused.detail : '', /a and c cannot reach one another/, 'the answer to a put says it too')
  })

  test('two voters that lose each other are named by all, and no longer when they are back', () => {
    const world = worldOf({ c1: ['a', 'b', 'c'] })
    world.advance(NOTICED_MS)
    assert.deepEqual(apart(world), { a: [], b: [], c: [] })
    cut(world, 'a', 'c')
    world.advance(NOTICED_MS)
    assert.deepEqual(apart(world), { a: ['a-c'], b: ['a-c'], c: ['a-c'] })
    cut(world)
    world.advance(NOTICED_MS)
    assert.deepEqual(apart(world), { a: [], b: [], c: [] })
  })

  test('a peer that is down is nobody of a pair', () => {
    const world = worldOf({ c1: ['a', 'b', 'c'] })
    world.get('c').crash()
    world.advance(NOTICED_MS)
    assert.deepEqual([world.get('a').core.apart, world.get('b').core.apart], [[], []])
  })

  test('learners of different clusters need not reach one another; a learner and a voter must', () => {
    const names = { c1: ['a', 'l1'], c2: ['b', 'l2'] }
    const world = worldOf(names, [configOf(0, { c1: ['a'], c2: ['b'] })])
    cut(world, 'l1', 'l2')
    world.advance(100_000)
    assert.deepEqual(apart(world), { a: [], b: [], l1: [], l2: [] })
    cut(world, 'l1', 'b')
    world.advance(100_000)
    assert.deepEqual(apart(world)['a'], ['b-l1'])
  })

  test('nothing is said of those that a heartbeat has no room to name', () => {
    const moment = { nowMs: 0 }
    const { outbox } = new Bench()
    const roster = new Roster('a' as PeerId, 'c1' as ClusterId, moment, outbox)
    const reachability = new Reachability('a' as PeerId, moment, outbox, roster, () => false)
    const named = Array.from({ length: REACHED_MAX - 1 }, (_, index) => `p${index}` as PeerId)
    for (const peerId of named) roster.greeted({ ...greeting, clusterId: 'c2' as ClusterId, identity: peer(peerId) })
    const others = ['b', 'c'] as PeerId[]
    const apartAfter = (reached: readonly PeerId[]): readonly unknown[] => {
      for (const peerId of others) {
        roster.greeted({ ...greeting, identity: peer(peerId) })
        reachability.onHeartbeat(peerId, ['a' as PeerId, ...reached])
      }
      for (let second = 0; second < 20; second += 1) {
        moment.nowMs += 1_000
        reachability.tick()
      }
      return reachability.apart().filter(([one, other]) => one === 'b' && other === 'c')
    }
    assert.equal(apartAfter(named).length, 0)
    assert.equal(apartAfter(named.slice(1)).length, 1)
  })
})
