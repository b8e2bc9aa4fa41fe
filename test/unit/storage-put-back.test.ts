/**
 * A store that was put back has forgotten what it voted for. Those who remember it leave it out of
 * every count.
 */
import { ceilingWrite } from '../../protocols/base/persist.ts'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CEILING_NONE, CEILING_STRIDE_ROUNDS } from '../../protocols/base/ballot.ts'
import type { Ceiling } from '../../protocols/base/ballot.ts'
import { HEARTBEAT_MS } from '../../protocols/membership/heartbeats.ts'
import { Rounds, raisedAtOpening } from '../../protocols/agreement/rounds.ts'
import { Bench, ask, ballotOf, configOf, key, peer, persists, recordOf, sends, worldOf } from './core-harness.ts'
import type { TestPeer, TestWorld } from './core-harness.ts'

const NAMES = { c1: ['a', 'b', 'c'] }

/** Peer c greets a again, and tells it this ceiling. */
function comesBack(world: TestWorld, ceiling: Ceiling): { a: TestPeer; c: TestPeer } {
  const [a, c] = [world.get('a'), world.get('c')]
  const { identity, clusterId, core } = c
  a.step({ kind: 'disconnected', peerId: identity.peerId, reason: 'stopped' })
  const said = { networkId: core.chain.networkId, clusterId, identity, epoch: core.chain.epoch, ceiling, minPeers: 1, addresses: [] }
  a.step({ kind: 'connected', remote: { protocolMin: 1, protocolMax: 1, ...said } })
  const health = {
    networkId: core.chain.networkId,
    epoch: 0,
    ceiling,
    caughtUp: true,
    keyCount: 0,
    root: new Uint8Array(16),
    inDoubtCount: 0,
    tokens: undefined,
  }
  const beat = { kind: 'heartbeat', sentAtMs: 0, echoMs: world.nowMs, wantsAnswer: false, health, doubted: [], reached: undefined } as const
  a.step({ kind: 'message', from: identity, round: 0, message: beat })
  return { a, c }
}

describe('the ceiling of an opening', () => {
  it('is raised once more when somebody has heard it, and not again', () => {
    const bench = new Bench()
    const opened = raisedAtOpening(CEILING_NONE)
    const rounds = new Rounds(peer('c'), bench.outbox, opened, CEILING_NONE)
    rounds.onHeard()
    rounds.onHeard()
    assert.deepEqual(persists(bench.take()), [ceilingWrite({ epoch: 0, round: 2 * CEILING_STRIDE_ROUNDS })])
  })

  it('is lower, for a copy made before the last opening, than what others remember', () => {
    const world = worldOf(NAMES, [configOf(0, NAMES)])
    world.advance(2 * HEARTBEAT_MS)
    const { a, c } = comesBack(world, raisedAtOpening(CEILING_NONE))
    assert.equal(a.core.roster.isPutBack(c.identity.id), true)
  })

  it('is no lower than what others remember when the store is the one that was closed', () => {
    const world = worldOf(NAMES, [configOf(0, NAMES)])
    const { a, c } = comesBack(world, raisedAtOpening(world.get('c').core.ceiling))
    assert.equal(a.core.roster.isPutBack(c.identity.id), false)
    assert.equal(a.core.hasAnswered(c.identity), true)
  })
})

describe('a voter whose store was put back', () => {
  it('gets no vote for what it asks, itself or through others, while others do', () => {
    const { a, c } = comesBack(worldOf(NAMES, [configOf(0, NAMES)]), CEILING_NONE)
    const b = peer('b')
    const round = 500_000
    assert.equal(ask(a, c.identity, { kind: 'reserve', key, ballot: ballotOf(0, round, 'c') }), undefined)
    assert.equal(ask(a, b, { kind: 'reserve', key, ballot: ballotOf(0, round, 'c') }), undefined)
    assert.equal(ask(a, b, { kind: 'commit', key, ballot: ballotOf(0, round, 'c'), record: recordOf('x') }), undefined)
    assert.equal(ask(a, c.identity, { kind: 'read', key, epoch: 0 }), undefined)
    assert.equal(ask(a, b, { kind: 'read', key, epoch: 0 })?.kind, 'seen')
    assert.equal(ask(a, b, { kind: 'reserve', key, ballot: ballotOf(0, round, 'b') })?.kind, 'promised')
  })

  it('relays nothing, counts as missing, and is told of as refused', () => {
    const { a, c } = comesBack(worldOf(NAMES, [configOf(0, NAMES)]), CEILING_NONE)
    const relay = { kind: 'relay', id: 1, targets: [a.identity], body: { kind: 'read', key, epoch: 0 } } as const
    assert.deepEqual(sends(a.step({ kind: 'message', from: c.identity, round: 0, message: relay })), [])
    assert.equal(a.core.hasAnswered(c.identity), false)
    assert.ok(a.notes.some((note) => note.kind === 'refused' && note.peerId === c.identity.peerId))
  })
})
