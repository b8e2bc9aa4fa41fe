/**
 * Two clusters need each other: what the one does while the other is gone, or hangs, and what is
 * true when it is back.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { problemOf } from './client.ts'
import type { Reply } from './client.ts'
import { holdTheSame, Network, until } from './network.ts'
import { Writers, assertHeld } from './writers.ts'

const TIMEOUT_MS = 1_000
/** So many puts take seconds, and far longer where other work has the processors. */
const WRITING_MS = 90_000
/**
 * What an answer may take beyond the timeout that was asked for, however slow the machine is; one
 * that hangs takes a minute.
 */
const LATE_MS = 15_000

let network: Network
before(async () => {
  network = await Network.ofTwoClusters()
})
after(() => network.close())

interface Timed {
  readonly key: string
  readonly reply: Reply
  readonly elapsedMs: number
}

/** Puts new keys at every peer of cluster-1, all at once. */
function putNewKeys(prefix: string, countAtEach: number): Promise<Timed[]> {
  const puts = network.inCluster('cluster-1').flatMap((peer) =>
    Array.from({ length: countAtEach }, async (_, index): Promise<Timed> => {
      const key = `${prefix}/${peer.name}/${index}`
      const startedMs = performance.now()
      const reply = await peer.client.put(key, key, { query: `?timeout=${TIMEOUT_MS}` })
      return { key, reply, elapsedMs: performance.now() - startedMs }
    }),
  )
  return Promise.all(puts)
}

function assertRefusedInTime(puts: readonly Timed[]): void {
  for (const { key, reply, elapsedMs } of puts) {
    assert.ok(['not-stored', 'in-doubt', 'not-ready'].includes(problemOf(reply) ?? ''), `${key}: ${reply.status} ${reply.body.toString()}`)
    assert.ok(elapsedMs < TIMEOUT_MS + LATE_MS, `${key} was answered after ${Math.round(elapsedMs)} ms`)
  }
}

/** Known keys are read, unknown ones are not called absent. */
async function assertReads(known: string): Promise<void> {
  for (const peer of network.inCluster('cluster-1')) {
    assert.equal((await peer.client.get(known)).body.toString(), known)
    assert.equal(problemOf(await peer.client.get('known/to/nobody', `?timeout=${TIMEOUT_MS}`)), 'unavailable')
    assert.equal(problemOf(await peer.client.local('known/to/nobody')), 'unknown-key')
    await until(`${peer.name} says that it is not ready`, async () => (await peer.client.ask('GET', '/readyz')).status === 503)
    assert.equal((await peer.client.ask('GET', '/healthz')).status, 200)
  }
}

/**
 * A put that was certainly not stored is nowhere; one in doubt is settled by putting it again under
 * its writeId.
 */
async function assertHonest(puts: readonly Timed[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { key, reply } of puts) {
    const problem = problemOf(reply) ?? ''
    counts[problem] = (counts[problem] ?? 0) + 1
    if (problem === 'in-doubt') {
      const { writeId } = JSON.parse(reply.body.toString()) as { writeId: string }
      const again = await network.inCluster('cluster-2')[0]?.client.put(key, key, { headers: { 'Idempotency-Key': writeId } })
      assert.ok(again?.status === 200 || again?.status === 201, `${key}: ${again?.status} ${again?.body.toString()}`)
    } else for (const peer of network.peers) assert.equal((await peer.client.get(key)).status, 404, `${key} at ${peer.name}`)
  }
  return counts
}

describe('a whole cluster of the two', () => {
  it('killed: no put succeeds or hangs, known keys are read, unknown ones are not denied; back: all goes on, and what was refused is nowhere', async (context) => {
    const writers = new Writers(network.inCluster('cluster-1'), 4, TIMEOUT_MS)
    await until('writes go on', () => writers.successes.length > 100, WRITING_MS)
    for (const peer of network.inCluster('cluster-2')) peer.signal('SIGKILL')
    await Promise.all(network.inCluster('cluster-2').map((peer) => peer.ended()))
    const goneAtMs = performance.now()
    await until('puts are refused', () => writers.notStored.length > 0)
    await writers.stop()
    // Votes that were under way when their voters ended still count for puts that were begun
    // before.
    assert.deepEqual(
      writers.successes.filter(({ begunAtMs }) => begunAtMs > goneAtMs).map(({ key }) => key),
      [],
      'a put succeeded without a quorum',
    )

    const puts = await putNewKeys('refused', 3)
    assertRefusedInTime(puts)
    await assertReads(writers.successes[0]?.key ?? '')

    await Promise.all(network.inCluster('cluster-2').map((peer) => peer.start()))
    await network.settled()
    const counts = await assertHonest(puts)
    context.diagnostic(`puts without the other cluster: ${JSON.stringify({ ...Object.fromEntries(writers.refusals), ...counts })}`)
    for (const key of writers.notStored) assert.equal((await network.peers[5]?.client.get(key))?.status, 404, key)
    for (const peer of network.peers) {
      assert.equal((await peer.client.put(`after/${peer.name}`, `after/${peer.name}`)).status, 201)
      await until(`${peer.name} is complete`, () => assertHeld(peer, writers.successes).then(() => true))
    }
  })

  it('hanging (SIGSTOP): no put succeeds or hangs, and going on again it takes up where it was', async (context) => {
    const hanging = network.inCluster('cluster-2')
    for (const peer of hanging) peer.signal('SIGSTOP')
    const puts = await putNewKeys('hanging', 2)
    assertRefusedInTime(puts)
    await assertReads('after/peer-1')
    for (const peer of hanging) peer.signal('SIGCONT')
    await until('every peer is ready', async () =>
      (await Promise.all(network.peers.map((peer) => peer.client.status()))).every((view) => view.ready),
    )
    const counts = await assertHonest(puts)
    context.diagnostic(`puts while the other cluster hung: ${JSON.stringify(counts)}`)
    for (const peer of network.peers) assert.equal((await peer.client.put(`awake/${peer.name}`, 'x')).status, 201)
    await until('all peers hold the same', () => holdTheSame(network.peers))
  })
})
