/**
 * What peers say to one another when nothing happens, and how soon they notice that something did.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { configOf, worldOf } from './core-harness.ts'
import type { TestPeer, TestWorld } from './core-harness.ts'

const NOTICED_MS = 3_000
const BACK_MS = 1_500

/** Clusters of six: five voters and a learner. */
function crowd(clusterCount: number): TestWorld {
  const names: Record<string, string[]> = {}
  const voters: Record<string, string[]> = {}
  for (let cluster = 1; cluster <= clusterCount; cluster += 1) {
    const members = ['a', 'b', 'c', 'd', 'e', 'learner'].map((name) => `${name}${cluster}`)
    names[`c${cluster}`] = members
    voters[`c${cluster}`] = members.slice(0, 5)
  }
  const world = worldOf(names, [configOf(0, voters)])
  world.advance(3_000)
  world.seen.length = 0
  return world
}

/** Nothing reaches these peers or comes from them. */
function cutOff(world: TestWorld, ...names: readonly string[]): void {
  world.loses = (from, to) => names.includes(from) !== names.includes(to)
}

function others(world: TestWorld, ...names: readonly string[]): TestPeer[] {
  return [...world.peers.values()].filter(({ name }) => !names.includes(name))
}

function stateOf(seen: string, by: TestPeer): string | undefined {
  return [...by.core.roster.all()].find(({ peerId }) => peerId === seen)?.state
}

suite('heartbeats', () => {
  test('each peer exchanges one a second with each of its cluster and with one of each other cluster, and hardly any with the rest', () => {
    const world = crowd(5)
    world.advance(10_000)
    const beats = world.seen.filter(({ message }) => message.kind === 'heartbeat')
    assert.equal(beats.length, world.seen.length)
    // 5 of the own cluster, 4 representatives, and as many answers to those who chose this peer.
    const aSecond = beats.length / world.peers.size / 10
    assert.ok(aSecond > 8 && aSecond < 14, `${aSecond} a second`)
    for (const to of world.peers.keys()) {
      const asked = beats.filter((beat) => beat.to === to && beat.message.kind === 'heartbeat' && beat.message.wantsAnswer)
      assert.ok(asked.length / 10 < 20, `${to} is asked ${asked.length / 10} times a second`)
    }
  })

  test('a peer that falls silent is noticed by everybody within 3 s, whoever watches it, and comes back by itself', () => {
    const world = crowd(3)
    for (const silent of ['a1', 'learner2']) {
      cutOff(world, silent)
      const startMs = world.nowMs
      const watchers = others(world, silent)
      world.reach('all notice', () => watchers.every((peer) => stateOf(silent, peer) !== 'alive'), NOTICED_MS)
      assert.ok(world.nowMs - startMs > 1_000)
      cutOff(world)
      world.reach('it is back', () => watchers.every((peer) => stateOf(silent, peer) === 'alive'), BACK_MS)
    }
  })

  test('nobody else is suspect meanwhile', () => {
    const world = crowd(3)
    for (const { notes } of world.peers.values()) notes.length = 0
    cutOff(world, 'a1')
    world.advance(5_000)
    for (const { notes } of others(world, 'a1')) {
      const suspects = notes.flatMap((note) => (note.kind === 'peer-state' ? [note.peerId as string] : []))
      assert.deepEqual([...new Set(suspects)], ['a1'])
    }
  })

  test('a cluster that is cut off is noticed as a whole, from both sides, and quorums are counted so', () => {
    const world = crowd(3)
    const cluster = ['a', 'b', 'c', 'd', 'e', 'learner'].map((name) => `${name}3`)
    cutOff(world, ...cluster)
    const near = others(world, ...cluster)
    const far = cluster.map((name) => world.get(name))
    const noticed = (by: readonly TestPeer[], of: readonly string[]): boolean =>
      by.every((peer) => of.every((name) => stateOf(name, peer) !== 'alive'))
    const names = near.map(({ name }) => name)
    world.reach('both sides notice', () => noticed(near, cluster) && noticed(far, names), NOTICED_MS)
    world.advance(1_000)
    assert.deepEqual(
      [near.every(({ core }) => core.missing() === undefined), far.every(({ core }) => core.missing() === undefined)],
      [true, false],
    )
    cutOff(world)
    world.reach('all are ready', () => [...world.peers.values()].every(({ core }) => core.missing() === undefined), BACK_MS)
  })

  test('round trips are known of everybody, also of those that are asked rarely', () => {
    const world = crowd(3)
    for (const { core } of world.peers.values()) for (const { rttMs } of core.roster.all()) assert.notEqual(rttMs, undefined)
  })
})
