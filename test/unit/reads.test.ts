/** Gets: protocol, section 7. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Outcome } from '../../protocols/effects.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { ask, ballotOf, configOf, key, peer, recordOf, worldOf } from './core-harness.ts'
import type { TestPeer, TestWorld } from './core-harness.ts'

const ONE_CLUSTER = { c1: ['a', 'b', 'c'] }

function isReply(message: Message, kind: string): boolean {
  return message.kind === 'reply' && message.vote.body.kind === kind
}

/** Has a voter accept a record, as a coordinator that is gone by now would have had it. */
function accept(at: TestPeer, text: string, round: number, epoch = 0): void {
  assert.equal(ask(at, peer('z'), { kind: 'commit', key, ballot: ballotOf(epoch, round, 'z'), record: recordOf(text) })?.kind, 'committed')
}

function textOf(outcome: Outcome): string {
  return outcome.kind === 'found' ? Buffer.from(outcome.record.value).toString() : outcome.kind
}

function asked(world: TestWorld, kind: string): number {
  return world.seen.filter(({ message }) => message.kind === 'request' && message.body.kind === kind).length
}

suite('a get', () => {
  test('of a key that is chosen here asks nobody', () => {
    const world = worldOf(ONE_CLUSTER)
    world.outcome(world.get('a'), world.put(world.get('a'), 'x'))
    world.advance(100)
    world.loses = () => true
    world.seen.length = 0
    assert.equal(textOf(world.outcome(world.get('b'), world.read(world.get('b')))), 'x')
    assert.equal(world.seen.length, 0)
  })

  test('of an unknown key is absent once a quorum holds nothing, and not sooner', () => {
    const world = worldOf(ONE_CLUSTER)
    world.loses = (from, to, message) => from !== to && isReply(message, 'seen')
    const client = world.read(world.get('a'))
    world.advance(2_000)
    assert.equal(world.get('a').answers.size, 0)
    world.loses = () => false
    assert.deepEqual(world.outcome(world.get('a'), client), { kind: 'absent', consistency: 'linearizable' })
  })

  test('that settled a doubt as absent leaves the key to the next put', () => {
    const world = worldOf(ONE_CLUSTER)
    const a = world.get('a')
    accept(world.get('c'), 'ghost', 1)
    world.loses = (from, _, message) => (from === 'b' && isReply(message, 'seen')) || (from === 'c' && isReply(message, 'promised'))
    assert.equal(textOf(world.outcome(a, world.read(a))), 'absent')
    // In the same moment: the run that found nothing is over, and has not been swept away yet.
    assert.equal(world.outcome(a, world.put(a, 'x')).kind, 'created')
  })

  test('without a quorum is unavailable, and no guess', () => {
    const world = worldOf(ONE_CLUSTER)
    world.loses = (from, to) => from !== to
    assert.equal(world.outcome(world.get('a'), world.read(world.get('a'), { timeoutMs: 500 })).kind, 'unavailable')
  })

  test('learns a record from one voter that knows it to be chosen', () => {
    const world = worldOf(ONE_CLUSTER)
    world.loses = (_, to) => to === 'c'
    world.outcome(world.get('a'), world.put(world.get('a'), 'x'))
    world.advance(100)
    world.loses = () => false
    assert.equal(textOf(world.outcome(world.get('c'), world.read(world.get('c')))), 'x')
  })

  test('takes what a quorum accepted at one ballot of the present epoch for chosen, without writing', () => {
    const world = worldOf(ONE_CLUSTER)
    for (const name of ['a', 'b']) accept(world.get(name), 'x', 1_000)
    world.seen.length = 0
    assert.equal(textOf(world.outcome(world.get('c'), world.read(world.get('c')))), 'x')
    assert.equal(asked(world, 'reserve'), 0)
  })

  test('never shows a record that is accepted at a minority: it finishes it first', () => {
    const world = worldOf(ONE_CLUSTER)
    accept(world.get('a'), 'x', 1_000)
    world.loses = (_, to, message) => to === 'c' || (message.kind === 'request' && message.body.kind === 'commit' && to === 'b')
    const client = world.read(world.get('a'), { timeoutMs: 1_500 })
    assert.equal(world.outcome(world.get('a'), client).kind, 'unavailable')
    world.loses = () => false
    assert.equal(textOf(world.outcome(world.get('a'), world.read(world.get('a')))), 'x')
    const holding = ['a', 'b', 'c'].filter((name) => world.get(name).readDurable(key) !== undefined)
    assert(holding.length >= 2, 'a quorum holds what was shown')
  })

  test('does not take a quorum of equal records of an earlier epoch for chosen: it finishes them first', () => {
    const chain = [configOf(0, ONE_CLUSTER), configOf(1, ONE_CLUSTER, ONE_CLUSTER), configOf(2, ONE_CLUSTER)]
    const world = worldOf(ONE_CLUSTER, [configOf(0, ONE_CLUSTER)])
    for (const name of ['a', 'b']) accept(world.get(name), 'x', 1_000)
    for (const each of world.peers.values()) {
      each.step({ kind: 'message', from: peer('z'), round: 0, message: { kind: 'configs', configs: chain } })
      assert.equal(each.core.config?.epoch, 2)
    }
    world.deliver()
    world.seen.length = 0
    assert.equal(textOf(world.outcome(world.get('c'), world.read(world.get('c')), 1_500)), 'x')
    assert(asked(world, 'commit') > 0)
  })

  test('that finishes a key and finds nothing at a quorum is absent, though a voter had shown something', () => {
    const world = worldOf(ONE_CLUSTER)
    accept(world.get('c'), 'x', 1_000)
    world.loses = (_, to, message) => to === 'c' && message.kind === 'request' && message.body.kind === 'reserve'
    world.loses = both(world.loses, (from, to, message) => from === 'b' && to === 'a' && isReply(message, 'seen'))
    assert.equal(textOf(world.outcome(world.get('a'), world.read(world.get('a')), 1_500)), 'absent')
  })

  test('of the local copy asks nobody, and says that an absent may be stale', () => {
    const world = worldOf(ONE_CLUSTER)
    accept(world.get('a'), 'x', 1_000)
    world.seen.length = 0
    const client = world.read(world.get('a'), { consistency: 'local' })
    assert.deepEqual(world.get('a').answers.get(client), { kind: 'absent', consistency: 'local' })
    assert.equal(asked(world, 'read'), 0)
  })

  test('that waits is answered when the key becomes known, or absent at the end of its wait', () => {
    const world = worldOf(ONE_CLUSTER)
    const lucky = world.read(world.get('c'), { consistency: 'local', waitMs: 2_000 })
    const early = world.read(world.get('c'), { consistency: 'local', waitMs: 50 })
    world.advance(100)
    assert.equal(world.get('c').answers.get(early)?.kind, 'absent')
    assert.equal(world.get('c').answers.has(lucky), false)
    world.put(world.get('a'), 'x')
    assert.equal(textOf(world.outcome(world.get('c'), lucky, 500)), 'x')
  })

  test('that is cancelled is not answered and leaves nothing', () => {
    const world = worldOf(ONE_CLUSTER)
    world.loses = (from, to) => from !== to
    const client = world.read(world.get('a'))
    world.get('a').step({ kind: 'cancel', client })
    world.advance(20_000)
    assert.equal(world.get('a').answers.size, 0)
    assert.equal(world.get('a').core.load.gets, 0)
    assert.equal(world.get('a').core.load.polls, 0)
  })

  test('of a key with two chosen records is not served, nor is either record told to others', () => {
    const world = worldOf(ONE_CLUSTER)
    world.outcome(world.get('a'), world.put(world.get('a'), 'x'))
    const a = world.get('a')
    const learn: Message = { kind: 'learn', key, ballot: undefined, record: recordOf('y'), spread: false }
    a.step({ kind: 'message', from: peer('z'), round: 0, message: learn })
    assert(a.notes.some((note) => note.kind === 'divergence'))
    assert.equal(world.outcome(a, world.read(a)).kind, 'unavailable')
    assert.equal(world.outcome(a, world.put(a, 'z')).kind, 'not-stored')
    assert.equal(ask(a, peer('z'), { kind: 'read', key, epoch: 0 }), undefined)
    a.crash()
    a.restart()
    assert.equal(world.outcome(a, world.read(a)).kind, 'unavailable')
    assert.equal(Buffer.from(a.read(key)?.chosen?.value ?? []).toString(), 'x', 'what was chosen first stays as it is')
  })
})

type Loses = TestWorld['loses']

function both(one: Loses, other: Loses): Loses {
  return (from, to, message) => one(from, to, message) || other(from, to, message)
}
