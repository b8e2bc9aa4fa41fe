/** Clusters that arrive while clients write: nothing acknowledged is lost, and writes go on. */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { holdTheSame, Network, until } from './network.ts'
import { Writers, assertHeld } from './writers.ts'

/**
 * Writes pause no longer than this while a cluster is admitted. Starting processes take the
 * processors too.
 */
const GAP_MS = 20_000
const SUCCESSES_FIRST = 100

let network: Network
before(async () => {
  network = await Network.create()
})
after(() => network.close())

it('a second and a third cluster arrive under load: writes go on, and every acknowledged key is at every peer', async (context) => {
  const first = await network.grow('cluster-1', 3)
  await network.settled()
  const writers = new Writers(first)
  await until('writes go on', () => writers.successes.length > SUCCESSES_FIRST, 90_000)
  const fromMs = performance.now()
  for (const clusterId of ['cluster-2', 'cluster-3']) {
    const startedMs = performance.now()
    await network.grow(clusterId, 3)
    await network.settled()
    context.diagnostic(
      `${clusterId} started and voted within ${Math.round(performance.now() - startedMs)} ms, after ${writers.successes.length} puts`,
    )
  }
  const arrivedCount = writers.successes.length
  await until('writes go on with three clusters', () => writers.successes.length > arrivedCount + SUCCESSES_FIRST, 90_000)
  const toMs = performance.now()
  await writers.stop()
  const gapsMs = first.map((peer) => Math.round(writers.longestGapMs(peer, fromMs, toMs)))
  context.diagnostic(`longest time without a successful put, at each peer: ${gapsMs.join(', ')} ms`)
  assert.deepEqual([...writers.refusals], [])
  const views = await Promise.all(network.peers.map((peer) => peer.client.status()))
  for (const view of views) assert.deepEqual(Object.keys(view.quorum).toSorted(), ['cluster-1', 'cluster-2', 'cluster-3'])
  await until('all peers hold the same', () => holdTheSame(network.peers))
  for (const peer of network.peers) await assertHeld(peer, writers.successes)
  assert.ok(Math.max(...gapsMs) < GAP_MS, `no put succeeded for ${Math.max(...gapsMs)} ms`)

  // One whole cluster of three may go.
  for (const peer of network.inCluster('cluster-1')) await peer.kill()
  for (const peer of [...network.inCluster('cluster-2'), ...network.inCluster('cluster-3')]) {
    assert.equal((await peer.client.put(`without-cluster-1/${peer.name}`, 'x')).status, 201)
    assert.equal((await peer.client.get(writers.successes.at(-1)?.key ?? '')).status, 200)
    assert.equal((await peer.client.get('known/to/nobody')).status, 404)
  }
})
