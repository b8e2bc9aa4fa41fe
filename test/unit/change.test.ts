/** Changing the voters: protocol, section 10. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { dataKey } from '../../protocols/base/register.ts'
import { members } from '../../protocols/config/transfer.ts'
import { TestWorld, ask, ballotOf, configOf, key, peer, recordOf } from './core-harness.ts'
import type { TestPeer } from './core-harness.ts'

/** Config 0 as a founder writes it that waits for two more. */
const FORMING = { ...configOf(0, { c1: ['a'] }), forming: true }

function all(world: TestWorld): TestPeer[] {
  return [...world.peers.values()]
}

function votersOf(at: TestPeer): string[] {
  const { config } = at.core
  return config === undefined || config.next !== undefined ? [] : members(config.clusters).map(({ peerId }) => peerId as string)
}

/** A founder and the peers that join it, none of them with any config. */
function joining(names: readonly string[], minPeers: number): TestWorld {
  const world = new TestWorld()
  world.add('a', 'c1', [minPeers > 1 ? FORMING : configOf(0, { c1: ['a'] })], minPeers)
  for (const name of names) world.add(name, 'c1', [], minPeers)
  world.connectAll()
  return world
}

function isAgreed(world: TestWorld, voters: readonly string[]): boolean {
  return all(world).every((each) => !each.isUp || (votersOf(each).toSorted().join() === voters.join() && each.core.missing() === undefined))
}

suite('a network that begins', () => {
  test('with -min-peers 3 is not ready before three are there, and then has three voters', () => {
    const world = joining(['b'], 3)
    world.advance(3_000)
    assert.equal(world.get('a').core.missing(), '2 of 3 peers of c1; start more with -peer …, or use -min-peers 1')
    assert.equal(world.outcome(world.get('a'), world.put(world.get('a'), 'x')).kind, 'not-ready')
    world.add('c', 'c1', [], 3)
    world.connectAll()
    world.reach('three vote', () => isAgreed(world, ['a', 'b', 'c']), 5_000)
    assert.deepEqual(
      all(world).map(({ core }) => core.config?.epoch),
      [2, 2, 2],
    )
    assert.equal(world.outcome(world.get('c'), world.put(world.get('c'), 'x')).kind, 'created')
  })

  test('stays not ready when its first company is gone before it could vote', () => {
    const world = joining(['b', 'c'], 3)
    world.reach('the change has begun', () => world.get('a').core.config?.next !== undefined, 5_000)
    for (const name of ['b', 'c']) world.get(name).crash()
    world.reach('the change is withdrawn', () => world.get('a').core.config?.epoch === 2, 40_000)
    assert.deepEqual(votersOf(world.get('a')), ['a'])
    assert.equal(world.outcome(world.get('a'), world.put(world.get('a'), 'x')).kind, 'not-ready')
    for (const name of ['b', 'c']) world.get(name).restart()
    world.connectAll()
    world.reach('three vote', () => isAgreed(world, ['a', 'b', 'c']), 20_000)
  })

  test('with -min-peers 1 is ready alone', () => {
    const world = joining([], 1)
    world.reach('it is ready', () => world.get('a').core.missing() === undefined, 1_000)
    assert.equal(world.outcome(world.get('a'), world.put(world.get('a'), 'x')).kind, 'created')
  })
})

suite('growth under way', () => {
  test('brings every key to the new voters before they stand alone, chosen ones and those in doubt', () => {
    const world = joining([], 1)
    const a = world.get('a')
    world.reach('it is ready', () => a.core.missing() === undefined, 1_000)
    for (let number = 0; number < 20; number += 1) world.outcome(a, world.put(a, 'x', { key: dataKey(`key ${number}`) }))
    world.add('b', 'c1', [])
    world.add('c', 'c1', [])
    // Nothing tells the newcomers of keys but the transfer.
    world.loses = (_, to, message) => to !== 'a' && message.kind === 'learn'
    world.connectAll()
    world.reach('the change has begun', () => a.core.config?.next !== undefined, 10_000)
    ask(a, peer('z'), { kind: 'commit', key: dataKey('late'), ballot: ballotOf(1, 9_000, 'z'), record: recordOf('late') })
    world.reach('three vote', () => isAgreed(world, ['a', 'b', 'c']), 20_000)
    a.crash()
    for (let number = 0; number < 20; number += 1) {
      const held = ['b', 'c'].filter((name) => world.get(name).readDurable(dataKey(`key ${number}`))?.chosen !== undefined)
      assert(held.length >= 1, `key ${number} is at a new quorum together with the old voter`)
    }
  })

  test('is not decided while a new voter’s copies are in memory alone', () => {
    const world = joining([], 1)
    const a = world.get('a')
    world.reach('it is ready', () => a.core.missing() === undefined, 1_000)
    const [b, c] = [world.add('b', 'c1', []), world.add('c', 'c1', [])]
    // They are complete while there is nothing, and hear of the key only once the change is under
    // way.
    world.loses = (_, to, message) => to !== 'a' && ['learn', 'hashes', 'leaves', 'records'].includes(message.kind)
    world.connectAll()
    world.reach('both could vote', () => [b, c].every(({ core }) => core.caughtUp), 400)
    world.outcome(a, world.put(a, 'x'))
    world.reach('the change has begun', () => [b, c].every(({ core }) => core.config?.next !== undefined), 10_000)
    assert.deepEqual([b.read(key), c.read(key)], [undefined, undefined])
    for (const each of [b, c]) each.syncsAtOnce = false
    world.loses = () => false
    world.reach('both have a copy', () => [b, c].every((each) => each.read(key)?.chosen !== undefined), 15_000)
    world.advance(5_000)
    assert.notEqual(a.core.config?.next, undefined)
    assert.deepEqual([b.readDurable(key), c.readDurable(key)], [undefined, undefined])
    for (const each of [b, c]) {
      each.sync()
      each.syncsAtOnce = true
    }
    world.reach('three vote', () => isAgreed(world, ['a', 'b', 'c']), 20_000)
    assert(['b', 'c'].filter((name) => world.get(name).readDurable(key)?.chosen !== undefined).length >= 1)
  })

  test('is completed by another when its driver is gone', () => {
    const world = joining(['b', 'c'], 3)
    world.reach('three vote', () => isAgreed(world, ['a', 'b', 'c']), 10_000)
    world.add('d', 'c1', [], 3)
    world.add('e', 'c1', [], 3)
    world.connectAll()
    const isJoint = (): boolean => all(world).every(({ core }) => core.config?.next !== undefined)
    world.loses = (_, __, message) => message.kind === 'covered'
    world.reach('the change has begun', isJoint, 20_000)
    world.get('a').crash()
    world.loses = () => false
    world.reach('five vote', () => isAgreed(world, ['a', 'b', 'c', 'd', 'e']), 30_000)
  })

  test('is withdrawn when its new voters stay away, and puts go on', () => {
    const world = joining(['b', 'c'], 3)
    world.reach('three vote', () => isAgreed(world, ['a', 'b', 'c']), 10_000)
    for (const name of ['d', 'e', 'f', 'g', 'h']) world.add(name, 'c2', [], 5)
    world.connectAll()
    world.reach('the change has begun', () => world.get('a').core.config?.next !== undefined, 20_000)
    for (const name of ['d', 'e', 'f', 'g', 'h']) world.get(name).crash()
    world.reach('three vote', () => isAgreed(world, ['a', 'b', 'c']), 60_000)
    assert.equal(world.outcome(world.get('b'), world.put(world.get('b'), 'x')).kind, 'created')
  })

  test('is withdrawn also when the new voters are back, but with other stores', () => {
    const world = joining(['b', 'c'], 3)
    world.reach('three vote', () => isAgreed(world, ['a', 'b', 'c']), 10_000)
    for (const name of ['d', 'e', 'f', 'g', 'h']) world.add(name, 'c2', [], 5)
    world.connectAll()
    world.reach('the change has begun', () => world.get('a').core.config?.next !== undefined, 20_000)
    const joint = world.get('a').core.config?.epoch ?? 0
    for (const name of ['d', 'e', 'f', 'g', 'h']) {
      world.get(name).crash()
      world.get(name).restartEmpty()
    }
    world.connectAll()
    world.reach('the change is over', () => (world.get('a').core.config?.epoch ?? 0) > joint, 60_000)
    assert.deepEqual(
      members(world.get('a').core.chain.since(joint + 1)[0]?.clusters ?? new Map())
        .map(({ peerId }) => peerId)
        .toSorted(),
      ['a', 'b', 'c'],
    )
  })

  test('gives a voter that lost its store its place again', () => {
    const world = joining(['b', 'c'], 3)
    world.reach('three vote', () => isAgreed(world, ['a', 'b', 'c']), 10_000)
    world.outcome(world.get('a'), world.put(world.get('a'), 'x'))
    const b = world.get('b')
    b.crash()
    b.restartEmpty()
    world.connectAll()
    world.reach('it votes again', () => b.core.isVoter && isAgreed(world, ['a', 'b', 'c']), 20_000)
    assert.equal(Buffer.from(b.readDurable(key)?.chosen?.value ?? []).toString(), 'x')
  })
})
