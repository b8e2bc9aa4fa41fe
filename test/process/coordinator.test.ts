/**
 * A coordinator that dies between two phases of a put leaves nothing that the others do not settle,
 * one way, everywhere.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { CrashPoint } from './crash-points.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

/** Some seconds, and far more where other work has the processors. */
const SETTLED_MS = 60_000
const PRELOAD = new URL('crash-points.ts', import.meta.url).href

let network: Network
before(async () => {
  network = await Network.ofTwoClusters()
})
after(() => network.close())

/**
 * Has a peer die at the point of a put of the key, which begins as it is told.
 * @returns the others, and when it died
 */
async function crashAt(
  peer: PeerProcess,
  point: CrashPoint,
  key: string,
  begin: 'by an offer' | 'by a reserve' = 'by a reserve',
): Promise<{ others: PeerProcess[]; diedAtMs: number }> {
  await peer.kill()
  const environment = { TEST_CRASH_POINT: point, TEST_CRASH_KEY: key, REPLICATOR_OFFERS: begin === 'by an offer' ? 'on' : 'off' }
  peer.options = { ...peer.options, nodeFlags: ['--import', PRELOAD], environment }
  await peer.start()
  await network.settled()
  await assert.rejects(peer.client.put(key, 'of the dead'), { code: 'ECONNRESET' })
  const diedAtMs = performance.now()
  assert.deepEqual(await peer.ended(), { code: null, signal: 'SIGKILL' })
  return { others: network.peers.filter((other) => other !== peer), diedAtMs }
}

async function comeBack(peer: PeerProcess): Promise<void> {
  peer.options = { ...peer.options, nodeFlags: [], environment: {} }
  await peer.start()
  await network.settled()
}

/** What each peer answers to a get, as `200 value` or `404`. */
async function readings(peers: readonly PeerProcess[], key: string, query = ''): Promise<string[]> {
  return Promise.all(
    peers.map(async (peer) => {
      const reply = await peer.client.get(key, query)
      return reply.status === 200 ? `200 ${reply.body.toString()}` : String(reply.status)
    }),
  )
}

describe('a coordinator killed', () => {
  it('between reserve and commit blocks nobody: the key is free, and the next put has it at once', async (context) => {
    const [, coordinator] = network.inCluster('cluster-1')
    assert.ok(coordinator !== undefined)
    const { others, diedAtMs } = await crashAt(coordinator, 'reserved', 'crash/reserved')
    assert.deepEqual(new Set(await readings(others, 'crash/reserved')), new Set(['404']))
    const rival = network.inCluster('cluster-2')[0]
    const reply = await rival?.client.put('crash/reserved', 'of the living', { query: `?timeout=${SETTLED_MS}` })
    assert.equal(reply?.status, 201)
    assert.ok(performance.now() - diedAtMs < SETTLED_MS)
    context.diagnostic(`the next put had the key ${Math.round(performance.now() - diedAtMs)} ms after the death`)
    await comeBack(coordinator)
    assert.deepEqual(new Set(await readings(network.peers, 'crash/reserved')), new Set(['200 of the living']))
  })

  it('once all others have its offer, and before its own cluster commits: they settle it, one way', async () => {
    const [, coordinator] = network.inCluster('cluster-1')
    assert.ok(coordinator !== undefined)
    const { others } = await crashAt(coordinator, 'reserved', 'crash/offered', 'by an offer')
    const rival = network.inCluster('cluster-2')[0]
    const status = (await rival?.client.put('crash/offered', 'of the living', { query: `?timeout=${SETTLED_MS}` }))?.status
    const said = status === 201 ? '200 of the living' : '200 of the dead'
    assert.ok(status === 201 || status === 409, String(status))
    assert.deepEqual(new Set(await readings(others, 'crash/offered')), new Set([said]))
    await comeBack(coordinator)
    assert.deepEqual(new Set(await readings(network.peers, 'crash/offered')), new Set([said]))
  })

  it('when one voter alone has the commit: the voter finishes it, and all peers say the same', async (context) => {
    const [, coordinator] = network.inCluster('cluster-2')
    assert.ok(coordinator !== undefined)
    const { others, diedAtMs } = await crashAt(coordinator, 'one-commit', 'crash/one-commit')
    await until(
      'every other peer holds the key',
      async () => (await readings(others, 'crash/one-commit', '?consistency=local')).every((reading) => reading === '200 of the dead'),
      SETTLED_MS,
    )
    context.diagnostic(`settled ${Math.round(performance.now() - diedAtMs)} ms after the death`)
    for (const peer of others) assert.equal((await peer.client.put('crash/one-commit', 'of the living')).status, 409)
    await comeBack(coordinator)
    assert.deepEqual(new Set(await readings(network.peers, 'crash/one-commit')), new Set(['200 of the dead']))
  })

  it('between commit and learn: the others find what was decided, and all peers hold it', async (context) => {
    const [, , coordinator] = network.inCluster('cluster-1')
    assert.ok(coordinator !== undefined)
    const { others, diedAtMs } = await crashAt(coordinator, 'committed', 'crash/committed')
    // Nobody asks for the key, which would finish it: the voters must see to it by themselves.
    await until(
      'every other peer holds the key',
      async () => (await readings(others, 'crash/committed', '?consistency=local')).every((reading) => reading === '200 of the dead'),
      SETTLED_MS,
    )
    context.diagnostic(`settled ${Math.round(performance.now() - diedAtMs)} ms after the death`)
    assert.equal((await others[0]?.client.put('crash/committed', 'of the living'))?.status, 409)
    await until('nobody is in doubt', async () =>
      (await Promise.all(others.map((peer) => peer.client.status()))).every((view) => view.inDoubt === 0),
    )
    await comeBack(coordinator)
    assert.deepEqual(new Set(await readings(network.peers, 'crash/committed')), new Set(['200 of the dead']))
  })
})
