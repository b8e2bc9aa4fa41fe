/** What `/peers` shows of peers, read off the core. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId, PeerName } from '../../protocols/base/identity.ts'
import { onRoundTrip } from '../../protocols/membership/roster-peer.ts'
import type { RosterPeer } from '../../protocols/membership/roster-peer.ts'
import type { PeerCore } from '../../protocols/peer.ts'
import { PeerNames } from '../../src/peer/peer-names.ts'
import { peersView } from '../../src/peer/views.ts'
import type { Surroundings } from '../../src/peer/views.ts'

const OTHER = 'other' as PeerId

function shown(peer: Partial<RosterPeer>): ReturnType<typeof peersView>[number] | undefined {
  const core = { identity: { peerId: 'self' }, clusterId: 'berlin', roster: { all: () => [peer] }, chain: { voterOf: () => undefined } }
  const names = new PeerNames('self' as PeerId, undefined, { [OTHER]: 'paris-1' })
  const clock = { nowMs: () => 1_000, wallMs: () => 1_000 }
  return peersView(core as unknown as PeerCore, { names, clock, addresses: () => [] } as unknown as Surroundings)[1]
}

test('a pause that one of few round trips met is not shown as the way to a peer', () => {
  const peer = { peerId: OTHER, lastHeardMs: 0, rttMs: undefined, roundTripsMs: [], usualRoundTripMs: undefined } as unknown as RosterPeer
  assert.equal(shown(peer)?.rttMs, null)
  for (const roundTripMs of [400, 1]) onRoundTrip(peer, roundTripMs)
  assert.equal(shown(peer)?.rttMs, 1)
})

test('a peer is shown with its name, and null where nobody said', () => {
  const peer = { peerId: OTHER, lastHeardMs: 0, roundTripsMs: [] }
  assert.equal(shown(peer)?.name, 'paris-1' as PeerName)
  assert.equal(shown({ ...peer, peerId: 'third' as PeerId })?.name, null)
})
