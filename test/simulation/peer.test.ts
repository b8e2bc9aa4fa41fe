/** What the simulated process around a core must do for faults to mean what they say. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterId, NetworkId } from '../../protocols/base/identity.ts'
import { protocolOf } from '../../protocols/types.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../../src/bytes.ts'
import { Agenda } from './agenda.ts'
import { Chance } from './chance.ts'
import { drawOptions } from './options.ts'
import { SimulatedPeer } from './peer.ts'
import { Trace } from './trace.ts'
import { Witness } from './witness.ts'

const SEED = 1
const CLUSTER = 'c' as ClusterId
/** An idle peer looks at its surroundings at least so often. */
const LOOK_MS = 1_000

/**
 * A network of one that ran for a while, and is paused from now on for ten looks; it had planned to
 * wake at some time.
 */
function paused(): { readonly peer: SimulatedPeer; readonly plannedMs: number | undefined; readonly pass: (elapsedMs: number) => void } {
  const agenda = new Agenda()
  const chance = new Chance(SEED)
  const peer = new SimulatedPeer(0, CLUSTER, 1, {
    agenda,
    chance,
    trace: new Trace(false),
    options: drawOptions(SEED, new Chance(SEED)),
    codec: new Codec(utf8),
    observer: new Witness(),
    transmit: () => undefined,
    disconnect: () => undefined,
    isCalm: true,
  })
  const clusters = new Map([[CLUSTER, [peer.identity]]])
  peer.found([{ networkId: chance.hex(32) as NetworkId, epoch: 0, clusters, forming: false, protocolMin: protocolOf([]) }])
  peer.start()
  const pass = (elapsedMs: number): void => agenda.runUntil(agenda.nowMs + elapsedMs)
  pass(LOOK_MS)
  peer.pausedUntilMs = agenda.nowMs + 10 * LOOK_MS
  return { peer, plannedMs: peer.core?.wakeAtMs, pass }
}

test('a peer that is paused does nothing, also what it had planned before', () => {
  const { peer, plannedMs, pass } = paused()
  pass(9 * LOOK_MS)
  assert.equal(peer.core?.wakeAtMs, plannedMs)
  pass(2 * LOOK_MS)
  assert.notEqual(peer.core?.wakeAtMs, plannedMs)
})

test('a peer that is resumed before its pause is over looks around at once', () => {
  const { peer, plannedMs, pass } = paused()
  pass(2 * LOOK_MS)
  assert.equal(peer.core?.wakeAtMs, plannedMs)
  peer.resume()
  pass(LOOK_MS)
  assert.notEqual(peer.core?.wakeAtMs, plannedMs)
})
