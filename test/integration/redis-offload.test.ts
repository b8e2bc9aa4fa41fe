/** Sets kept in a real Redis: how they lie there, what is brought back, and what is not. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import pino from 'pino'
import type { Entry } from '../../protocols/sets/requests.ts'
import { Offload } from '../../src/offload/offload.ts'
import { openRedisLink } from '../../src/offload/redis-link.ts'
import { FakeSets } from './fake-sets.ts'
import { eventually } from './http-fixture.ts'
import { RedisServer, whyNoRedis } from './redis-server.ts'

const NETWORK = '0123456789abcdef0123456789abcdef'
const ADDED = `replicator:${NETWORK}:s:added`
const REMOVED = `replicator:${NETWORK}:s:removed`
const KEPT = `replicator:${NETWORK}:s:kept`
const PERIOD_MS = 100

interface Running extends AsyncDisposable {
  readonly sets: FakeSets
  readonly offload: Offload
  /** What people are warned of, by what it is about. */
  readonly warnings: Map<string, string>
}

interface Options {
  readonly peerId?: string
  readonly clusterId?: string
  readonly network?: string
  readonly sets?: FakeSets
}

async function run(server: RedisServer, options: Options = {}): Promise<Running> {
  const { peerId = 'peer-1', clusterId = 'cluster-1', network = NETWORK, sets = new FakeSets() } = options
  const warnings = new Map<string, string>()
  const link = await openRedisLink(server.url)
  const offload = new Offload({
    link,
    sets,
    clock: { nowMs: () => performance.now(), wallMs: () => Date.now() },
    logger: pino({ level: 'silent' }),
    periodMs: PERIOD_MS,
    peerId,
    clusterId,
    network: () => network,
    warn: (about, warning) => void (warning === undefined ? warnings.delete(about) : warnings.set(about, warning)),
  })
  offload.start()
  return { sets, offload, warnings, [Symbol.asyncDispose]: () => offload.stop() }
}

function entry(element: string, added: number, removed: number): Entry {
  return { element: Buffer.from(element), added, removed }
}

async function update(sets: FakeSets, ...entries: readonly Entry[]): Promise<void> {
  const answer = await sets.ask<'update'>({ kind: 'update', set: 's', entries, clock: { kind: 'right' }, wait: 'here' })
  assert.equal(answer.kind, 'stored')
}

async function held(sets: FakeSets): Promise<string[]> {
  const answer = await sets.ask<'updates-after'>({ kind: 'updates-after', set: 's', after: undefined })
  if (answer.kind !== 'updates') return []
  return Array.from(answer.entries, ({ element, added, removed }) => `${Buffer.from(element).toString()} ${added} ${removed}`).toSorted()
}

describe('sets in a Redis', { skip: whyNoRedis() }, () => {
  it('lie there as two sorted sets, their counts and the cut beside them', async () => {
    await using server = await RedisServer.start()
    await using peer = await run(server)
    await update(peer.sets, entry('11', 5, -1), entry('"foo"', 6, 7))
    await eventually(() => server.ask('ZCARD', ADDED) === '2', 'it is written')
    assert.equal(server.ask('ZRANGE', ADDED, '0', '-1', 'WITHSCORES'), '11\n5\n"foo"\n6')
    assert.equal(server.ask('ZRANGE', REMOVED, '0', '-1', 'WITHSCORES'), '"foo"\n7')
    assert.equal(server.ask('HMGET', KEPT, 'network', 'added', 'removed', 'cut'), `${NETWORK}\n2\n1\n0`)
    assert.equal(server.ask('SMEMBERS', `replicator:${NETWORK}:sets`), 's')
    await update(peer.sets, entry('11', 9, 8))
    await eventually(() => server.ask('ZSCORE', ADDED, '11') === '9', 'the change is written')
    assert.equal(server.ask('HMGET', KEPT, 'added', 'removed'), '2\n2')
  })

  it('are counted as they are written, and so is each look at it that failed', async () => {
    await using server = await RedisServer.start()
    await using peer = await run(server)
    const figure = (name: string): number => peer.offload.figures.find((each) => each.name === name)?.read() ?? Number.NaN
    await update(peer.sets, entry('11', 5, -1), entry('"foo"', 6, 7))
    await eventually(() => figure('elements_total') === 2, 'both are counted')
    await update(peer.sets, entry('11', 9, 8))
    await eventually(() => figure('elements_total') === 3 && figure('writes_total') === 2, 'what changed is counted, and no more')
    await eventually(() => figure('sound_timestamp_seconds') > Date.now() / 1_000 - 60, 'when it was sound is told')
    assert.equal(figure('failures_total'), 0)
    await server.kill()
    await eventually(() => figure('failures_total') > 0, 'a look that failed is counted')
  })

  it('are written a last time when the peer stops, and brought back by another that begins with nothing', async () => {
    await using server = await RedisServer.start()
    const first = await run(server)
    await eventually(() => server.ask('GET', `replicator:${NETWORK}:writer:cluster-1`) === 'peer-1', 'it is the writer')
    await update(first.sets, entry('1', 5, -1), entry('2', 6, 7), entry('["~:a",1.0]', 8, -1))
    await first.offload.stop()
    await server.kill()
    await server.start()
    await using second = await run(server, { peerId: 'peer-2' })
    await eventually(() => second.sets.sets.has('s'), 'it is merged')
    assert.deepEqual(await held(second.sets), ['1 5 -1', '2 6 7', '["~:a",1.0] 8 -1'])
    assert.deepEqual([...second.warnings], [])
  })

  it('are written by one peer of a cluster, and by one of each', async () => {
    await using server = await RedisServer.start()
    await using first = await run(server, { peerId: 'peer-1' })
    await eventually(() => server.ask('GET', `replicator:${NETWORK}:writer:cluster-1`) === 'peer-1', 'the first is the writer')
    await using second = await run(server, { peerId: 'peer-2' })
    await using third = await run(server, { peerId: 'peer-3', clusterId: 'cluster-2' })
    await update(second.sets, entry('"second"', 5, -1))
    await update(third.sets, entry('"third"', 5, -1))
    await eventually(() => server.ask('ZSCORE', ADDED, '"third"') === '5', 'the other cluster writes')
    assert.equal(server.ask('GET', `replicator:${NETWORK}:writer:cluster-2`), 'peer-3')
    assert.equal(server.ask('ZSCORE', ADDED, '"second"'), '')
    // When the writer ends, its place is free.
    await first.offload.stop()
    await eventually(() => server.ask('ZSCORE', ADDED, '"second"') === '5', 'the second takes its place')
  })

  it('that lost their removals are refused with a warning, and written anew by a peer that has them', async () => {
    await using server = await RedisServer.start()
    const first = await run(server)
    await update(first.sets, entry('1', 5, 6), entry('2', 7, -1))
    await eventually(() => server.ask('ZCARD', REMOVED) === '1', 'it is written')
    await first.offload.stop()
    server.ask('DEL', REMOVED)
    await using fresh = await run(server, { peerId: 'peer-2', clusterId: 'cluster-2' })
    await eventually(() => fresh.warnings.has('set-redis s'), 'it is warned')
    assert.match(
      fresh.warnings.get('set-redis s') ?? '',
      /nothing of the set s in Redis was merged: it has 2 elements added and 0 removed, and was written with 2 and 1/,
    )
    assert.deepEqual(await held(fresh.sets), [])
    await using again = await run(server, { sets: first.sets })
    await update(first.sets, entry('3', 8, -1))
    await eventually(() => server.ask('ZCARD', REMOVED) === '1', 'it is written anew')
    assert.equal(server.ask('HMGET', KEPT, 'added', 'removed', 'filling'), '3\n1\n1')
    assert(again.warnings.has('set-redis s'))
  })

  it('of another network, or with what is none of ours, are not merged', async () => {
    await using server = await RedisServer.start()
    const first = await run(server)
    await update(first.sets, entry('1', 5, -1))
    await eventually(() => server.ask('ZCARD', ADDED) === '1', 'it is written')
    await first.offload.stop()
    await using other = await run(server, { network: 'f'.repeat(32) })
    await eventually(() => other.warnings.has('set-redis '), 'it is warned')
    assert.match(other.warnings.get('set-redis ') ?? '', new RegExp(`it keeps sets of network ${NETWORK}, and none of this one`))
    server.ask('ZADD', ADDED, '7', 'no element')
    server.ask('HSET', KEPT, 'added', '2')
    await using again = await run(server, { peerId: 'peer-2' })
    await eventually(() => again.warnings.has('set-redis s'), 'it is warned')
    assert.match(again.warnings.get('set-redis s') ?? '', /none of ours/)
    assert.deepEqual(await held(again.sets), [])
  })

  it('a Redis that is away is a warning, until it is back', async () => {
    await using server = await RedisServer.start()
    await using peer = await run(server)
    await update(peer.sets, entry('1', 5, -1))
    await eventually(() => server.ask('ZCARD', ADDED) === '1', 'it is written')
    await server.kill()
    await eventually(() => peer.warnings.has('set-redis'), 'it is warned')
    assert.match(peer.warnings.get('set-redis') ?? '', /the Redis of -set-redis cannot be used: /)
    await update(peer.sets, entry('2', 6, -1))
    await server.start()
    await eventually(() => server.ask('ZCARD', ADDED) === '2', 'it is written again')
    await eventually(() => peer.warnings.size === 0, 'the warning is taken back')
  })
})
