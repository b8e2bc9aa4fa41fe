/** When a peer looks at what is not urgent, and how seldom while there is nothing. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Upkeep } from '../../protocols/upkeep.ts'
import { configOf, worldOf } from './core-harness.ts'
import type { TestPeer, TestWorld } from './core-harness.ts'

/** Three voters, met a while ago, and all at rest. */
function rested(): TestWorld {
  const world = worldOf({ c1: ['a', 'b', 'c'] }, [configOf(0, { c1: ['a', 'b', 'c'] })])
  world.advance(5_000)
  return world
}

/** What the peer does at each of its looks in the time given: how many messages it sends. */
function looks(world: TestWorld, peer: TestPeer, forMs: number): number[] {
  const sent: number[] = []
  const step = peer.step.bind(peer)
  peer.step = (event) => {
    const effects = step(event)
    if (event.kind === 'tick') sent.push(effects.filter(({ kind }) => kind === 'send').length)
    return effects
  }
  world.advance(forMs)
  peer.step = step
  return sent
}

suite('upkeep', () => {
  test('the next look is 100 ms later while anything is under way, and no sooner than anything is due while all is at rest', () => {
    const upkeep = new Upkeep(0)
    upkeep.onLooked(0, 0)
    assert.equal(upkeep.atMs, 100)
    upkeep.onLooked(103, 350)
    assert.equal(upkeep.atMs, 403)
    upkeep.onLooked(403, 60_000)
    assert.equal(upkeep.atMs, 1_303)
  })

  test('whatever happens brings the next look forward to the next point of the same grid', () => {
    const upkeep = new Upkeep(0)
    upkeep.onLooked(0, 900)
    upkeep.hurry(410)
    assert.equal(upkeep.atMs, 500)
    upkeep.hurry(490)
    assert.equal(upkeep.atMs, 500)
  })

  test('a look that is overdue stays so, whatever happens before it comes', () => {
    const upkeep = new Upkeep(0)
    upkeep.onLooked(0, 900)
    upkeep.hurry(7_000)
    assert.equal(upkeep.atMs, 900)
  })

  test('a peer at rest looks about twice a second, and its heartbeats leave together', () => {
    const world = rested()
    const a = world.get('a')
    // One that meets at another time than the others.
    world.get('c').crash()
    world.get('c').restart()
    world.advance(330)
    world.connectAll()
    world.advance(5_000)
    const sent = looks(world, a, 10_000)
    assert.ok(sent.length >= 10 && sent.length <= 25, `${sent.length} looks in 10 s`)
    assert.deepEqual(new Set(sent), new Set([0, 2]))
  })

  test('a peer that holds a key in doubt looks ten times a second', () => {
    const world = rested()
    world.loses = (_, __, message) => message.kind === 'reply' && message.vote.body.kind === 'committed'
    const a = world.get('a')
    world.put(world.get('b'), 'x', { timeoutMs: 300 })
    world.advance(1_000)
    assert.equal(a.core.doubts.size, 1)
    assert.ok(looks(world, a, 400).length >= 4)
  })

  test('peers that all stood still blame nobody for what they did not hear', () => {
    const world = rested()
    for (const { notes } of world.peers.values()) notes.length = 0
    world.nowMs += 20_000
    world.advance(2_000)
    for (const { notes } of world.peers.values()) assert.deepEqual(notes, [])
  })
})
