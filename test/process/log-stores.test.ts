/**
 * Logs at three real peers onto real stores: SQLite, and Redis and a server of SQL where they are
 * installed. Each replica has a store of its own, and two servers of a kind share them, so that the
 * end of one server is the end of one replica's store. A counter in every store says that nothing is
 * lost and nothing is applied twice.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { RedisServer, whyNoRedis } from '../integration/redis-server.ts'
import { DatabaseServer, whyNo } from '../integration/sql-servers.ts'
import { runToEnd } from './command.ts'
import type { Finished } from './command.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const SETTLED_MS = 120_000
/** In one go. */
const ADDED = 5
const REPLICAS = 3
/** Between two checks of all contents. */
const CHECK_SECONDS = '5'
/** Rows beside the counter: so many that most slices of a check have one. */
const ROWS = 200

interface Killable {
  kill(): Promise<void>
  start(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** A log and its stores: the first replica's is in the first server, all others in the second. */
interface Kind {
  readonly log: string
  readonly store: string
  readonly servers: readonly Killable[]
  readonly urls: readonly string[]
  /** Commands before anything is added. */
  readonly first: readonly string[]
  readonly add: string
  readonly query: string
  /** Fails at every replica, and for that reason alone. */
  readonly wrong: string
  /** The counter, asked of the store itself. */
  readonly count: (replica: number) => string
  /** Changes rows beside the counter behind the replica's back. */
  readonly spoil: (replica: number) => void
  /** Empties the store, position and all. */
  readonly empty?: (replica: number) => void
}

let network: Network
let directory: string
let peers: PeerProcess[]
let kinds: Kind[]
/** Additions that were acknowledged. */
let added = 0

async function ofRedis(): Promise<Kind> {
  const servers = [await RedisServer.start(), await RedisServer.start()] as const
  const of = (replica: number): RedisServer => servers[Math.min(replica, 1)] as RedisServer
  const ask = (replica: number, ...words: readonly string[]): string => of(replica).ask('-n', String(replica), ...words)
  const rows = (value: string): string => `for i = 1, ${ROWS} do redis.call('set', 'row' .. i, '${value}') end`
  return {
    log: 'in-redis',
    store: 'redis',
    servers,
    urls: Array.from({ length: REPLICAS }, (_, replica) => `${of(replica).url}/${replica}`),
    first: [rows('1')],
    add: `return redis.call('incr', 'n')`,
    query: `redis.call('get', 'n')`,
    wrong: `redis.call('lpush', 'n', 'x')`,
    count: (replica) => ask(replica, 'get', 'n'),
    spoil: (replica) => void ask(replica, 'eval', rows('2'), '0'),
    empty: (replica) => void of(replica).ask('flushall'),
  }
}

const TABLE = {
  mysql: 'create table t (id int primary key auto_increment, n int not null)',
  postgres: 'create table t (id serial primary key, n int not null)',
  sqlite: 'create table t (id integer primary key, n int not null)',
}
const COUNTED = {
  first: [`insert into t (n) values ${Array.from({ length: ROWS }, () => '(0)').join(', ')}`],
  add: 'update t set n = n + 1 where id = 1',
  query: 'select n from t where id = 1',
  wrong: 'insert into t (id, n) values (1, 1)',
}
const SPOIL = 'update t set n = 99 where id > 1'

async function ofServer(kind: 'mysql'): Promise<Kind> {
  const servers = [await DatabaseServer.start(kind), await DatabaseServer.start(kind)] as const
  const of = (replica: number): DatabaseServer => servers[Math.min(replica, 1)] as DatabaseServer
  for (let replica = 0; replica < REPLICAS; replica += 1) of(replica).ask(`create database r${replica}`)
  return {
    ...COUNTED,
    log: `in-${kind}`,
    store: kind,
    servers,
    urls: Array.from({ length: REPLICAS }, (_, replica) => of(replica).url(`r${replica}`)),
    first: [TABLE[kind], ...COUNTED.first],
    count: (replica) => of(replica).ask(COUNTED.query, `r${replica}`),
    spoil: (replica) => void of(replica).ask(SPOIL, `r${replica}`),
  }
}

function ofSqlite(): Kind {
  const paths = Array.from({ length: REPLICAS }, (_, replica) => join(directory, `${replica}.sqlite`))
  const inFile = <Value>(replica: number, ask: (file: DatabaseSync) => Value): Value => {
    const file = new DatabaseSync(paths[replica] as string)
    try {
      return ask(file)
    } finally {
      file.close()
    }
  }
  return {
    ...COUNTED,
    log: 'in-sqlite',
    store: 'sqlite',
    servers: [],
    urls: paths.map((path) => `sqlite:${path}`),
    first: [TABLE.sqlite, ...COUNTED.first],
    count: (replica) => inFile(replica, (file) => String(file.prepare(COUNTED.query).get()?.['n'])),
    spoil: (replica) => inFile(replica, (file) => file.exec(SPOIL)),
  }
}

/** As the user of the peers does, who may change logs. */
function run(peer: PeerProcess, ...words: readonly string[]): Promise<Finished> {
  return runToEnd(network.directory, [...words, '-url', `http://127.0.0.1:${peer.httpPort}`])
}

/** What the command prints. */
async function said(peer: PeerProcess, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(peer, ...words)
  assert.equal(code, 0, stderr)
  return stdout.trimEnd()
}

/** Adds one to each log under a name, again and again at any peer until it is acknowledged. */
async function add(name: string): Promise<void> {
  await Promise.all(
    kinds.map(async ({ log, add: body }) => {
      const headers = { 'Idempotency-Key': name, 'Content-Type': 'text/plain' }
      let place = 0
      await until(
        `${name} is added to ${log}`,
        async () => {
          place += 1
          const peer = peers[place % peers.length] as PeerProcess
          if (!peer.isRunning) return false
          const reply = await peer.client.ask('POST', `/logs/${log}`, { headers, body }).catch(() => undefined)
          return reply?.status === 200
        },
        SETTLED_MS,
      )
    }),
  )
  added += 1
}

async function addSome(name: string): Promise<void> {
  for (let count = 0; count < ADDED; count += 1) await add(`${name}-${count}`)
}

/** The stores of these replicas have every addition. */
async function whole(...replicas: readonly number[]): Promise<void> {
  for (const { log, count } of kinds) {
    await until(`${log} has ${added} in every store`, () => replicas.every((replica) => count(replica) === String(added)), SETTLED_MS)
  }
}

interface Replica {
  readonly peer: string
  readonly state: string
}

async function replicasOf(log: string): Promise<readonly Replica[]> {
  const reply = await (peers[1] as PeerProcess).client.ask('GET', `/logs/${log}/status`)
  return reply.status === 200 ? (JSON.parse(reply.body.toString()) as { readonly replicas: readonly Replica[] }).replicas : []
}

async function areReady(count: number): Promise<void> {
  for (const { log } of kinds) {
    await until(
      `${count} replicas of ${log} are ready`,
      async () => {
        const replicas = await replicasOf(log)
        return replicas.length === count && replicas.every(({ state }) => state === 'ready')
      },
      SETTLED_MS,
    )
  }
}

const offered = (replica: number): string[] => kinds.flatMap(({ log, urls }) => ['-log', `${log}=${urls[replica]}`])

describe('logs onto real stores', () => {
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'replicator-log-stores-'))
    kinds = [ofSqlite()]
    if (whyNoRedis() === false) kinds.push(await ofRedis())
    if (whyNo('mysql') === false) kinds.push(await ofServer('mysql'))
    network = await Network.create()
    for (const replica of [0, 1, 2])
      await network.grow('cluster-1', 1, { flags: [...offered(replica), '-min-peers', '3', '-log-check', CHECK_SECONDS] })
    peers = [...network.peers]
    await network.settled()
  })
  after(async () => {
    await network.close()
    for (const { servers } of kinds) for (const server of servers) await server[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  })

  it('are created by a command, and what one peer takes is in every store, with equal numbers', async (context) => {
    for (const why of [whyNoRedis(), whyNo('mysql')]) if (why !== false) context.diagnostic(why)
    const [first, second] = peers as [PeerProcess, PeerProcess]
    for (const { log, store, first: commands } of kinds) {
      await until(`${log} is born`, async () => /born/.test(await said(first, 'log', 'create', log, '-store', store)), SETTLED_MS)
      for (const [place, command] of commands.entries()) await said(first, 'log', 'submit', log, command, '-id', `first-${place}`)
    }
    await areReady(3)
    await addSome('begun')
    await whole(0, 1, 2)
    for (const { log, query } of kinds) assert.match(await said(second, 'log', 'query', log, query), new RegExp(`\\b${added}\\b`))
  })

  it('answer a command that fails everywhere with its error, and go on', async () => {
    for (const { log, wrong } of kinds) {
      const { code, stderr } = await run(peers[0] as PeerProcess, 'log', 'submit', log, wrong)
      assert.equal(code, 1, log)
      assert.match(stderr, /refuses the command/, log)
    }
    await areReady(3)
    await addSome('after-what-fails')
    await whole(0, 1, 2)
  })

  it('go on through the end of a peer and of the servers of one replica, which alone stalls, and add each thing once', async () => {
    const [, , third] = peers as [PeerProcess, PeerProcess, PeerProcess]
    await third.kill()
    await addSome('without-a-peer')
    await third.start()
    for (const { servers } of kinds) await servers[0]?.kill()
    await addSome('without-servers')
    for (const { log } of kinds.filter(({ servers }) => servers.length > 0)) {
      await until(
        `one replica of ${log} says that it is stalled`,
        async () => {
          const states = (await replicasOf(log)).map(({ state }) => state).toSorted()
          return states.join() === 'ready,ready,stalled'
        },
        SETTLED_MS,
      )
    }
    for (const { servers } of kinds) await servers[0]?.start()
    await whole(0, 1, 2)
    // Known by their names: nothing is added again.
    await addSome('begun')
    added -= ADDED
    await whole(0, 1, 2)
    await areReady(3)
  })

  it('find a store that was changed by hand, stop it, say so, and fill it anew by one command', async () => {
    const [, second] = peers as [PeerProcess, PeerProcess]
    const stateHere = async (log: string): Promise<string | undefined> =>
      (await replicasOf(log)).find(({ peer }) => peer === second.peerId)?.state
    for (const { spoil } of kinds) spoil(1)
    for (const { log } of kinds) await until(`${log} has stopped there`, async () => (await stateHere(log)) === 'halted', SETTLED_MS)
    const { warnings } = await second.client.status()
    for (const { log } of kinds) assert.match(warnings.join('\n'), new RegExp(`${log}.*differs`))
    await addSome('beside-it')
    await whole(0, 2)
    for (const { log } of kinds)
      await until(`${log} is refilled`, async () => (await run(second, 'log', 'refill', log)).code === 0, SETTLED_MS)
    await whole(0, 1, 2)
    await areReady(3)
  })

  it('fill a store by themselves that was emptied', async () => {
    for (const { empty } of kinds) empty?.(0)
    await addSome('emptied')
    await whole(0, 1, 2)
  })
})
