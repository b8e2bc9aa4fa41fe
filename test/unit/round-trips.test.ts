/** How far a quorum is taken to be, by what heartbeats measured and by what quorums took lately. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Latencies } from '../../protocols/agreement/latency.ts'
import { RoundTrips } from '../../protocols/agreement/round-trips.ts'
import { Quorum } from '../../protocols/base/quorum.ts'
import type { Reach } from '../../protocols/base/reach.ts'
import type { ClusterId } from '../../protocols/base/identity.ts'
import { key, peer } from './core-harness.ts'

const cluster = 'c' as ClusterId

/** @param roundTripMs to the others, as heartbeats measured it */
function roundTrips(latencies: Latencies, roundTripMs: number): RoundTrips {
  const reach: Reach = {
    clusterId: cluster,
    isConnected: () => true,
    isConnectedAs: () => true,
    speaks: () => true,
    representatives: () => [],
    roundTripMs: () => roundTripMs,
  }
  const quorum = new Quorum([new Map([[cluster, [peer('a'), peer('b'), peer('c')]]])])
  return new RoundTrips(peer('a'), reach, latencies, () => quorum)
}

suite('how long a quorum takes lately', () => {
  test('is what quorums took, where that is longer than the way to them', () => {
    const latencies = new Latencies()
    for (let answers = 0; answers < 40; answers += 1) latencies.observeQuorum(400)
    const ms = roundTrips(latencies, 1).latelyToDecideMs(key)
    assert.ok(ms > 390 && ms <= 400, `${ms}`)
  })

  test('is no minute, though one answer waited so long for a quorum to come back', () => {
    const latencies = new Latencies()
    latencies.observeQuorum(60_000)
    assert.equal(roundTrips(latencies, 1).latelyToDecideMs(key), 2_000)
  })

  test('is never less than the way to them, however far that is', () => {
    assert.equal(roundTrips(new Latencies(), 9_000).latelyToDecideMs(key), 9_000)
  })
})
