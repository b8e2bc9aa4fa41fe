/**
 * What becomes of a put: protocol, section 5. Several cores, with messages lost where a test says
 * so.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { dataKey } from '../../protocols/base/register.ts'
import type { Outcome } from '../../protocols/effects.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { ballotOf, ask, key, peer, recordOf, worldOf } from './core-harness.ts'
import type { TestPeer, TestWorld } from './core-harness.ts'

const ONE_CLUSTER = { c1: ['a', 'b', 'c'] }
const THREE_CLUSTERS = { c1: ['a', 'b', 'c'], c2: ['d', 'e', 'f'], c3: ['g', 'h', 'i'] }

function isRequest(message: Message, kind: 'reserve' | 'commit' | 'read'): boolean {
  return (message.kind === 'request' || message.kind === 'relay') && message.body.kind === kind
}

/** How often a message was handed over between two different peers. */
function count(world: TestWorld, passes: (message: Message) => boolean): number {
  return world.seen.filter(({ from, to, message }) => from !== to && passes(message)).length
}

/** What voters answered, in order. */
function replies(world: TestWorld): string[] {
  return world.seen.flatMap(({ message }) => (message.kind === 'reply' ? [message.vote.body.kind] : []))
}

function kinds(outcomes: readonly Outcome[]): string[] {
  return outcomes.map(({ kind }) => kind).toSorted()
}

/** Every peer that is up knows this text to be chosen. */
function isKnownEverywhere(world: TestWorld, text: string): boolean {
  const isKnown = (each: TestPeer): boolean => Buffer.from(each.read(key)?.chosen?.value ?? []).toString() === text
  return [...world.peers.values()].every((each) => !each.isUp || isKnown(each))
}

suite('a put', () => {
  test('of a new key is created, and everyone learns it', () => {
    const world = worldOf(THREE_CLUSTERS)
    assert.equal(world.outcome(world.get('a'), world.put(world.get('a'), 'x')).kind, 'created')
    world.reach('all have it', () => isKnownEverywhere(world, 'x'), 1_000)
  })

  test('takes one reserve and one commit to each remote cluster, with the value crossing once', () => {
    const world = worldOf(THREE_CLUSTERS)
    world.outcome(world.get('a'), world.put(world.get('a'), 'x'))
    world.advance(200)
    for (const kind of ['reserve', 'commit'] as const) {
      const across = world.seen.filter(({ from, to, message }) => isRequest(message, kind) && 'abc'.includes(from) && !'abc'.includes(to))
      assert.equal(across.length, 2, `${kind} across`)
    }
    assert.equal(
      count(world, (message) => message.kind === 'learn' && message.record !== undefined),
      0,
      'voters that accepted the record are told its ballot alone',
    )
  })

  test('of an existing key is a conflict, at any peer, without asking anybody', () => {
    const world = worldOf(ONE_CLUSTER)
    world.outcome(world.get('a'), world.put(world.get('a'), 'x'))
    world.advance(200)
    world.seen.length = 0
    assert.equal(world.outcome(world.get('b'), world.put(world.get('b'), 'y')).kind, 'conflict')
    assert.equal(
      count(world, (message) => message.kind === 'request'),
      0,
    )
  })

  test('with the writeId of the stored record is stored before; with another value it is reused', () => {
    const world = worldOf(ONE_CLUSTER)
    world.outcome(world.get('a'), world.put(world.get('a'), 'x', { writeId: 'w', given: true }))
    world.advance(200)
    const again = (text: string): Outcome => world.outcome(world.get('b'), world.put(world.get('b'), text, { writeId: 'w', given: true }))
    assert.equal(again('x').kind, 'stored-before')
    assert.equal(again('y').kind, 'reused')
  })

  test('retried elsewhere while the first is under way ends created once at most, and never as a conflict', () => {
    const world = worldOf(ONE_CLUSTER)
    const first = world.put(world.get('a'), 'x', { writeId: 'w', given: true })
    world.nowMs += 1
    const second = world.put(world.get('b'), 'x', { writeId: 'w', given: true })
    const outcomes = [world.outcome(world.get('a'), first), world.outcome(world.get('b'), second)]
    assert(outcomes.every(({ kind }) => kind === 'created' || kind === 'stored-before'))
    assert(outcomes.filter(({ kind }) => kind === 'created').length <= 1)
  })

  test('that meets an accepted record finishes that one and is a conflict', () => {
    const world = worldOf(ONE_CLUSTER)
    const ballot = ballotOf(0, 1_000, 'z')
    ask(world.get('c'), peer('z'), { kind: 'commit', key, ballot, record: recordOf('older') })
    world.loses = (from, to) => from === 'b' || to === 'b'
    const outcome = world.outcome(world.get('a'), world.put(world.get('a'), 'x'))
    assert(outcome.kind === 'conflict')
    assert.equal(outcome.record.writeId, 'write-older')
  })

  test('that meets two accepted records finishes that of the higher ballot', () => {
    const world = worldOf({ c1: ['a', 'b', 'c', 'd', 'e'] })
    ask(world.get('b'), peer('z'), { kind: 'commit', key, ballot: ballotOf(0, 900, 'z'), record: recordOf('low') })
    ask(world.get('c'), peer('z'), { kind: 'commit', key, ballot: ballotOf(0, 1_000, 'z'), record: recordOf('high') })
    ask(world.get('d'), peer('z'), { kind: 'commit', key, ballot: ballotOf(0, 800, 'z'), record: recordOf('lowest') })
    world.loses = (from, to) => from === 'e' || to === 'e' || from === 'd' || to === 'd'
    const outcome = world.outcome(world.get('a'), world.put(world.get('a'), 'x'))
    assert(outcome.kind === 'conflict')
    assert.equal(outcome.record.writeId, 'write-high')
  })

  test('survives the loss of every first message, and of any minority', () => {
    const world = worldOf(THREE_CLUSTERS)
    const lost = new Set<string>()
    world.loses = (from, to, message) => {
      if ('gh'.includes(to) || 'gh'.includes(from)) return true
      if (from === to || lost.has(`${from}${to}${message.kind}`)) return false
      lost.add(`${from}${to}${message.kind}`)
      return true
    }
    assert.equal(world.outcome(world.get('a'), world.put(world.get('a'), 'x')).kind, 'created')
  })

  test('among many rivals is created exactly once, and the others conflict with it', () => {
    const world = worldOf(THREE_CLUSTERS)
    const clients = [...world.peers.values()].flatMap((at) =>
      [0, 1, 2].map((number) => ({ at, client: world.put(at, `${at.name}${number}`) })),
    )
    const outcomes = clients.map(({ at, client }) => world.outcome(at, client))
    assert.deepEqual(kinds(outcomes), [...Array<string>(26).fill('conflict'), 'created'])
    const shown = outcomes.flatMap((outcome) => ('record' in outcome ? [outcome.record.writeId] : []))
    assert.equal(new Set(shown).size, 1)
  })

  test('leaves nothing under way behind', () => {
    const world = worldOf(THREE_CLUSTERS)
    world.outcome(world.get('a'), world.put(world.get('a'), 'x'))
    const isAtRest = ({ core }: TestPeer): boolean => core.doubts.size === 0 && Object.values(core.load).every((number) => number === 0)
    world.reach('all at rest', () => [...world.peers.values()].every(isAtRest), 1_000)
  })
})

suite('a put without a quorum', () => {
  function withoutQuorum(loses: (message: Message) => boolean): TestWorld {
    const world = worldOf(ONE_CLUSTER)
    world.loses = (from, to, message) => from !== to && loses(message)
    return world
  }

  test('whose commit was never sent is not stored, when its writeId was made here', () => {
    const world = withoutQuorum(() => true)
    assert.deepEqual(world.outcome(world.get('a'), world.put(world.get('a'), 'x', { timeoutMs: 500 })), { kind: 'not-stored' })
  })

  test('that is not stored never shows, however long its messages were under way', () => {
    const world = withoutQuorum((message) => message.kind === 'reply')
    world.outcome(world.get('a'), world.put(world.get('a'), 'x', { timeoutMs: 500 }))
    world.loses = () => false
    world.advance(10_000)
    assert.equal(world.outcome(world.get('b'), world.read(world.get('b'))).kind, 'absent')
    assert.equal(
      count(world, (message) => isRequest(message, 'commit')),
      0,
    )
  })

  test('with a writeId of the client is in doubt even when nothing was sent', () => {
    const world = withoutQuorum(() => true)
    const client = world.put(world.get('a'), 'x', { timeoutMs: 500, given: true, writeId: 'w' })
    assert.deepEqual(world.outcome(world.get('a'), client), { kind: 'in-doubt', writeId: 'w' })
  })

  test('whose commit was handed to the network is in doubt, with its writeId', () => {
    const world = withoutQuorum((message) => isRequest(message, 'commit'))
    const client = world.put(world.get('a'), 'x', { timeoutMs: 500, writeId: 'w' })
    assert.deepEqual(world.outcome(world.get('a'), client), { kind: 'in-doubt', writeId: 'w' })
  })

  test('in doubt is settled by the same put at another peer, even when the first peer is gone', () => {
    const world = withoutQuorum((message) => message.kind === 'reply' && message.vote.body.kind === 'committed')
    world.outcome(world.get('a'), world.put(world.get('a'), 'x', { timeoutMs: 500, writeId: 'w' }))
    world.loses = () => false
    world.get('a').crash()
    const again = world.put(world.get('b'), 'x', { writeId: 'w', given: true })
    assert(['created', 'stored-before'].includes(world.outcome(world.get('b'), again).kind))
  })

  test('whose own commit was not sent is not stored, though the record of another was', () => {
    const world = withoutQuorum((message) => message.kind === 'reply' && message.vote.body.kind === 'committed')
    // Below the first ballot of `a`, whose own promise then shows it.
    ask(world.get('a'), peer('0'), { kind: 'commit', key, ballot: ballotOf(0, 1, '0'), record: recordOf('older') })
    assert.deepEqual(world.outcome(world.get('a'), world.put(world.get('a'), 'x', { timeoutMs: 500 })), { kind: 'not-stored' })
  })
})

suite('a coordinator that is gone', () => {
  test('leaves a key that the voters settle by themselves, within a few seconds', () => {
    const world = worldOf(ONE_CLUSTER)
    world.loses = (from, to, message) => to === 'a' && from !== 'a' && message.kind === 'reply' && message.vote.body.kind === 'committed'
    world.put(world.get('a'), 'x')
    world.advance(50)
    world.get('a').crash()
    world.loses = () => false
    world.reach('both have it', () => isKnownEverywhere(world, 'x'), 4_000)
    assert(['b', 'c'].some((name) => world.get(name).notes.some(({ kind }) => kind === 'finished')))
  })

  test('and a client that hung up have their commit finished, and nobody is answered', () => {
    const world = worldOf(ONE_CLUSTER)
    let isHeld = true
    world.loses = (from, to, message) => isHeld && from !== to && message.kind === 'reply' && message.vote.body.kind === 'committed'
    const client = world.put(world.get('a'), 'x')
    world.advance(50)
    world.get('a').step({ kind: 'cancel', client })
    isHeld = false
    world.reach('all have it', () => isKnownEverywhere(world, 'x'), 1_000)
    assert.equal(world.get('a').answers.size, 0)
    assert.equal(world.get('a').core.load.puts, 0)
  })

  test('a client that hung up before the commit leaves no trace', () => {
    const world = worldOf(ONE_CLUSTER)
    world.loses = (from, to) => from !== to
    const client = world.put(world.get('a'), 'x')
    world.advance(50)
    world.get('a').step({ kind: 'cancel', client })
    world.loses = () => false
    world.advance(5_000)
    assert.equal(world.get('b').read(key), undefined)
    assert.deepEqual(world.get('a').core.load, { puts: 0, gets: 0, runs: 0, polls: 0, relays: 0, promises: 1 })
  })
})

suite('what is on disk first', () => {
  /** A world whose voters have voted, so that no ceiling is about to be raised. */
  function worldThatVoted(): TestWorld {
    const world = worldOf(ONE_CLUSTER)
    world.outcome(world.get('a'), world.put(world.get('a'), 'before', { key: dataKey('before') }))
    world.advance(100)
    world.seen.length = 0
    return world
  }

  test('a put is answered no sooner than a quorum has synced its record', () => {
    const world = worldThatVoted()
    for (const name of ['b', 'c']) world.get(name).syncsAtOnce = false
    const client = world.put(world.get('a'), 'x')
    world.advance(400)
    assert.equal(world.get('a').answers.has(client), false)
    world.get('b').sync()
    assert.equal(world.outcome(world.get('a'), client).kind, 'created')
    assert.notEqual(world.get('b').readDurable(key), undefined)
  })

  test('a repeated commit is answered no sooner than the first is synced', () => {
    const world = worldThatVoted()
    const b = world.get('b')
    b.syncsAtOnce = false
    const commit = { kind: 'commit', key, ballot: ballotOf(0, 1_000, 'a'), record: recordOf('x') } as const
    for (let time = 0; time < 3; time += 1) ask(b, peer('a'), commit)
    world.deliver()
    assert.deepEqual(replies(world), [])
    b.sync()
    world.deliver()
    assert.deepEqual(replies(world), ['committed', 'committed', 'committed'])
  })

  test('a promise that shows a record under sync waits for that sync; one of another key does not', () => {
    const world = worldThatVoted()
    const b = world.get('b')
    b.syncsAtOnce = false
    ask(b, peer('a'), { kind: 'commit', key, ballot: ballotOf(0, 1_000, 'a'), record: recordOf('x') })
    ask(b, peer('a'), { kind: 'reserve', key, ballot: ballotOf(0, 1_001, 'a') })
    ask(b, peer('a'), { kind: 'read', key: dataKey('other'), epoch: 0 })
    world.deliver()
    assert.deepEqual(replies(world), ['seen'])
    b.sync()
    world.deliver()
    assert.deepEqual(replies(world), ['seen', 'committed', 'promised'])
  })

  test('an acknowledged put survives the crash of everybody', () => {
    const world = worldOf(ONE_CLUSTER)
    world.outcome(world.get('a'), world.put(world.get('a'), 'x'))
    for (const each of world.peers.values()) each.crash()
    for (const each of world.peers.values()) each.restart()
    world.connectAll()
    const found = world.outcome(world.get('c'), world.read(world.get('c')))
    assert(found.kind === 'found' && Buffer.from(found.record.value).toString() === 'x')
  })

  test('what a crashed voter promised it keeps to, though it forgot', () => {
    const world = worldOf(ONE_CLUSTER)
    const b = world.get('b')
    const high = ballotOf(0, 5_000, 'z')
    assert.equal(ask(b, peer('z'), { kind: 'reserve', key, ballot: high })?.kind, 'promised')
    b.crash()
    b.restart()
    assert.equal(ask(b, peer('a'), { kind: 'commit', key, ballot: ballotOf(0, 4_999, 'a'), record: recordOf('x') })?.kind, 'rejected')
    assert.equal(ask(b, peer('y'), { kind: 'reserve', key, ballot: ballotOf(0, 5_000, 'y') })?.kind, 'rejected')
  })
})
