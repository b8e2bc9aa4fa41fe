/**
 * Peers that are killed with -9 in the middle of writes, a few and all at once, and what is left of
 * it when they are back.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { holdTheSame, Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'
import { Writers, assertHeld } from './writers.ts'

/**
 * Writes go on at the others with no longer a pause than this. It is a fraction of a second where
 * nothing else has the processors.
 */
const GAP_MS = 5_000
/** A peer that comes back holds what it missed within this time of being ready to serve. */
const CATCH_UP_MS = 60_000
const SUCCESSES_FIRST = 10
/** So many puts take seconds, and far longer where other work has the processors. */
const WRITING_MS = 90_000
/** How long the others are watched, in puts that succeed. */
const SUCCESSES_WITHOUT = 150

let network: Network
before(async () => {
  network = await Network.ofTwoClusters()
})
after(() => network.close())

describe('one peer of each cluster is killed in the middle of writes, the bootstrap peer among them', () => {
  it('puts and gets at the others go on, and the killed hold all they missed soon after they are back, under their names', async (context) => {
    const killed = [network.inCluster('cluster-1')[0], network.inCluster('cluster-2')[0]] as PeerProcess[]
    const others = network.peers.filter((peer) => !killed.includes(peer))
    const ids = killed.map((peer) => peer.peerId)
    const writers = new Writers(others)
    await until(
      'writes go on at every peer',
      () => others.every((peer) => writers.successes.filter((success) => success.peer === peer).length > SUCCESSES_FIRST),
      WRITING_MS,
    )
    const killedAtMs = performance.now()
    const countBefore = writers.successes.length
    for (const peer of killed) peer.signal('SIGKILL')
    await until(
      'writes go on without them',
      () => writers.successes.length > countBefore + SUCCESSES_WITHOUT && performance.now() > killedAtMs + 2_000,
      WRITING_MS,
    )
    const watchedUntilMs = performance.now()
    for (const peer of others) {
      const { key } = writers.successes.at(-1) ?? { key: '' }
      assert.equal((await peer.client.get(key)).status, 200)
      assert.equal((await peer.client.get('nobody/wrote/this')).status, 404)
    }
    const gapsMs = others.map((peer) => Math.round(writers.longestGapMs(peer, killedAtMs - 500, watchedUntilMs)))
    context.diagnostic(`longest time without a successful put, at each of the others: ${gapsMs.join(', ')} ms`)

    await Promise.all(killed.map((peer) => peer.ended()))
    await Promise.all(killed.map((peer) => peer.start()))
    const backAtMs = performance.now()
    assert.deepEqual(
      killed.map((peer) => peer.peerId),
      ids,
    )
    const missed = writers.successes.filter((success) => success.atMs < backAtMs)
    for (const peer of killed) {
      await until(
        `${peer.name} holds what it missed`,
        async () => {
          const held = await peer.client.keys()
          return missed.every(({ key }) => held.has(key))
        },
        CATCH_UP_MS - (performance.now() - backAtMs),
      )
    }
    context.diagnostic(`${missed.length} keys were held ${Math.round(performance.now() - backAtMs)} ms after the killed served again`)
    await writers.stop()
    for (const peer of killed) await assertHeld(peer, missed)
    assert.deepEqual([...writers.refusals], [])
    assert.ok(Math.max(...gapsMs) < GAP_MS, `no put succeeded for ${Math.max(...gapsMs)} ms`)
  })
})

describe('all peers are killed at once under load', () => {
  it('every acknowledged key is there with its value when they are back, in whatever order', async (context) => {
    await network.settled()
    const writers = new Writers(network.peers, 4, 2_000, 'all')
    await until('writes go on', () => writers.successes.length > SUCCESSES_WITHOUT, WRITING_MS)
    for (const peer of network.peers) peer.signal('SIGKILL')
    await Promise.all(network.peers.map((peer) => peer.ended()))
    await writers.stop()
    const backwards = network.peers.toReversed()
    for (const peer of backwards) peer.spawn()
    await Promise.all(network.peers.map((peer) => peer.ready()))
    context.diagnostic(`${writers.successes.length} acknowledged keys`)
    for (const peer of network.peers) {
      for (const { key } of writers.successes.slice(-20)) {
        assert.equal((await peer.client.get(key)).body.toString(), key)
      }
      await until(`${peer.name} holds all`, async () => {
        const held = await peer.client.keys('all/')
        return writers.successes.every(({ key }) => held.has(key))
      })
      await assertHeld(peer, writers.successes)
    }
    await until('no key is in doubt, and all peers hold the same', () => holdTheSame(network.peers))
  })
})
