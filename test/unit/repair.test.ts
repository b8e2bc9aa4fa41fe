/**
 * How a chosen record becomes known to everyone: spreading, coming back from being away, and
 * looking at others.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { dataKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import { HASH_BYTES } from '../../protocols/base/hash-tree.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { ask, ballotOf, configOf, key, network, peer, recordOf, sends, worldOf } from './core-harness.ts'
import type { TestPeer, TestWorld } from './core-harness.ts'

const VOTERS = { c1: ['a'], c2: ['d'], c3: ['g'] }
/** Two learners beside each voter. */
const PEERS = { c1: ['a', 'b', 'c'], c2: ['d', 'e', 'f'], c3: ['g', 'h', 'i'] }

function withLearners(): TestWorld {
  return worldOf(PEERS, [configOf(0, VOTERS)])
}

function has(at: TestPeer, of: RegisterKey = key): boolean {
  return at.read(of)?.chosen !== undefined
}

function everybodyHas(world: TestWorld): boolean {
  return [...world.peers.values()].every((each) => has(each))
}

function learns(world: TestWorld, to: string): { from: string; carries: boolean }[] {
  return world.seen.flatMap(({ from, to: told, message }) => {
    return told === to && message.kind === 'learn' ? [{ from, carries: message.record !== undefined }] : []
  })
}

suite('spreading', () => {
  test('a remote cluster is told once, by the ballot alone, and its representative passes the record on', () => {
    const world = withLearners()
    world.outcome(world.get('a'), world.put(world.get('a'), 'x'))
    world.reach('everybody has it', () => everybodyHas(world), 1_000)
    const across = world.seen.filter(({ from, to, message }) => 'abc'.includes(from) && 'def'.includes(to) && message.kind === 'learn')
    assert.equal(across.length, 1)
    assert(across[0]?.message.kind === 'learn' && across[0].message.record === undefined)
  })

  test('a representative without a vote recalls what it relayed', () => {
    const world = withLearners()
    const record = recordOf('x')
    const ballot = ballotOf(0, 9_000, 'a')
    const [a, e] = [world.get('a'), world.get('e')]
    const tell = (message: Message): void => void e.step({ kind: 'message', from: a.identity, round: 0, message })
    tell({ kind: 'relay', id: 1, targets: [world.get('d').identity], body: { kind: 'commit', key, ballot, record } })
    tell({ kind: 'learn', key, ballot, record: undefined, spread: 'cluster' })
    assert.equal(has(e), true)
    world.deliver()
    assert.equal(has(world.get('d')), true)
    assert.equal(has(world.get('f')), true)
    assert.equal(world.seen.filter(({ message }) => message.kind === 'want').length, 0)
  })

  test('a learn without record takes what was accepted at exactly its ballot, and asks for any other', () => {
    const world = withLearners()
    const d = world.get('d')
    const ballot = ballotOf(0, 9_000, 'a')
    ask(d, peer('a'), { kind: 'commit', key, ballot, record: recordOf('x') })
    const learn = (at: typeof ballot): Message[] => {
      const message: Message = { kind: 'learn', key, ballot: at, record: undefined, spread: false }
      return sends(d.step({ kind: 'message', from: peer('a'), round: 0, message })).map((send) => send.message)
    }
    assert.deepEqual(learn({ ...ballot, round: 9_001 }), [{ kind: 'want', key }])
    assert.equal(has(d), false)
    assert.deepEqual(learn(ballot), [])
    assert.equal(has(d), true)
  })

  test('a representative that must ask for the record passes it on once it has it', () => {
    const world = withLearners()
    world.outcome(world.get('a'), world.put(world.get('a'), 'x', { key: dataKey('other') }))
    world.advance(100)
    const ballot = ballotOf(0, 9_000, 'a')
    const e = world.get('e')
    e.step({
      kind: 'message',
      from: world.get('a').identity,
      round: 0,
      message: { kind: 'learn', key, ballot, record: undefined, spread: 'cluster' },
    })
    const record = recordOf('x')
    e.step({
      kind: 'message',
      from: world.get('a').identity,
      round: 0,
      message: { kind: 'learn', key, ballot: undefined, record, spread: false },
    })
    world.deliver()
    assert.equal(has(world.get('f')), true)
  })

  test('a peer that lacks a record gives nothing to one that wants it', () => {
    const world = withLearners()
    const effects = world.get('b').step({ kind: 'message', from: peer('a'), round: 0, message: { kind: 'want', key } })
    assert.deepEqual(sends(effects), [])
  })

  test('what was lost on the way is repaired, in every cluster', () => {
    const world = withLearners()
    world.loses = (_, __, message) => message.kind === 'learn'
    world.outcome(world.get('a'), world.put(world.get('a'), 'x'))
    world.reach('everybody has it', () => everybodyHas(world), 30_000)
    const roots = new Set([...world.peers.values()].map(({ core }) => Buffer.from(core.chosen.tree.rootHash()).toString('hex')))
    assert.equal(roots.size, 1)
  })

  test('voters that accepted a record are given its ballot, learners the record', () => {
    const world = worldOf({ c1: ['a', 'b', 'c', 'l'] }, [configOf(0, { c1: ['a', 'b', 'c'] })])
    world.outcome(world.get('a'), world.put(world.get('a'), 'x'))
    world.advance(50)
    assert.deepEqual(learns(world, 'b'), [{ from: 'a', carries: false }])
    assert.deepEqual(learns(world, 'l'), [{ from: 'a', carries: true }])
  })
})

suite('being away', () => {
  test('a peer that comes back has everything again, though every third message is lost', () => {
    const world = worldOf({ c1: ['a', 'b', 'c'] })
    const c = world.get('c')
    c.crash()
    const keys = Array.from({ length: 50 }, (_, number) => dataKey(`key ${number}`))
    for (const each of keys) world.outcome(world.get('a'), world.put(world.get('a'), 'x', { key: each }))
    c.restart()
    world.loses = (from, to) => from !== to && world.random() < 1 / 3
    world.connectAll()
    world.reach('everything is back', () => keys.every((each) => has(c, each)), 60_000)
  })

  test('a learner that joins late has everything before it says that it is complete', () => {
    const world = worldOf({ c1: ['a'] })
    const keys = Array.from({ length: 50 }, (_, number) => dataKey(`key ${number}`))
    for (const each of keys) world.outcome(world.get('a'), world.put(world.get('a'), 'x', { key: each }))
    const late = world.add('l', 'c1', [])
    world.connectAll()
    world.reach('it is complete', () => late.core.caughtUp, 10_000)
    assert(keys.every((each) => has(late, each)))
  })

  /** Peer c is away, or gone, while so many keys are put at a; then all meet again. */
  function missed(count: number, isGone: boolean): { world: TestWorld; c: TestPeer; keys: readonly RegisterKey[] } {
    const world = worldOf({ c1: ['a', 'b', 'c'] })
    const [a, c] = [world.get('a'), world.get('c')]
    if (isGone) c.crash()
    else world.forget(c)
    const keys = Array.from({ length: count }, (_, number) => dataKey(`key ${number}`))
    for (const each of keys) world.outcome(a, world.put(a, 'x', { key: each }))
    if (isGone) c.restart()
    world.seen.length = 0
    world.connectAll()
    world.reach('c has everything', () => keys.every((each) => has(c, each)), 10_000)
    return { world, c, keys }
  }

  for (const isGone of [true, false]) {
    test(`what all others have is copied from one of them, by a peer that ${isGone ? 'starts' : 'was cut off'}`, () => {
      const { world, keys } = missed(50, isGone)
      const copied = world.seen.flatMap(({ to, message }) => (to === 'c' && message.kind === 'records' ? message.records : []))
      assert.equal(copied.length, keys.length)
    })
  }

  test('a peer that holds far fewer keys has time to fill itself before it is asked for what it has more, and is asked then', () => {
    const world = worldOf({ c1: ['a', 'b'] }, [configOf(0, { c1: ['a'] })])
    world.forget(world.get('b'))
    for (let number = 0; number < 8_200; number += 1) {
      const message: Message = { kind: 'learn', key: dataKey(`key ${number}`), ballot: undefined, record: recordOf('x'), spread: false }
      world.get('a').step({ kind: 'message', from: peer('z'), round: 0, message })
    }
    const own: Message = { kind: 'learn', key: dataKey('own'), ballot: undefined, record: recordOf('x'), spread: false }
    world.get('b').step({ kind: 'message', from: peer('z'), round: 0, message: own })
    // What b asks is lost, so that it cannot fill itself.
    world.loses = (from, _, message) => from === 'b' && message.kind.endsWith('-wanted')
    const since = world.seen.length
    const isAsked = (): boolean => world.seen.slice(since).some(({ to, message }) => to === 'b' && message.kind === 'hashes-wanted')
    world.connectAll()
    world.advance(10_000)
    assert.equal(isAsked(), false)
    world.reach('b is asked', isAsked, 12_000)
  })
})

suite('looking at others', () => {
  /** Says in a peer's name that it holds what nobody else does. */
  function pretend(world: TestWorld, to: string, name: string): void {
    const root = Uint8Array.from({ length: HASH_BYTES }, () => world.random() * 256)
    const ceiling = { epoch: 0, round: 1_000_000 }
    const health = { networkId: network, epoch: 0, ceiling, caughtUp: true, keyCount: 1, root, inDoubtCount: 0, tokens: undefined }
    const beat = { sentAtMs: world.nowMs, echoMs: undefined, wantsAnswer: false, health, doubted: [], reached: undefined }
    world.get(to).step({ kind: 'message', from: world.get(name).identity, round: 0, message: { kind: 'heartbeat', ...beat } })
  }

  /**
   * When a begins to pull, while others pretend for a time that they hold something else each
   * moment.
   */
  function pullsOf(world: TestWorld, names: readonly string[], forMs: number): number[] {
    const pulledAtMs: number[] = []
    for (const endMs = world.nowMs + forMs; world.nowMs < endMs;) {
      for (const name of names) pretend(world, 'a', name)
      const from = world.seen.length
      world.advance(100)
      const begun = world.seen.slice(from).filter((each) => each.from === 'a' && isFirstQuestion(each.message))
      pulledAtMs.push(...begun.map(() => world.nowMs))
    }
    return pulledAtMs
  }

  const isFirstQuestion = (message: Message): boolean =>
    message.kind === 'hashes-wanted' && message.group === undefined && message.minEpoch === 0

  function hasPulled(world: TestWorld, from: string): boolean {
    return world.seen.some((each) => each.from === from && isFirstQuestion(each.message))
  }

  test('one that holds what was all here a while ago is not pulled from', () => {
    const world = worldOf({ c1: ['a', 'b'] }, [configOf(0, { c1: ['a'] })])
    const [a, b] = [world.get('a'), world.get('b')]
    world.outcome(a, world.put(a, 'x', { key: dataKey('before') }))
    world.reach('b has it', () => has(b, dataKey('before')))
    // Nothing more is made known to b.
    world.loses = (_, to, message) => to === 'b' && ['learn', 'hashes', 'leaves', 'records'].includes(message.kind)
    world.outcome(a, world.put(a, 'x'))
    world.advance(20_000)
    world.forget(b)
    world.connectAll()
    world.advance(5_000)
    assert.deepEqual([has(b), hasPulled(world, 'a')], [false, false])
  })

  test('what comes soon after its root was told is not pulled; what does not come is', () => {
    const world = worldOf({ c1: ['a', 'b'] }, [configOf(0, { c1: ['a'] })])
    const [a, b] = [world.get('a'), world.get('b')]
    const isBeat = ({ to, message }: { to: string; message: Message }): boolean => to === 'b' && message.kind === 'heartbeat'
    world.loses = (_, to, message) => to === 'b' && message.kind === 'learn'
    for (let number = 0; number < 20; number += 1) {
      const each = dataKey(`key ${number}`)
      world.outcome(a, world.put(a, 'x', { key: each, writeId: 'w' }))
      const from = world.seen.length
      world.reach('its root is told', () => world.seen.slice(from).some(isBeat))
      world.advance(700)
      const record = a.read(each)?.chosen
      const message: Message = { kind: 'learn', key: each, ballot: undefined, record, spread: false }
      b.step({ kind: 'message', from: a.identity, round: 0, message })
    }
    assert.equal(hasPulled(world, 'b'), false)
    world.outcome(a, world.put(a, 'x'))
    world.reach('it is pulled', () => has(b), 6_000)
  })

  test('pulls that bring nothing become rarer', () => {
    const world = worldOf({ c1: ['a', 'b'] })
    const pulls = pullsOf(world, ['b'], 120_000)
    assert(pulls.length >= 8 && pulls.length <= 14, pulls.join())
  })

  for (const [where, apartMs] of [
    ['its cluster', 1_000],
    ['other clusters', 2_000],
  ] as const) {
    test(`of many peers of ${where} one is pulled from at a time, and each has its turn`, () => {
      const others = Array.from({ length: 24 }, (_, index) => `o${index}`)
      const names = Object.fromEntries([['c', ['a']], ...others.map((name) => [name, [name]] as const)])
      const world = worldOf(where === 'its cluster' ? { c: ['a', ...others] } : names, [configOf(0, { c: ['a'] })])
      const pulls = pullsOf(world, others, 40 * apartMs)
      assert(
        pulls.every((atMs, index) => atMs - (pulls[index - 1] ?? 0) > apartMs - 200),
        pulls.join(),
      )
      const pulled = new Set(world.seen.flatMap(({ from, to, message }) => (from === 'a' && isFirstQuestion(message) ? [to] : [])))
      assert.deepEqual([...pulled].toSorted(), others.toSorted())
    })
  }
})
