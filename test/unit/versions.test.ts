/**
 * Who speaks only protocol versions that are too old for the network's config learns, and does not
 * vote.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ClusterId, Identity, PeerId } from '../../protocols/base/identity.ts'
import { knownPeers } from '../../protocols/config/known.ts'
import type { KnownNow } from '../../protocols/config/known.ts'
import { protocolMinAfter } from '../../protocols/config/versions.ts'
import { Roster } from '../../protocols/membership/roster.ts'
import { protocolOf } from '../../protocols/types.ts'
import type { AcceptorReply } from '../../protocols/wire/agreement-messages.ts'
import { Bench, TestWorld, ask, ballotOf, clusters, configOf, key, network, peer, recordOf, worldOf } from './core-harness.ts'

/**
 * Peers of one cluster of which the first alone votes, in a config that lets vote from this version
 * on.
 */
function worldAt(protocolMin: number): TestWorld {
  const world = new TestWorld()
  const chain = [{ ...configOf(0, { c1: ['a'] }), protocolMin }]
  for (const name of ['a', 'b', 'c']) world.add(name, 'c1', chain)
  world.connectAll()
  world.advance(10_000)
  return world
}

const CLUSTER = 'c1' as ClusterId
/** What a peer of this build speaks that has no further type. */
const LATEST = protocolOf([])

/**
 * What is known of these peers of one cluster, by the versions that they speak; `silent` ones do
 * not answer.
 */
function knownNow(speak: Record<string, number>, silent: readonly string[] = []): KnownNow {
  const peers = Object.entries(speak).map(([name, protocolMax]) => {
    const hindrance = silent.includes(name) ? ('silent' as const) : undefined
    return { identity: peer(name), clusterId: CLUSTER, minPeers: 1, protocolMax, hindrance }
  })
  return { peers, isUp: (voter) => peers.some(({ identity, hindrance }) => identity.id === voter.id && hindrance === undefined) }
}

/** What the config asks for after a change from voters to others, having asked for version 1. */
function raised(from: readonly string[], to: readonly string[], known: KnownNow): number {
  return protocolMinAfter({ ...configOf(4, { c1: from }), protocolMin: 1 }, clusters({ c1: to }), known)
}

function votersOf(world: TestWorld): string[] {
  return [...world.peers.values()].filter(({ core }) => core.isVoter).map(({ name }) => name)
}

suite('the protocol version of a config', () => {
  test('lets peers vote that speak it', () => {
    assert.deepEqual(votersOf(worldAt(LATEST)), ['a', 'b', 'c'])
  })

  test('keeps peers from voting that speak only older ones: they learn, serve, and say it once', () => {
    const world = worldAt(LATEST + 1)
    assert.deepEqual(votersOf(world), ['a'])
    const learner = world.get('b')
    assert.equal(learner.core.isTooOld, true)
    assert.equal(learner.notes.filter((note) => note.kind === 'too-old' && note.peerId === learner.identity.peerId).length, 1)
    const message = { kind: 'learn', key, ballot: undefined, record: recordOf('x'), spread: false } as const
    learner.step({ kind: 'message', from: peer('a'), round: 0, message })
    assert.equal(world.outcome(learner, world.read(learner)).kind, 'found')
  })

  test('rises by itself when all builds are newer, and not while one is not', () => {
    const newer = { name: 'a', code: 1, since: LATEST + 1, create: () => ({ told: () => undefined, asked: () => undefined }) }
    const started = (builds: (name: string) => readonly (typeof newer)[]): TestWorld =>
      worldOf({ c1: ['a', 'b', 'c'] }, [configOf(0, { c1: ['a', 'b', 'c'] })], builds)
    const world = started(() => [newer])
    world.reach('the config asks for the later version', () =>
      [...world.peers.values()].every(({ core }) => core.config?.protocolMin === LATEST + 1 && core.config.next === undefined),
    )
    assert.deepEqual(votersOf(world), ['a', 'b', 'c'])
    const { epoch } = world.get('a').core.chain
    world.advance(10_000)
    assert.equal(world.get('a').core.chain.epoch, epoch)
    const mixed = started((name) => (name === 'c' ? [] : [newer]))
    mixed.advance(10_000)
    assert.equal(mixed.get('a').core.chain.epoch, 0)
  })

  test('takes the voice of a voter that was set back to an older release', () => {
    const asked = (protocolMin: number): AcceptorReply | undefined => {
      const a = worldAt(protocolMin).get('a')
      return ask(a, peer('z'), { kind: 'reserve', key, ballot: ballotOf(a.core.chain.epoch, 1_000, 'z') })
    }
    assert.equal(asked(LATEST)?.kind, 'promised')
    assert.equal(asked(LATEST + 1), undefined)
  })

  test('is looked at for each peer by what it greeted with', () => {
    const bench = new Bench()
    const roster = new Roster('self' as PeerId, 'c1' as ClusterId, { nowMs: 0 }, bench.outbox)
    for (const [name, protocolMax] of [
      ['old', 1],
      ['new', 2],
    ] as const) {
      const told = { protocolMin: 1, protocolMax, networkId: network, clusterId: 'c1' as ClusterId, identity: peer(name), epoch: 0 }
      const met = roster.greeted({ ...told, ceiling: { epoch: 0, round: 0 }, minPeers: 1, addresses: [] })
      const health = {
        networkId: network,
        epoch: 0,
        ceiling: { epoch: 0, round: 0 },
        caughtUp: true,
        keyCount: 0,
        root: new Uint8Array(16),
      }
      roster.onHeartbeat(met, { ...health, inDoubtCount: 0, tokens: undefined })
    }
    const self = { identity: peer('self'), clusterId: 'c1' as ClusterId, minPeers: 1, protocolMax: 2, hindrance: undefined }
    const hindrances = knownPeers(self, roster, 2).map(({ identity, hindrance }) => `${identity.peerId}: ${hindrance}`)
    assert.deepEqual(hindrances, ['self: undefined', 'old: protocol too old', 'new: undefined'])
  })
})

suite('a change of the config', () => {
  test('asks of voters what everybody speaks', () => {
    assert.equal(raised(['a'], ['a', 'b', 'c'], knownNow({ a: 3, b: 2, c: 4 })), 2)
  })

  test('asks for no more than before while a voter, old or new, or a learner that is there speaks no more', () => {
    assert.equal(raised(['a', 'b'], ['a', 'c'], knownNow({ a: 2, b: 1, c: 2 })), 1)
    assert.equal(raised(['a', 'b'], ['a', 'c'], knownNow({ a: 2, b: 2, c: 1 })), 1)
    assert.equal(raised(['a'], ['a', 'b', 'c'], knownNow({ a: 2, b: 2, c: 2, learner: 1 })), 1)
  })

  test('asks for no more than before while a voter does not answer, and does not wait for learners that are gone', () => {
    assert.equal(raised(['a', 'b'], ['a', 'c'], knownNow({ a: 2, b: 2, c: 2 }, ['b'])), 1)
    assert.equal(raised(['a', 'b'], ['a', 'c'], knownNow({ a: 2, c: 2 })), 1)
    const isPutBack = { ...knownNow({ a: 2, b: 2, c: 2 }), isUp: (voter: Identity) => voter.peerId !== 'b' }
    assert.equal(raised(['a', 'b'], ['a', 'c'], isPutBack), 1)
    assert.equal(raised(['a'], ['a', 'b', 'c'], knownNow({ a: 2, b: 2, c: 2, learner: 1 }, ['learner'])), 2)
  })

  test('never asks for less than before', () => {
    const config = { ...configOf(4, { c1: ['a'] }), protocolMin: 3 }
    assert.equal(protocolMinAfter(config, clusters({ c1: ['a', 'b', 'c'] }), knownNow({ a: 2, b: 2, c: 2 })), 3)
  })

  test('is as good by itself as by request: both leave what this release speaks, when all speak it', () => {
    const world = worldAt(LATEST - 1)
    assert.deepEqual(votersOf(world), ['a', 'b', 'c'])
    assert.deepEqual(
      world
        .get('b')
        .core.chain.since(0)
        .map(({ protocolMin }) => protocolMin),
      [LATEST - 1, LATEST, LATEST],
    )
    const other = new TestWorld()
    const chain = [{ ...configOf(0, { c1: ['a', 'b', 'c'] }), protocolMin: LATEST - 1 }]
    for (const name of ['a', 'b', 'c']) other.add(name, 'c1', chain)
    other.connectAll()
    other.advance(1_000)
    const a = other.get('a')
    other.change(a, { remove: [peer('c').peerId] })
    other.advance(10_000)
    assert.deepEqual(a.core.config?.protocolMin, LATEST)
  })
})
