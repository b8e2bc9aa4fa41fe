/** A voter that is gone for long gives its place to a learner, without an operator. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Absences } from '../../protocols/config/absences.ts'
import type { Identity } from '../../protocols/base/identity.ts'
import { TestWorld, clusters, configOf, peer } from './core-harness.ts'
import type { TestPeer } from './core-harness.ts'

const REPLACE_AFTER_MS = 20_000

function isVoter(world: TestWorld, name: string): boolean {
  return world.get('a').core.chain.voterOf(peer(name).peerId) !== undefined
}

/** Three voters and a learner, that are all there. */
function worldWith(replaceAfterMs: number | undefined): TestWorld {
  const world = new TestWorld()
  world.replaceAfterMs = replaceAfterMs
  for (const name of ['a', 'b', 'c', 'd']) world.add(name, 'c1', [configOf(0, { c1: ['a', 'b', 'c'] })], 9)
  world.connectAll()
  world.reach('all are ready', () => [...world.peers.values()].every(({ core }) => core.missing() === undefined))
  return world
}

suite('a voter that is gone', () => {
  test('for so long is replaced by a learner of its cluster, and no sooner; when it is back it is the learner', () => {
    const world = worldWith(REPLACE_AFTER_MS)
    const c = world.get('c')
    c.crash()
    world.advance(REPLACE_AFTER_MS - 1_000)
    assert.equal(world.get('a').core.chain.epoch, 0)
    world.reach('the learner votes in its place', () => isVoter(world, 'd') && !isVoter(world, 'c'), 10_000)
    assert.equal(world.get('a').core.config?.barred, undefined)
    c.restart()
    world.connectAll()
    world.reach('it has the newest config', () => c.core.chain.epoch === world.get('a').core.chain.epoch, 5_000)
    world.advance(10_000)
    assert.deepEqual([isVoter(world, 'c'), c.core.isVoter, c.core.missing()], [false, false, undefined])
  })

  test('keeps its place when nothing is to be replaced', () => {
    const world = worldWith(undefined)
    world.get('c').crash()
    world.advance(3 * REPLACE_AFTER_MS)
    assert.equal(world.get('a').core.chain.epoch, 0)
  })

  test('is missed from the start of whoever misses it, and not from before', () => {
    const world = worldWith(REPLACE_AFTER_MS)
    world.get('c').crash()
    world.advance(REPLACE_AFTER_MS / 2)
    for (const name of ['a', 'b', 'd']) {
      world.get(name).crash()
      world.get(name).restart()
    }
    world.connectAll()
    world.advance(REPLACE_AFTER_MS - 1_000)
    assert.equal(isVoter(world, 'c'), true)
    world.reach('it is replaced', () => !isVoter(world, 'c'), 10_000)
  })

  test('is counted anew when it was back in between', () => {
    const world = worldWith(REPLACE_AFTER_MS)
    const c: TestPeer = world.get('c')
    for (let times = 0; times < 3; times += 1) {
      c.crash()
      world.advance(REPLACE_AFTER_MS - 2_000)
      c.restart()
      world.connectAll()
      world.advance(1_000)
    }
    assert.equal(isVoter(world, 'c'), true)
  })
})

suite('time that a voter is gone', () => {
  const voting = clusters({ c1: ['a', 'b', 'c'] })
  const upWithout = (...names: string[]): ((voter: Identity) => boolean) => {
    return (voter) => !names.some((name) => name === voter.peerId)
  }

  test('does not pass while the one that looks is paused', () => {
    const absences = new Absences(0)
    absences.observe(500, voting, upWithout('c'))
    absences.observe(3_600_000, voting, upWithout('c'))
    assert.deepEqual([...absences.longerThan(1_501)], [])
    assert.deepEqual([...absences.longerThan(1_500)], [peer('c').id])
  })

  test('does not pass while no quorum answers the one that looks', () => {
    const absences = new Absences(0)
    for (let nowMs = 100; nowMs <= 10_000; nowMs += 100) absences.observe(nowMs, voting, upWithout('b', 'c'))
    assert.deepEqual([...absences.longerThan(1)], [])
    absences.observe(10_100, voting, upWithout('c'))
    assert.deepEqual([...absences.longerThan(101)], [])
    assert.deepEqual([...absences.longerThan(100)], [peer('c').id])
  })
})
