/** Configs: the chain, the epoch fence, and who has a vote: protocol, sections 2 and 4. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ProtocolViolation } from '../../protocols/base/assert.ts'
import type { ClusterId, NetworkId } from '../../protocols/base/identity.ts'
import { configKey, dataKey } from '../../protocols/base/register.ts'
import { ConfigChain, configRecord } from '../../protocols/config/chain.ts'
import type { Config } from '../../protocols/base/config.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import {
  Bench,
  TestWorld,
  ask,
  ballotOf,
  codec,
  configOf,
  configWrite,
  key,
  network,
  peer,
  persists,
  recordOf,
  sends,
  worldOf,
} from './core-harness.ts'
import type { TestPeer } from './core-harness.ts'

const NAMES = { c1: ['a', 'b', 'c'] }
const CHAIN = [configOf(0, NAMES), configOf(1, NAMES, { c1: ['a', 'b', 'd'] }), configOf(2, { c1: ['a', 'b', 'd'] })]

function chainOf(bench: Bench, newestEpoch = -1, wanted?: NetworkId): ConfigChain {
  return new ConfigChain(codec, bench.overlay, bench.outbox, newestEpoch, wanted)
}

function tell(to: TestPeer, configs: readonly Config[]): void {
  to.step({ kind: 'message', from: peer('z'), round: 0, message: { kind: 'configs', configs } })
}

function reserve(epoch: number): Parameters<typeof ask>[2] {
  return { kind: 'reserve', key, ballot: ballotOf(epoch, 1_000, 'z') }
}

function greetingOf(name: string): Greeting {
  const said = { clusterId: 'c1' as ClusterId, identity: peer(name), epoch: 0, ceiling: { epoch: 0, round: 1 }, minPeers: 1 }
  return { protocolMin: 1, protocolMax: 1, networkId: network, ...said, addresses: [] }
}

suite('the chain', () => {
  test('installs a config only when it follows the present one, and persists each', () => {
    const bench = new Bench()
    const chain = chainOf(bench)
    assert.equal(chain.offer([CHAIN[1] as Config]), 0)
    assert.equal(chain.offer([CHAIN[0] as Config]), 1)
    assert.equal(chain.offer([CHAIN[2] as Config]), 0)
    assert.equal(chain.offer([CHAIN[0] as Config, CHAIN[1] as Config, CHAIN[2] as Config]), 2)
    assert.equal(chain.epoch, 2)
    assert.deepEqual(
      persists(bench.take()).map((write) => (write.kind === 'chosen' ? write.key : undefined)),
      [0, 1, 2].map(configKey),
    )
  })

  test('begins with config 0, or with the oldest that another peer holds', () => {
    const chain = chainOf(new Bench())
    assert.equal(chain.offer([CHAIN[1] as Config, CHAIN[2] as Config], true), 2)
    assert.deepEqual(chain.since(0), CHAIN.slice(1))
    assert.equal(chain.offer([CHAIN[0] as Config], true), 0)
  })

  test('of a network that was begun again from a store gives out nothing of the network before', () => {
    const bench = new Bench()
    const before = 'ffffffffffffffffffffffffffffffff' as NetworkId
    chainOf(bench).offer(CHAIN.slice(0, 2).map((config) => ({ ...config, networkId: before })))
    const write = configWrite(configOf(2, { c1: ['a'] }))
    void bench.storage.write([...persists(bench.take()), write])
    const anew = chainOf(bench, 2)
    anew.offer([configOf(3, { c1: ['a'] }, NAMES)])
    assert.deepEqual(
      anew.since(0).map(({ epoch, networkId }) => [epoch, networkId]),
      [
        [2, network],
        [3, network],
      ],
    )
  })

  test('passes over configs of another network', () => {
    const other = 'ffffffffffffffffffffffffffffffff' as NetworkId
    const joined = chainOf(new Bench())
    joined.offer([CHAIN[0] as Config])
    assert.equal(joined.offer([{ ...(CHAIN[1] as Config), networkId: other }]), 0)
    assert.equal(joined.offer([{ ...(CHAIN[1] as Config), networkId: other }], true), 0)
    const wanting = chainOf(new Bench(), -1, network)
    assert.equal(wanting.offer([{ ...(CHAIN[0] as Config), networkId: other }]), 0)
    assert.equal(wanting.offer([CHAIN[0] as Config]), 1)
  })

  test('stops the peer when two configs are decided for one epoch', () => {
    const chain = chainOf(new Bench())
    chain.offer([CHAIN[0] as Config])
    assert.equal(chain.offer([CHAIN[0] as Config]), 0)
    assert.throws(() => chain.offer([configOf(0, { c1: ['z'] })]), ProtocolViolation)
  })

  test('is the same after a restart, and is given out from any epoch on', () => {
    const bench = new Bench()
    chainOf(bench).offer(CHAIN)
    bench.take()
    const reopened = chainOf(bench, 2)
    assert.deepEqual(reopened.current?.config, CHAIN[2])
    assert.deepEqual(reopened.since(0), CHAIN)
    assert.deepEqual(reopened.since(2), [CHAIN[2]])
    assert.deepEqual(reopened.since(3), [])
  })

  test('gives out no more configs at once than one message carries', () => {
    const chain = chainOf(new Bench())
    chain.offer(Array.from({ length: 100 }, (_, epoch) => configOf(epoch, NAMES)))
    assert.deepEqual(
      chain.since(10).map(({ epoch }) => epoch),
      Array.from({ length: 64 }, (_, index) => 10 + index),
    )
  })

  test('a network that begins above 0 grows like any other, and whoever joins late has its whole chain', () => {
    const world = new TestWorld()
    const a = world.add('a', 'c1', [configOf(7, { c1: ['a'] })])
    world.reach('it is ready alone', () => a.core.missing() === undefined, 1_000)
    world.outcome(a, world.put(a, 'x'))
    for (const name of ['b', 'c']) world.add(name, 'c1', [])
    world.connectAll()
    world.reach(
      'three vote',
      () => ['b', 'c'].every((name) => world.get(name).core.isVoter && world.get(name).core.chain.epoch === 9),
      10_000,
    )
    const late = world.add('d', 'c1', [])
    world.connect(late, world.get('c'))
    world.reach('it has the newest config', () => late.core.chain.epoch === 9, 1_000)
    assert.deepEqual(
      late.core.chain.since(0).map(({ epoch }) => epoch),
      [7, 8, 9],
    )
    assert.equal(late.core.isVoter, false)
    world.reach('it has the key', () => late.read(key)?.chosen !== undefined, 5_000)
    late.crash()
    late.restart()
    assert.equal(late.core.chain.epoch, 9)
  })

  test('a peer of the network before has nothing to do with the one begun anew from a peer of it', () => {
    const old = new TestWorld().add('x', 'c1', [configOf(0, { c1: ['x', 'a'] })])
    const anew = { ...configOf(1, { c1: ['a'] }), networkId: 'ffffffffffffffffffffffffffffffff' as NetworkId }
    tell(old, [anew])
    assert.equal(old.core.chain.epoch, 0)
    const effects = old.step({ kind: 'connected', remote: { ...greetingOf('a'), networkId: anew.networkId, epoch: 1 } })
    assert.equal(sends(effects).filter(({ message }) => message.kind === 'configs').length, 0)
    const health = {
      networkId: anew.networkId,
      epoch: 1,
      ceiling: { epoch: 1, round: 1 },
      caughtUp: true,
      keyCount: 0,
      inDoubtCount: 0,
      tokens: undefined,
    }
    const message = {
      kind: 'heartbeat',
      sentAtMs: 0,
      echoMs: undefined,
      wantsAnswer: false,
      doubted: [],
      reached: undefined,
      health: { ...health, root: new Uint8Array(16) },
    } as const
    const told = old.step({ kind: 'message', from: peer('a'), round: 0, message })
    assert.deepEqual(
      told.filter(({ kind }) => kind === 'disconnect'),
      [{ kind: 'disconnect', peerId: 'a', reason: 'other network' }],
    )
  })

  test('a peer that is a hundred configs behind catches up by asking on', () => {
    const world = new TestWorld()
    const long = Array.from({ length: 100 }, (_, epoch) => configOf(epoch, { c1: ['a'] }))
    const [a, b] = [world.add('a', 'c1', long), world.add('b', 'c1', [])]
    world.connect(a, b)
    world.reach('the newest config is installed', () => b.core.config?.epoch === 99, 1_000)
    assert.deepEqual(b.core.chain.since(0), long.slice(0, 64))
  })
})

suite('the epoch fence', () => {
  test('a request of an earlier epoch is answered with the configs missing and nothing else', () => {
    const b = new TestWorld().add('b', 'c1', CHAIN)
    for (const body of [
      reserve(0),
      { kind: 'commit', key, ballot: ballotOf(0, 1_000, 'z'), record: recordOf('x') },
      { kind: 'read', key, epoch: 0 },
    ] as const) {
      assert.deepEqual(ask(b, peer('z'), body), { kind: 'stale', configs: CHAIN.slice(1) })
    }
    assert.equal(b.read(key), undefined)
    assert.equal(b.core.load.promises, 0)
  })

  test('a request of a later epoch is not answered: the configs are asked for first', () => {
    const b = new TestWorld().add('b', 'c1', CHAIN.slice(0, 1))
    const effects = b.step({
      kind: 'message',
      from: peer('z'),
      round: 0,
      message: { kind: 'request', id: 1, target: b.identity, body: reserve(2) },
    })
    assert.deepEqual(
      sends(effects).map(({ message }) => message),
      [{ kind: 'configs-wanted', networkId: network, since: 1 }],
    )
    tell(b, CHAIN)
    assert.equal(ask(b, peer('z'), reserve(2))?.kind, 'promised')
  })

  test('no reply of a new epoch leaves before its config is synced', () => {
    const world = worldOf(NAMES)
    const b = world.get('b')
    b.syncsAtOnce = false
    tell(b, CHAIN)
    ask(b, peer('a'), { kind: 'read', key, epoch: 2 })
    ask(b, peer('a'), { kind: 'read', key, epoch: 0 })
    const repliesOf = (): string[] =>
      world.seen.flatMap(({ from, message }) => (from === 'b' && message.kind === 'reply' ? [message.vote.body.kind] : []))
    world.deliver()
    assert.deepEqual(repliesOf(), [])
    b.sync()
    world.deliver()
    assert.deepEqual(repliesOf(), ['seen', 'stale'])
  })

  test('a commit whose voters answer no more, their epoch being over, is begun anew in the newest', () => {
    const two = { c1: ['a', 'b'] }
    const chain = [configOf(0, two), configOf(1, two, { c1: ['a'] }), configOf(2, { c1: ['a'] })]
    const world = worldOf(two, chain.slice(0, 1))
    const [a, b] = [world.get('a'), world.get('b')]
    world.loses = (_, to, message) => to === 'b' && message.kind === 'request' && message.body.kind === 'commit'
    const client = world.put(a, 'x', { timeoutMs: 30_000 })
    world.reach('a holds the record as accepted', () => a.read(key)?.accepted !== undefined)
    b.crash()
    tell(a, chain)
    assert.equal(world.outcome(a, client).kind, 'created')
  })

  test('a crash before the sync of a config leaves neither the config nor a ceiling of its epoch', () => {
    const b = new TestWorld().add('b', 'c1', CHAIN.slice(0, 1))
    b.syncsAtOnce = false
    tell(b, CHAIN)
    ask(b, peer('z'), reserve(2))
    assert.equal(b.core.ceiling.epoch, 2)
    b.crash()
    b.restart()
    assert.equal(b.core.config?.epoch, 0)
    assert.equal(b.core.ceiling.epoch, 0)
  })
})

suite('who has a vote', () => {
  test('a learner, and a voter that lost its vote, answer no request', () => {
    const world = new TestWorld()
    assert.equal(ask(world.add('d', 'c1', CHAIN.slice(0, 1)), peer('z'), reserve(0)), undefined)
    assert.equal(ask(world.add('c', 'c1', CHAIN), peer('z'), reserve(2)), undefined)
    assert.equal(ask(world.add('a', 'c1', CHAIN), peer('z'), reserve(2))?.kind, 'promised')
  })

  test('while joint the voters of both sets answer for data, and the old ones alone for the next config', () => {
    const world = new TestWorld()
    const joint = CHAIN.slice(0, 2)
    const next = { kind: 'reserve', key: configKey(2), ballot: ballotOf(1, 1_000, 'z') } as const
    const [c, d] = [world.add('c', 'c1', joint), world.add('d', 'c1', joint)]
    assert.equal(ask(c, peer('z'), reserve(1))?.kind, 'promised')
    assert.equal(ask(d, peer('z'), reserve(1))?.kind, 'promised')
    assert.equal(ask(c, peer('z'), next)?.kind, 'promised')
    assert.equal(ask(d, peer('z'), next), undefined)
  })

  test('an epoch decides the config that follows it, and no other', () => {
    const b = new TestWorld().add('b', 'c1', CHAIN.slice(0, 1))
    for (const epoch of [0, 2, 7]) {
      assert.equal(ask(b, peer('z'), { kind: 'reserve', key: configKey(epoch), ballot: ballotOf(0, 1_000, 'z') }), undefined)
    }
  })

  test('a request for another incarnation is not answered', () => {
    const b = new TestWorld().add('b', 'c1', CHAIN.slice(0, 1))
    assert.equal(ask(b, peer('z'), reserve(0), peer('b', 1)), undefined)
  })

  test('a voter that comes back without its store neither votes nor is counted, and the others go on', () => {
    const world = worldOf(NAMES)
    const b = world.get('b')
    b.crash()
    b.restartEmpty()
    world.connectAll()
    world.reach('it is told the config', () => b.core.config !== undefined, 1_000)
    assert.equal(b.core.isVoter, false)
    assert.equal(ask(b, peer('z'), reserve(b.core.config?.epoch ?? 0)), undefined)
    assert.equal(world.outcome(world.get('a'), world.put(world.get('a'), 'x')).kind, 'created')
  })

  test('a founder that waits for company decides configs and no data', () => {
    const b = new TestWorld().add('a', 'c1', [{ ...configOf(0, { c1: ['a'] }), forming: true }])
    assert.equal(ask(b, peer('z'), reserve(0)), undefined)
    assert.equal(ask(b, peer('z'), { kind: 'reserve', key: configKey(1), ballot: ballotOf(0, 1_000, 'z') })?.kind, 'promised')
  })

  test('a peer whose vote is gone drops what it accepted, and keeps what is chosen', () => {
    const world = new TestWorld()
    const c = world.add('c', 'c1', CHAIN.slice(0, 1))
    const commit = { kind: 'commit', ballot: ballotOf(0, 1_000, 'z'), record: recordOf('x') } as const
    ask(c, peer('z'), { ...commit, key })
    ask(c, peer('z'), { ...commit, key: dataKey('other') })
    const learn: Message = { kind: 'learn', key: dataKey('other'), ballot: commit.ballot, record: undefined, spread: false }
    c.step({ kind: 'message', from: peer('z'), round: 0, message: learn })
    tell(c, CHAIN)
    world.advance(200)
    assert.equal(c.read(key)?.accepted, undefined)
    assert.notEqual(c.read(dataKey('other'))?.chosen, undefined)
    assert.equal(c.core.doubts.size, 0)
  })

  test('while a config is joint nobody drops anything', () => {
    const world = new TestWorld()
    const c = world.add('c', 'c1', CHAIN.slice(0, 1))
    ask(c, peer('z'), { kind: 'commit', key, ballot: ballotOf(0, 1_000, 'z'), record: recordOf('x') })
    tell(c, CHAIN.slice(0, 2))
    world.advance(200)
    assert.notEqual(c.read(key)?.accepted, undefined)
  })

  test('equal configs are equal records', () => {
    const [config] = CHAIN
    assert(config !== undefined)
    assert.deepEqual(configRecord(codec, config), configRecord(codec, { ...config, clusters: new Map(config.clusters) }))
    assert.equal(configWrite(config).kind, 'chosen')
  })
})
