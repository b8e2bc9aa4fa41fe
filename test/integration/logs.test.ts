/**
 * Logs at whole peers in one process: born by themselves, ordered at any peer, read at any peer,
 * and nothing lost or done twice when peers end and come back.
 */
import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { TestContext } from 'node:test'
import { pino } from 'pino'
import { LOG_LIMITS } from '../../protocols/log/limits.ts'
import type { LogLimits } from '../../protocols/log/limits.ts'
import { readTalk } from '../../protocols/log/talk.ts'
import { logsType } from '../../protocols/log/type.ts'
import type { ClientId } from '../../protocols/events.ts'
import type { SubmitId } from '../../protocols/log/entry.ts'
import type { Consistency } from '../../protocols/log/events.ts'
import { utf8 } from '../../src/bytes.ts'
import { LogHost } from '../../src/logs/host.ts'
import { logsOver } from '../../src/peer/logs.ts'
import type { Logs, QueryAnswer, SubmitAnswer } from '../../src/ports/logs.ts'
import type { TypePort } from '../../src/ports/types.ts'
import { systemClock, systemRandom } from '../../src/runtime/clock.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import { MemoryCells } from '../../src/stores/cells.ts'
import { openKvStore } from '../../src/stores/kv-store.ts'
import { until } from '../process/network.ts'
import { CoreNetwork } from './core-network.ts'
import type { CorePeer } from './core-network.ts'

const LOG = 'orders'
const TIMEOUT_MS = 5_000

/** A peer with its store for the log, if it has one. */
interface LogPeer {
  core: CorePeer
  logs: Logs
  readonly cells: MemoryCells | undefined
  host: LogHost | undefined
}

class LogNetwork {
  readonly network: CoreNetwork = new CoreNetwork()
  readonly peers: LogPeer[] = []

  static async of(
    context: TestContext,
    size: number,
    hosts: number = size,
    limits: LogLimits = LOG_LIMITS,
    minPeers = 3,
  ): Promise<LogNetwork> {
    const made = new LogNetwork()
    context.after(() => made.close())
    made.network.types = [logsType(minPeers, limits)]
    for (let number = 1; number <= size; number += 1)
      await made.start(`p${number}`, Math.min(size, 3), number <= hosts ? new MemoryCells() : undefined)
    return made
  }

  async start(name: string, minPeers: number, cells: MemoryCells | undefined, core?: CorePeer, learns = false): Promise<LogPeer> {
    const joined = await this.network.join(name, 'c1', minPeers, core?.storage)
    const types = typesOver(joined.runtime)
    const host =
      cells &&
      new LogHost({
        types,
        log: LOG,
        store: 'kv',
        learns,
        stagingPath: join(tmpdir(), `replicator-incoming-${process.pid}-${name}`),
        open: async (claim) => openKvStore(cells, claim),
        logger: pino({ level: 'silent' }),
        warn: () => {},
      })
    const peer = { core: joined, logs: logsOver(types, systemRandom), cells, host }
    this.peers.push(peer)
    return peer
  }

  async kill(peer: LogPeer): Promise<void> {
    this.peers.splice(this.peers.indexOf(peer), 1)
    await peer.host?.stop()
    await this.network.kill(peer.core)
  }

  /** On the disk and the store that it had. */
  async restart({ core, cells }: LogPeer): Promise<LogPeer> {
    return this.start(core.self.peerId, 3, cells, core)
  }

  async born(): Promise<void> {
    await until(
      'all know the log, and one leads it',
      async () => (await Promise.all(this.peers.map((peer) => isLed(peer)))).every(Boolean),
      15_000,
    )
  }

  async leader(): Promise<LogPeer> {
    let found: LogPeer | undefined
    await until('somebody leads', async () => {
      for (const peer of this.peers) {
        const answer = await peer.logs.role(LOG)
        if (answer.kind === 'role' && answer.own?.role === 'leader' && answer.own.state === 'ready') found = peer
      }
      return found !== undefined
    })
    return found as LogPeer
  }

  async close(): Promise<void> {
    for (const { host } of this.peers) await host?.stop()
    await this.network.close()
  }
}

async function isLed({ logs }: LogPeer): Promise<boolean> {
  const answer = await logs.status(LOG)
  return answer.kind === 'status' && answer.replicas.some(({ role, state }) => role === 'leader' && state === 'ready')
}

function typesOver(runtime: Runtime): TypePort {
  const build =
    (type: string, request: unknown, deadlineMs: number) =>
    (client: ClientId): { kind: 'typed'; type: string; request: unknown; deadlineMs: number; client: ClientId } => ({
      kind: 'typed',
      type,
      request,
      deadlineMs,
      client,
    })
  return {
    ask: async (type, request, timeoutMs, signal) =>
      (await runtime.ask(build(type, request, systemClock.nowMs() + timeoutMs), { signal }))?.answer,
    watch: (type, request, told) => {
      const { say, end } = runtime.watch(build(type, request, Infinity), ({ answer }, isLast) => told(answer, isLast))
      return { say: (more) => say(build(type, more, Infinity)), end }
    },
  }
}

async function namesIn(cells: MemoryCells, prefix: string): Promise<readonly string[]> {
  const names: string[] = []
  for await (const { name } of cells.picture().range(prefix)) names.push(name)
  return names
}

async function votersAt({ logs }: LogPeer): Promise<readonly string[]> {
  return ((await logs.list()).logs[0]?.voters ?? []).map(({ peerId }) => peerId)
}

function submit({ logs }: LogPeer, command: object, name?: string, since = 0): Promise<SubmitAnswer> {
  const submitId = (name ?? logs.newSubmitId()) as SubmitId
  const request = { log: LOG, submitId, isNamedByClient: name !== undefined, since, command: utf8.encode(JSON.stringify(command)) }
  return logs.submit(request, TIMEOUT_MS, new AbortController().signal)
}

async function get(peer: LogPeer, key: string, consistency: Consistency = 'linearizable'): Promise<string | null> {
  const query = utf8.encode(JSON.stringify({ get: [key] }))
  const answer: QueryAnswer = await peer.logs.query({ log: LOG, query, consistency }, TIMEOUT_MS, new AbortController().signal)
  assert.equal(answer.kind, 'answered', JSON.stringify(answer))
  return answer.kind === 'answered' ? ((JSON.parse(utf8.decode(answer.result)) as Record<string, string | null>)[key] ?? null) : null
}

suite('a log at three peers', () => {
  test('is born once, by itself, and takes commands and queries at each of them', async (context) => {
    const network = await LogNetwork.of(context, 3)
    await network.born()
    const ids = new Set<string>()
    for (const [place, peer] of network.peers.entries()) {
      const answer = await submit(peer, { set: { [`k${place}`]: `v${place}` } })
      assert(answer.kind === 'outcome' && answer.outcome.kind === 'done', JSON.stringify(answer))
      assert(answer.since !== undefined && answer.since > 0)
      for (const other of network.peers) {
        assert.equal(await get(other, `k${place}`), `v${place}`)
        assert.equal(await get(other, `k${place}`, { after: answer.position }), `v${place}`)
      }
      const { logs } = await peer.logs.list()
      for (const { logId, voters } of logs) ids.add(`${logId} ${voters.length}`)
    }
    assert.deepEqual([ids.size, [...ids][0]?.endsWith(' 3')], [1, true])
  })

  test('goes to its leader with all that a follower took in one turn at once, and is told all results at once', async (context) => {
    const network = await LogNetwork.of(context, 3)
    await network.born()
    const leader = await network.leader()
    const follower = network.peers.find((peer) => peer !== leader) as LogPeer
    await submit(follower, { set: { k: 'v' } })
    const said: string[] = []
    network.network.delivers = (from, to, message) => {
      if (message.kind !== 'typed' || ![from.self.peerId, to].includes(follower.core.self.peerId)) return true
      const talk = readTalk(message.body, utf8)
      if (talk.kind !== 'raft') return true
      if (talk.message.kind === 'submit') said.push(`submit ${talk.message.submits.length}`)
      if (talk.message.kind === 'results') said.push(`results ${talk.message.results.length}`)
      if (talk.message.kind === 'read') said.push('read')
      return true
    }
    const asked = [1, 2, 3].map((place) => submit(follower, { set: { k: `${place}` } }))
    const read = [1, 2, 3].map(() => get(follower, 'k'))
    await Promise.all([...asked, ...read])
    assert.deepEqual(said.toSorted(), ['read', 'results 3', 'submit 3'])
  })

  test('gives a command that is named its first outcome, at whatever peer it is sent again', async (context) => {
    const network = await LogNetwork.of(context, 3)
    await network.born()
    const answers = []
    for (const peer of network.peers) answers.push(await submit(peer, { add: { n: 1 } }, 'order-1'))
    for (const answer of answers)
      assert.deepEqual(answer.kind === 'outcome' && answer.outcome, answers[0]?.kind === 'outcome' && answers[0].outcome)
    const reused = await submit(network.peers[0] as LogPeer, { add: { n: 2 } }, 'order-1')
    assert.deepEqual(reused.kind === 'outcome' && reused.outcome.kind, 'reused')
    assert.equal(await get(network.peers[1] as LogPeer, 'n'), '1')
  })

  test('loses nothing and does nothing twice when its leader ends, and when all end and come back', async (context) => {
    const network = await LogNetwork.of(context, 3)
    await network.born()
    let done = 0
    const add = async (peer: LogPeer): Promise<void> => {
      let answer = await submit(peer, { add: { n: 1 } })
      // Where the leader has just ended the answer is honest: it was not ordered, so it is sent again.
      while (answer.kind === 'not-ordered') answer = await submit(peer, { add: { n: 1 } })
      assert.equal(answer.kind === 'outcome' && answer.outcome.kind, 'done', JSON.stringify(answer))
      done += 1
    }
    for (const peer of network.peers) await add(peer)
    const leader = await network.leader()
    await network.kill(leader)
    for (const peer of network.peers) await add(peer)
    const back = await network.restart(leader)
    await add(back)
    const all = [...network.peers]
    for (const peer of all) await network.kill(peer)
    for (const peer of all) await network.restart(peer)
    for (const peer of network.peers) {
      await add(peer)
      assert.equal(await get(peer, 'n'), String(done))
    }
  })

  test('fills a peer from another store when the entries that it lacks are gone', async (context) => {
    const network = await LogNetwork.of(context, 3, 3, { ...LOG_LIMITS, keptEntriesMin: 5 })
    await network.born()
    const [first, second, third] = network.peers as [LogPeer, LogPeer, LogPeer]
    await network.kill(third)
    for (let count = 1; count <= 40; count += 1) {
      let answer = await submit(first, { set: { [`k${count}`]: 'x'.repeat(20_000) }, add: { n: 1 } }, `named-${count}`)
      while (answer.kind !== 'outcome')
        answer = await submit(second, { set: { [`k${count}`]: 'x'.repeat(20_000) }, add: { n: 1 } }, `named-${count}`)
    }
    const { logs } = await first.logs.list()
    const held = ({ core }: LogPeer): number => [...core.storage.rows('logs').range(`${logs[0]?.logId}e`)].length
    await until('the entries are dropped', () => held(first) < 10 && held(second) < 10)
    const back = await network.restart(third)
    await until('it is filled', async () => {
      const answer = await back.logs.role(LOG)
      return answer.kind === 'role' && answer.own?.state === 'ready'
    })
    await until('it has all', async () => (await get(back, 'n', 'local')) === '40', 20_000)
    assert.equal((await get(back, 'k7', 'local'))?.length, 20_000)
    assert.equal(await get(back, 'n'), '40')
    // A name that came with the snapshot is known there.
    const again = await submit(back, { set: { k40: 'x'.repeat(20_000) }, add: { n: 1 } }, 'named-40')
    assert.equal(again.kind === 'outcome' && again.outcome.kind, 'done')
    assert.equal(await get(back, 'n'), '40')
  })

  test('serves peers that hold no replica of it', async (context) => {
    const network = await LogNetwork.of(context, 4, 3)
    await network.born()
    const outside = network.peers[3] as LogPeer
    const answer = await submit(outside, { set: { k: 'v' } })
    assert.equal(answer.kind === 'outcome' && answer.outcome.kind, 'done', JSON.stringify(answer))
    assert.equal(await get(outside, 'k'), 'v')
    const leader = await network.leader()
    await network.kill(leader)
    assert.equal((await submit(outside, { set: { k: 'w' } }, 'named')).kind, 'outcome')
    assert.equal(await get(outside, 'k'), 'w')
  })

  test('gets another voter that takes all of it over, loses one, and passes the lead on', async (context) => {
    const network = await LogNetwork.of(context, 3)
    await network.born()
    const leader = await network.leader()
    assert.equal((await submit(leader, { add: { n: 1 } })).kind, 'outcome')
    const outside = await network.start('p4', 3, new MemoryCells())
    await until('it knows the log', async () => (await outside.logs.list()).logs.length === 1)
    const inside = network.peers.find((peer) => peer !== leader && peer !== outside) as LogPeer
    const votersNow = async (): Promise<string[]> => {
      const answer = await outside.logs.list()
      return answer.logs.flatMap(({ voters: now, isChanging }) => (isChanging ? [] : now.map(({ peerId }) => peerId))).toSorted()
    }
    // Asked at a peer that has no part in the log yet.
    const asked = { kind: 'change', log: LOG, add: [outside.core.self.peerId], remove: [inside.core.self.peerId], isForced: false } as const
    const begun = await outside.logs.change(asked, TIMEOUT_MS)
    assert.equal(begun.kind, 'changing', JSON.stringify(begun))
    const wanted = network.peers.filter((peer) => peer !== inside).map(({ core }) => core.self.peerId)
    await until('the members are others', async () => (await votersNow()).join() === wanted.toSorted().join())
    assert.equal(await get(outside, 'n', 'local'), '1')
    await until('nothing is to do any more', async () => (await outside.logs.change(asked, TIMEOUT_MS)).kind === 'changed')
    assert.equal((await submit(inside, { add: { n: 1 } })).kind, 'outcome')
    await outside.logs.change({ kind: 'transfer', log: LOG, to: outside.core.self.peerId }, TIMEOUT_MS)
    await until('it leads', async () => (await network.leader()) === outside)
    assert.equal(await get(inside, 'n'), '2')
  })

  test('replaces a voter that is gone for long by a peer that offers a store, as it is wished', async (context) => {
    const network = await LogNetwork.of(context, 4, 4, { ...LOG_LIMITS, goneMs: 1_500, placedEveryMs: 200 })
    await network.born()
    const leader = await network.leader()
    await until('three vote', async () => (await votersAt(leader)).length === 3)
    const before = await votersAt(leader)
    const gone = network.peers.find((peer) => peer !== leader && before.includes(peer.core.self.peerId)) as LogPeer
    const spare = network.peers.find(({ core }) => !before.includes(core.self.peerId)) as LogPeer
    await network.kill(gone)
    const wanted = [...before.filter((id) => id !== gone.core.self.peerId), spare.core.self.peerId].toSorted()
    await until('the spare one votes instead', async () => (await votersAt(leader)).toSorted().join() === wanted.join(), 30_000)
    assert.equal((await submit(spare, { set: { k: 'v' } })).kind, 'outcome')
    await until('the spare one has it', async () => (await get(spare, 'k', 'local')) === 'v', 30_000)
  })

  test('fills a store anew from another when an operator says so, the leader its own too, and keeps its log', async (context) => {
    const network = await LogNetwork.of(context, 3, 3, { ...LOG_LIMITS, keptEntriesMin: 5 })
    await network.born()
    const leader = await network.leader()
    for (let count = 1; count <= 20; count += 1) await submit(leader, { set: { k: `v${count}` }, add: { n: 1 } })
    for (const peer of [network.peers.find((each) => each !== leader) as LogPeer, leader]) {
      await empty(peer.cells as MemoryCells)
      assert.equal((await peer.logs.change({ kind: 'refill', log: LOG }, TIMEOUT_MS)).kind, 'changing')
      const isBack = async (): Promise<boolean> => {
        const answer = await peer.logs.role(LOG)
        return answer.kind === 'role' && answer.own?.state === 'ready' && answer.own.applied >= 20
      }
      await until('it is filled', isBack, 30_000)
      await until(
        'it holds all again',
        async () => (await get(peer, 'n', 'local')) === '20' && (await get(peer, 'k', 'local')) === 'v20',
        30_000,
      )
    }
    // The lead may just have passed on.
    await until('a verdict over what was applied is refused', async () => {
      const answer = await leader.logs.change({ kind: 'verdict', log: LOG, index: 2 }, TIMEOUT_MS)
      assert.notEqual(answer.kind, 'changing')
      return answer.kind === 'not-changed' && answer.why === 'applied-somewhere'
    })
  })

  test('keeps what is asked before anybody leads until somebody does, at a lone peer too', async (context) => {
    const network = await LogNetwork.of(context, 1, 1, LOG_LIMITS, 1)
    const [peer] = network.peers as [LogPeer]
    await until('it is born', async () => (await peer.logs.list()).logs.length === 1)
    const answer = await submit(peer, { set: { k: 'v' } })
    assert.equal(answer.kind === 'outcome' && answer.outcome.kind, 'done', JSON.stringify(answer))
    assert.equal(await get(peer, 'k'), 'v')
  })

  test('stops a store that was changed behind its back once contents are compared, and fills it anew', async (context) => {
    const network = await LogNetwork.of(context, 3, 3, { ...LOG_LIMITS, checkEveryMs: 1_000 })
    await network.born()
    const leader = await network.leader()
    // So many keys that some are in the slices that come first.
    await submit(leader, { set: Object.fromEntries(Array.from({ length: 200 }, (_, count) => [`k${count}`, 'v'])) })
    const other = network.peers.find((each) => each !== leader) as LogPeer
    await until('it is in the store', async () => (await get(other, 'k1', 'local')) === 'v')
    const cells = other.cells as MemoryCells
    const names = await namesIn(cells, 'k')
    await cells.write(new Map(names.map((name) => [name, utf8.encode('changed')])))
    const stateOf = async (): Promise<string> => {
      const answer = await other.logs.role(LOG)
      return answer.kind === 'role' ? `${answer.own?.state} ${answer.own?.code}` : answer.kind
    }
    await until('it stops and says why', async () => (await stateOf()) === 'halted differs', 30_000)
    assert.equal((await submit(other, { set: { k: 'after' } })).kind, 'outcome', 'commands go on, at its peer too')
    assert.equal(await get(other, 'k'), 'after')
    assert.equal((await other.logs.change({ kind: 'refill', log: LOG }, TIMEOUT_MS)).kind, 'changing')
    await until(
      'it is filled and serves',
      async () => (await stateOf()) === 'ready ' && (await get(other, 'k', 'local')) === 'after',
      30_000,
    )
    assert.equal((await leader.logs.change({ kind: 'check', log: LOG }, TIMEOUT_MS)).kind, 'changing')
    assert.equal(await stateOf(), 'ready ')
  })

  test('ends for good, and its name begins anew, empty, when somebody creates it', async (context) => {
    const network = await LogNetwork.of(context, 3)
    await network.born()
    const [first, second] = network.peers as [LogPeer, LogPeer]
    await submit(first, { set: { k: 'v' } })
    assert.equal((await second.logs.change({ kind: 'end', log: LOG }, TIMEOUT_MS)).kind, 'ended')
    for (const peer of network.peers)
      await until('it has ended everywhere', async () => (await submit(peer, { set: { k: 'w' } })).kind === 'log-ended', 30_000)
    assert.equal((await second.logs.change({ kind: 'end', log: LOG }, TIMEOUT_MS)).kind, 'ended', 'it is so already')
    // A store keeps what it has of an ended log, and is refused for another.
    for (const { cells } of network.peers) await cells?.write(new Map((await namesIn(cells, '')).map((name) => [name, undefined])))
    const born = await first.logs.create({ log: LOG, store: 'kv', place: undefined, isLeased: false }, TIMEOUT_MS)
    assert.equal(born.kind === 'created' && born.isNew, true, JSON.stringify(born))
    await network.born()
    assert.equal(await get(second, 'k'), null)
    assert.equal((await submit(second, { set: { k: 'x' } })).kind, 'outcome')
  })

  test('goes on from the survivor that has most of it when its majority is gone for good', async (context) => {
    const network = await LogNetwork.of(context, 5, 3)
    await network.born()
    const hosts = network.peers.filter(({ host }) => host !== undefined)
    await submit(hosts[0] as LogPeer, { set: { k: 'v' } })
    await until('all stores have it', async () =>
      (await Promise.all(hosts.map((peer) => get(peer, 'k', 'local')))).every((value) => value === 'v'),
    )
    assert.equal((await (hosts[0] as LogPeer).logs.change({ kind: 'recover', log: LOG }, TIMEOUT_MS)).kind, 'not-recovered')
    const [survivor, ...lost] = hosts as [LogPeer, ...LogPeer[]]
    for (const peer of lost) await network.kill(peer)
    const asked = network.peers.find(({ host }) => host === undefined) as LogPeer
    await until(
      'it goes on',
      async () => {
        const answer = await asked.logs.change({ kind: 'recover', log: LOG }, TIMEOUT_MS)
        return answer.kind === 'recovered' && answer.generation === 1 && answer.survivor.id === survivor.core.self.id
      },
      30_000,
    )
    await until('commands go on', async () => (await submit(survivor, { add: { n: 1 } })).kind === 'outcome', 30_000)
    assert.equal(await get(survivor, 'k'), 'v')
    const [back] = lost as [LogPeer]
    const again = await network.restart(back)
    await until('who comes back is filled anew', async () => (await votersAt(survivor)).includes(again.core.self.peerId), 60_000)
    await until('and has what there is', async () => (await get(again, 'n', 'local')) !== null, 30_000)
  })

  test('fills the store of the only voter that is left from a peer that was one', async (context) => {
    const network = await LogNetwork.of(context, 3, 3, { ...LOG_LIMITS, keptEntriesMin: 5 })
    await network.born()
    const leader = await network.leader()
    for (let count = 1; count <= 20; count += 1) await submit(leader, { set: { k: `v${count}` } })
    const left = network.peers.find((peer) => peer !== leader) as LogPeer
    await network.kill(left)
    const without = await network.restart({ ...left, cells: undefined })
    const others = network.peers.filter((peer) => peer !== without).map(({ core }) => core.self.peerId)
    await until('the others leave', async () => {
      const answer = await leader.logs.change({ kind: 'change', log: LOG, add: [], remove: others, isForced: true }, TIMEOUT_MS)
      return answer.kind === 'changing' || answer.kind === 'changed'
    })
    await until('it votes alone', async () => (await votersAt(without)).join() === without.core.self.peerId, 30_000)
    await network.kill(without)
    const filled = await network.restart({ ...without, cells: new MemoryCells() })
    const isReady = async (): Promise<boolean> => {
      const answer = await filled.logs.role(LOG)
      return answer.kind === 'role' && answer.own?.state === 'ready' && answer.own.applied >= 20
    }
    await until('it is filled', isReady, 60_000)
    assert.equal(await get(filled, 'k'), 'v20')
    assert.equal((await submit(filled, { set: { k: 'after' } })).kind, 'outcome')
  })

  test('gives a replica to a peer that wants one for reading, without a vote', async (context) => {
    const network = await LogNetwork.of(context, 3)
    await network.born()
    const [first] = network.peers as [LogPeer]
    await submit(first, { set: { k: 'v' } })
    const reader = await network.start('p4', 3, new MemoryCells(), undefined, true)
    const readsAlone = async (): Promise<boolean> => {
      const answer = await reader.logs.role(LOG)
      return answer.kind === 'role' && answer.own?.role === 'learner' && answer.own.state === 'ready' && answer.own.applied > 1
    }
    await until('it has a replica of its own', readsAlone, 30_000)
    assert.equal(await get(reader, 'k', 'local'), 'v')
    assert.equal((await votersAt(first)).includes(reader.core.self.peerId), false)
  })

  test('says what is no log, no query, and what a store refuses', async (context) => {
    const network = await LogNetwork.of(context, 3)
    const [peer] = network.peers as [LogPeer]
    assert.equal((await submit(peer, { set: {} })).kind, 'unknown-log')
    await network.born()
    const refused = await submit(peer, { add: { n: 'x' } })
    assert.deepEqual(refused.kind === 'outcome' && refused.outcome.kind, 'rejected')
    const query = { log: LOG, query: utf8.encode('{"set":{}}'), consistency: 'linearizable' } as const
    assert.equal((await peer.logs.query(query, TIMEOUT_MS, new AbortController().signal)).kind, 'not-a-query')
  })

  test('orders nothing without a majority, and says so', async (context) => {
    const network = await LogNetwork.of(context, 3)
    await network.born()
    const [first, second, third] = network.peers as [LogPeer, LogPeer, LogPeer]
    await network.kill(first)
    await network.kill(second)
    const request = { log: LOG, submitId: 'x' as SubmitId, isNamedByClient: false, since: 0, command: utf8.encode('{"set":{"a":"b"}}') }
    const answer = await third.logs.submit(request, 500, new AbortController().signal)
    assert(answer.kind === 'in-doubt' || answer.kind === 'not-ordered', JSON.stringify(answer))
  })
})

/** As somebody does who is not of the log. */
async function empty(cells: MemoryCells): Promise<void> {
  const names: string[] = []
  for await (const { name } of cells.picture().range('')) names.push(name)
  await cells.write(new Map(names.map((name) => [name, undefined])))
}
