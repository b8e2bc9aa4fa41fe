/** Operators' requests, each answered with what came of it. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { configKey } from '../../protocols/base/register.ts'
import type { ChangeOutcome, Outcome } from '../../protocols/effects.ts'
import { TestWorld, configOf, worldOf } from './core-harness.ts'
import type { Asked, TestPeer } from './core-harness.ts'

/** Voters by cluster, as one line: `c1: a b c; c2: d`. */
function votersAt({ core }: TestPeer): string {
  const { config } = core
  assert(config !== undefined && config.next === undefined)
  return [...config.clusters]
    .map(
      ([id, voters]) =>
        `${id}: ${voters
          .map(({ peerId }) => peerId)
          .toSorted()
          .join(' ')}`,
    )
    .join('; ')
}

/** Asks at a peer and waits for the answer. */
function change(world: TestWorld, at: string, asked: Asked, timeoutMs = 30_000): Outcome {
  const peer = world.get(at)
  return world.outcome(peer, world.change(peer, asked, timeoutMs), timeoutMs + 1_000)
}

function detailOf(outcome: Outcome): string {
  assert('detail' in outcome, outcome.kind)
  return outcome.detail
}

/** Three voters, and learners beside them that are complete. */
function withLearners(names: readonly string[], cluster = 'c1', minPeers = 9): TestWorld {
  const chain = [configOf(0, { c1: ['a', 'b', 'c'] })]
  const world = new TestWorld()
  for (const name of ['a', 'b', 'c']) world.add(name, 'c1', chain)
  for (const name of names) world.add(name, cluster, chain, minPeers)
  world.connectAll()
  world.reach('all are ready', () => [...world.peers.values()].every(({ core }) => core.missing() === undefined))
  // Another heartbeat, and all know it.
  world.advance(600)
  return world
}

suite('an operator', () => {
  test('adds a learner, at any peer', () => {
    const world = withLearners(['d'])
    assert.deepEqual(change(world, 'd', { add: ['d'] }), { kind: 'changed', epoch: 2 } satisfies ChangeOutcome)
    assert.equal(votersAt(world.get('d')), 'c1: a b c d')
  })

  test('removes a voter, which growth does not bring back until it is added again', () => {
    const world = withLearners([])
    assert.deepEqual(change(world, 'b', { remove: ['a'] }), { kind: 'changed', epoch: 2 })
    world.advance(10_000)
    assert.equal(votersAt(world.get('a')), 'c1: b c')
    assert.deepEqual(change(world, 'c', { add: ['a'] }), { kind: 'changed', epoch: 4 })
    assert.equal(votersAt(world.get('b')), 'c1: a b c')
    assert.equal(world.get('b').core.config?.barred, undefined)
  })

  test('replaces a voter that is dead by a learner, in one change', () => {
    const world = withLearners(['d'])
    world.get('a').crash()
    assert.deepEqual(change(world, 'd', { add: ['d'], remove: ['a'] }), { kind: 'changed', epoch: 2 })
    assert.equal(votersAt(world.get('d')), 'c1: b c d')
  })

  test('is told that nothing changes only after a quorum was asked for anything newer', () => {
    const world = withLearners(['d'])
    const [a, d] = [world.get('a'), world.get('d')]
    // Nothing tells d of the change but its own question.
    world.loses = (_, to) => to === 'd'
    assert.equal(world.outcome(a, world.change(a, { remove: ['c'] })).kind, 'changed')
    assert.equal(d.core.chain.epoch, 0)
    world.loses = () => false
    assert.deepEqual(change(world, 'd', { add: ['c'] }), { kind: 'changed', epoch: 4 })
    assert.deepEqual(change(world, 'c', { add: ['c'] }), { kind: 'unchanged', epoch: 4 })
  })

  test('is told done only when a quorum of those that stay has it on disk', () => {
    const world = withLearners([])
    const [a, b, c] = [world.get('a'), world.get('b'), world.get('c')]
    const has = (at: TestPeer): boolean => at.readDurable(configKey(2))?.chosen !== undefined
    // Those that stay have decided it, and are not told so.
    world.loses = (from, to, message) =>
      from === 'c' && to !== 'c' && c.core.chain.epoch === 2 && ['learn', 'heartbeat', 'configs'].includes(message.kind)
    const client = world.change(c, { remove: ['c'] })
    world.reach('the change is decided', () => has(c))
    world.advance(500)
    assert.deepEqual([has(a), has(b), c.answers.has(client)], [false, false, false])
    world.loses = () => false
    assert.deepEqual(world.outcome(c, client), { kind: 'changed', epoch: 2 })
    assert.deepEqual([has(a), has(b)], [true, true])
  })

  test('is refused in words what would leave no quorum, no voter, or is of nobody known', () => {
    const world = withLearners([])
    world.get('c').crash()
    world.advance(100)
    assert.match(detailOf(change(world, 'a', { remove: ['b'] })), /1 of 2 voters of c1 do not answer \(c\)/)
    assert.match(detailOf(change(world, 'a', { remove: ['a', 'b', 'c'] })), /no voter would be left/)
    assert.match(detailOf(change(world, 'a', { removeCluster: 'c1' })), /no voter would be left/)
    assert.match(detailOf(change(world, 'a', { add: ['x'] })), /x is not known here/)
    assert.equal(world.get('a').core.config?.epoch, 0)
  })

  test('waits for the change that is in flight, and is told after it', () => {
    const world = withLearners(['d'])
    const [a, b] = [world.get('a'), world.get('b')]
    const [first, second] = [world.change(a, { add: ['d'] }), world.change(b, { remove: ['c'] })]
    const outcomes = [world.outcome(a, first), world.outcome(b, second)].map((outcome) => outcome.kind)
    assert.deepEqual(outcomes, ['changed', 'changed'])
    assert.equal(b.core.config?.epoch, 4)
    assert.equal(votersAt(b), 'c1: a b d')
  })

  test('adds a peer that is still catching up once it is complete', () => {
    const world = withLearners([])
    world.outcome(world.get('a'), world.put(world.get('a'), 'x'))
    world.loses = (_, to, message) => to === 'd' && ['hashes', 'learn'].includes(message.kind)
    const d = world.add('d', 'c1', [configOf(0, { c1: ['a', 'b', 'c'] })])
    world.connectAll()
    const client = world.change(world.get('a'), { add: ['d'] })
    world.advance(2_000)
    assert.deepEqual([d.core.caughtUp, world.get('a').answers.has(client)], [false, false])
    world.loses = () => false
    assert.deepEqual(world.outcome(world.get('a'), client), { kind: 'changed', epoch: 2 })
  })

  test('sees how far a change is, at any voter', () => {
    const world = withLearners(['d'])
    world.loses = (_, to, message) => message.kind === 'covered' && to !== 'c'
    world.change(world.get('a'), { add: ['d'] })
    const view = (): unknown => {
      const { changeView } = world.get('c').core
      return changeView === undefined
        ? undefined
        : [changeView.epoch, [...changeView.to.values()][0]?.length, changeView.covered, changeView.needed]
    }
    world.reach('the new voters hold the lists of the old', () => String(view()) === '1,4,3,3', 5_000)
    world.loses = () => false
    world.reach('it is over', () => view() === undefined && world.get('c').core.chain.epoch === 2, 10_000)
  })

  test('withdraws what is in flight, and who asked for it is told', () => {
    const world = withLearners(['d'])
    world.loses = (_, __, message) => message.kind === 'covered'
    const a = world.get('a')
    const client = world.change(a, { add: ['d'] })
    world.reach('it is joint', () => world.get('b').core.config?.next !== undefined)
    assert.deepEqual(change(world, 'b', { withdraw: true }), { kind: 'changed', epoch: 2 })
    assert.match(detailOf(world.outcome(a, client)), /withdrawn in epoch 2/)
    assert.deepEqual(change(world, 'b', { withdraw: true }), { kind: 'unchanged', epoch: 2 })
  })

  test('whose time runs out is told whether anything was begun', () => {
    const world = withLearners(['d'])
    world.loses = (_, __, message) => message.kind === 'covered'
    assert.deepEqual(change(world, 'a', { add: ['d'] }, 500), { kind: 'changing', epoch: 1 })
    assert.match(detailOf(change(world, 'b', { remove: ['c'] }, 500)), /another change is in flight/)
    world.loses = () => false
    world.reach('it goes on by itself', () => world.get('b').core.config?.epoch === 2)
    for (const name of ['b', 'c', 'd']) world.get(name).crash()
    const cut = change(world, 'a', { remove: ['c'] }, 500)
    assert.equal(cut.kind, 'change-refused')
    assert.match(detailOf(change(world, 'a', { remove: ['c'], force: true }, 500)), /no quorum of the present voters answered/)
  })

  test('removes a cluster that lost its majority for good, by the majority of the others', () => {
    const world = worldOf({ c1: ['a', 'b', 'c'], c2: ['d', 'e', 'f'], c3: ['g', 'h', 'i'] })
    for (const name of ['g', 'h']) world.get(name).crash()
    world.outcome(world.get('a'), world.put(world.get('a'), 'x'))
    assert.deepEqual(change(world, 'i', { removeCluster: 'c3' }), { kind: 'changed', epoch: 2 })
    assert.equal(votersAt(world.get('i')), 'c1: a b c; c2: d e f')
    for (const name of ['g', 'h']) world.get(name).restart()
    world.connectAll()
    world.advance(10_000)
    assert.equal(votersAt(world.get('g')), 'c1: a b c; c2: d e f')
  })

  test('bars a learner, in a change that leaves the voters as they are', () => {
    const world = withLearners(['d', 'e'], 'c1', 1)
    world.reach('five vote', () => world.get('a').core.config?.epoch === 2 && world.get('e').core.isVoter, 10_000)
    assert.equal(change(world, 'a', { remove: ['d', 'e'] }).kind, 'changed')
    world.advance(10_000)
    assert.equal(votersAt(world.get('a')), 'c1: a b c')
  })
})
