/**
 * A real Kafka with a replica upon SQLite and one upon PostgreSQL, as programs of their own: commands
 * of clients land in both, once each, through kills of the replicas and messages that are sent twice.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { cluster } from '../../src/kluster/kluster.ts'
import type { Cluster, Outcome, SqlResult } from '../../src/kluster/kluster.ts'
import { whyNoKafka } from '../../scripts/kafka-home.ts'
import { Client } from '../../src/kluster/pg.ts'
import { makeTopics } from '../../src/orderers/kafka/administration.ts'
import { reach } from '../../src/orderers/kafka/connection.ts'
import { parseOrder } from '../../src/settings/order-url.ts'
import { KafkaServer } from '../integration/kafka-server.ts'
import { DatabaseServer, whyNo } from '../integration/sql-servers.ts'
import { makeRoot, makeSigned, NO_OPENSSL } from './certificates.ts'
import { runToEnd } from './command.ts'
import { describeKlusterLines } from './kluster-lines.ts'
import { cleanEnvironment, Network, until } from './network.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts')
const SETTLED_MS = 120_000
const ANSWER_MS = 60_000
/** Transfers of one unit between accounts, and how many wait at once. */
const TRANSFERS = 300
const AT_ONCE = 20
const ACCOUNTS = 10
const BALANCE = 1_000
const TWICE_EVERY = 7

let directory: string
let kafka: KafkaServer
let postgres: DatabaseServer
let order: string
/** The port of the broker that asks for TLS and a user; undefined without openssl. */
let guarded: string | undefined
let client: Cluster
let network: Network | undefined
let replicas: Replica[]

interface LogStatus {
  readonly replicas: readonly { readonly peer: string; readonly state: string }[]
}

/** A replica as a program of its own. */
class Replica {
  readonly #words: readonly string[]
  #process: ChildProcess | undefined
  output = ''

  constructor(store: string, log = 'orders', url = order) {
    this.#words = ['replica', log, '-order', url, '-store', store]
  }

  start(): void {
    const child = spawn(process.execPath, [MAIN, ...this.#words], {
      cwd: directory,
      env: { ...cleanEnvironment(), HOME: directory },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    this.#process = child
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#process
    this.#process = undefined
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null
    const end = once(child, 'exit')
    child.kill(signal)
    const [code] = await end
    return code as number | null
  }
}

function inSqlite(sql: string, path: string = join(directory, 'orders.sqlite')): string {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return database
      .prepare(sql)
      .all()
      .map((row) => Object.values(row).join('|'))
      .join('\n')
  } finally {
    database.close()
  }
}

/** Both databases say the same. */
async function equal(sql: string): Promise<string> {
  const both = (): readonly [string, string] => [inSqlite(sql), postgres.ask(sql, 'orders')]
  await until(`both databases say the same to ${sql}`, () => both()[0] === both()[1], SETTLED_MS)
  return both()[0]
}

function done(outcome: Outcome<unknown>): void {
  assert.equal(outcome.kind, 'done', JSON.stringify(outcome))
}

/** Until it is known what became of it: a name that is sent again takes effect once. */
async function transfer(number: number): Promise<void> {
  const [from, to] = [number % ACCOUNTS, (number * 3 + 1) % ACCOUNTS]
  const statements = [
    { command: `update accounts set balance = balance - 1 where id = ${from}`, rows: 1 },
    { command: `update accounts set balance = balance + 1 where id = ${to}`, rows: 1 },
    { command: `insert into transfers values (${number})` },
  ]
  const id = `transfer-${number}`
  const sent = async (): Promise<boolean> => {
    const { kind } = await client.transaction(statements, { id, timeoutMs: ANSWER_MS })
    assert(kind === 'done' || kind === 'in-doubt', kind)
    return kind === 'done'
  }
  await until(`${id} is done`, sent, SETTLED_MS)
  if (number % TWICE_EVERY === 0) assert(await sent())
}

async function startKafka(): Promise<{ readonly kafka: KafkaServer; readonly guarded?: string }> {
  if (NO_OPENSSL !== false) return { kafka: await KafkaServer.start() }
  const root = makeRoot(directory, 'root')
  makeSigned(directory, 'app', root)
  makeSigned(directory, 'stranger', makeRoot(directory, 'other'))
  return KafkaServer.startGuarded(makeSigned(directory, 'broker', root), root)
}

describe('databases in one order through Kafka', { skip: whyNoKafka() || whyNo('postgres') }, () => {
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'replicator-kafka-test-'))
    ;[{ kafka, guarded }, postgres] = await Promise.all([startKafka(), DatabaseServer.start('postgres')])
    postgres.ask(`create database orders template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'`)
    order = `kafka://${kafka.address}?replication=1`
  })
  after(async () => {
    await client?.close()
    await network?.close()
    for (const replica of replicas ?? []) await replica.end('SIGKILL')
    await kafka?.[Symbol.asyncDispose]()
    await postgres?.[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  })

  it('is born by a command, and a replica without its topics says what to do', async () => {
    const early = await runToEnd(directory, ['replica', 'orders', '-order', order, '-store', 'sqlite:early.sqlite'])
    assert.deepEqual([early.code, /there is no topic orders-all.*replicator log create/.test(early.stderr)], [1, true], early.stderr)
    const { code, stdout, stderr } = await runToEnd(directory, ['log', 'create', 'orders', '-order', order])
    assert.deepEqual([code, stdout], [0, 'log orders is born: topics orders-all, orders-one, orders-response\n'], stderr)
    const again = await runToEnd(directory, ['log', 'create', 'orders', '-order', order])
    assert.equal(again.stdout, 'log orders was born so before\n')
  })

  it('writes to both makes in one order, answers with rows, and says what is refused', async () => {
    replicas = [new Replica('sqlite:orders.sqlite'), new Replica(postgres.url('orders'))]
    for (const replica of replicas) replica.start()
    client = cluster({ name: 'orders', order })
    const options = { timeoutMs: ANSWER_MS }
    done(await client.exec('create table accounts (id integer primary key, balance integer not null)', [], options))
    done(await client.exec('create table transfers (id integer primary key)', [], options))
    for (let id = 0; id < ACCOUNTS; id += 1) done(await client.exec(`insert into accounts values (${id}, ${BALANCE})`, [], options))
    const again = await client.exec('insert into accounts values (0, 0)', [], options)
    assert.deepEqual([again.kind, again.kind === 'rejected' && again.class], ['rejected', 'constraint'])
    const answer = await client.query('select id, balance from accounts where id < 2 order by id', [], { ...options, linearizable: true })
    assert(answer.kind === 'answered', JSON.stringify(answer))
    const rows: SqlResult['rows'] = answer.result.rows
    assert.deepEqual(rows, [
      [0, BALANCE],
      [1, BALANCE],
    ])
    const write = await client.query('delete from accounts', [], options)
    assert.equal(write.kind, 'not-a-query')
    assert.equal(await equal('select count(*) from accounts'), String(ACCOUNTS))
  })

  it("answers the seed's client in its lines", async () => {
    const { code, stdout, stderr } = await runToEnd(directory, [
      'kluster',
      'client',
      'SELECT 2+2 as Count',
      '-order',
      `${order}&all=orders-all&one=orders-one&response=orders-response`,
    ])
    assert.equal(code, 0, stderr)
    assert.match(stdout, /\[kafkaClient\] sent query for execution with id \S+: SELECT 2\+2 as Count\n/)
    assert.match(stdout, /Received result message, key=\S+ val=Successfully executed query, rowsAffected=1 \n/)
    assert.match(stdout, /received result for query with id \S+, completing result!\n/)
  })

  it('takes each transfer once, through kills of the replicas and messages sent twice', async () => {
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < TRANSFERS) await transfer((next += 1))
    }
    const workers = Promise.all(Array.from({ length: AT_ONCE }, worker))
    for (const quarter of [1, 2, 3]) {
      await until('some are done', () => next >= (quarter * TRANSFERS) / 4, SETTLED_MS)
      const replica = replicas[quarter % 2] as Replica
      await replica.end('SIGKILL')
      replica.start()
    }
    await workers
    assert.equal(await equal('select sum(balance) from accounts'), String(ACCOUNTS * BALANCE))
    assert.equal(await equal('select count(*), min(id), max(id) from transfers'), `${TRANSFERS}|1|${TRANSFERS}`)
    await equal('select id, balance from accounts order by id')
  })

  it('fills a third database from a dump, which goes on from its own position', async () => {
    const path = join(directory, 'copy.sqlite')
    postgres.ask(`create database copied template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'`)
    for (const [name, from, to] of [
      ['lite.dump', 'sqlite:orders.sqlite', `sqlite:${path}`],
      ['postgres.dump', postgres.url('orders'), postgres.url('copied')],
    ] as const) {
      const written = await runToEnd(directory, ['kluster', 'backup', 'orders', name, '-store', from])
      assert.deepEqual([written.code, written.stdout], [0, `written: ${name}\n`], written.stderr)
      const loaded = await runToEnd(directory, ['kluster', 'restore', 'orders', name, '-store', to])
      assert.equal(loaded.code, 0, loaded.stderr)
      const twice = await runToEnd(directory, ['kluster', 'restore', 'orders', name, '-store', to])
      assert.equal(twice.code, 1, 'a dump is loaded over what is there')
    }
    for (let number = TRANSFERS + 1; number <= TRANSFERS + AT_ONCE; number += 1) await transfer(number)
    const copies = [new Replica(`sqlite:${path}`), new Replica(postgres.url('copied'))]
    replicas.push(...copies)
    for (const copy of copies) copy.start()
    const sql = 'select id, balance from accounts order by id'
    const whole = await equal(sql)
    await until('the copy in PostgreSQL has all', () => postgres.ask(sql, 'copied') === whole, SETTLED_MS)
    await until('the copy in SQLite has all', () => inSqlite(sql, path) === whole, SETTLED_MS)
  })

  it('serves a program that spoke to PostgreSQL by another import', async () => {
    const pg = new Client({ name: 'orders', order })
    await pg.connect()
    const inserted = await pg.query(`insert into transfers values (${10 * TRANSFERS})`)
    assert.deepEqual([inserted.command, inserted.rowCount], ['INSERT', 1])
    const { rows, fields } = await pg.query(`select id from transfers where id > ${5 * TRANSFERS}`)
    assert.deepEqual([rows, fields], [[{ id: 10 * TRANSFERS }], [{ name: 'id' }]])
    await assert.rejects(pg.query('begin'), { name: 'DatabaseError', code: '0A000' })
    await assert.rejects(pg.query(`insert into transfers values (${10 * TRANSFERS})`), { name: 'DatabaseError', code: /^23/ })
    await pg.end()
  })

  describeKlusterLines(() => ({ kafka, postgres, directory }))

  it('reaches brokers by TLS and a password in a file, and says in a line why they refuse', { skip: NO_OPENSSL }, async () => {
    await kafka.addUser('app', 'open-sesame')
    for (const [name, password] of Object.entries({ right: 'open-sesame\n', wrong: 'open-barley\n' }))
      await writeFile(join(directory, `${name}.password`), password, { mode: 0o600 })
    const url = (...access: string[]): string => `kafka://${guarded}?replication=1${access.join('')}`
    const user = (name: string): string => `&sasl=scram-sha-512&user=app&password-file=${join(directory, `${name}.password`)}`
    const trusted = `&tls=${join(directory, 'root.pem')}`
    const own = (name: string): string => `&cert=${join(directory, `${name}.pem`)}&key=${join(directory, `${name}.key`)}`
    const known = trusted + own('app')
    const refusals: readonly (readonly [string, RegExp])[] = [
      [url(known, user('wrong')), /^the brokers refuse user app with the password in \S+wrong\.password, by scram-sha-512$/],
      [url(trusted, user('right')), /^the brokers ask for a certificate: /],
      [url(trusted + own('stranger'), user('right')), /^the brokers refuse the certificate in \S+stranger\.pem$/],
      [url('&tls=system', user('right')), /^the certificate of a broker is not trusted by tls=system: /],
      [url(''), /^the brokers ask for TLS: /],
      [`${order}${trusted}`, /^the brokers speak no TLS at this port/],
      [url(known, user('right').replace('sha-512', 'sha-256')), /^the brokers know no users by scram-sha-256/],
    ]
    for (const [refused, message] of refusals) {
      const stranger = cluster({ name: 'guarded', order: refused })
      await assert.rejects(stranger.exec('select 1', [], { timeoutMs: ANSWER_MS }), { name: 'AccessRefused', message }, refused)
      await stranger.close()
    }
    const told = await runToEnd(directory, ['log', 'create', 'guarded', '-order', url(known, user('wrong'))])
    assert.deepEqual([told.code, told.stderr.trimEnd().split('\n').length], [1, 1], told.stderr)
    const right = url(known, user('right'))
    const { brokers, ...names } = parseOrder(right, 'guarded')
    assert.equal((await makeTopics(await reach(brokers), names)).length, 3)
    const replica = new Replica('sqlite:guarded.sqlite', 'guarded', right)
    replica.start()
    const friend = cluster({ name: 'guarded', order: right })
    try {
      done(await friend.exec('create table items (id integer primary key)', [], { timeoutMs: ANSWER_MS }))
    } finally {
      await friend.close()
      assert.equal(await replica.end('SIGTERM'), 0, replica.output)
    }
  })

  it('is kept at a peer too, whose clients speak HTTP', async () => {
    network = await Network.create()
    const flags = ['-min-peers', '1', '-log', `orders=sqlite:${join(directory, 'peer.sqlite')}`, '-log-order', `orders=${order}`]
    const peer = await network.add({ flags })
    await peer.start()
    const asked = async (method: string, path: string, body?: string): Promise<{ readonly status: number; readonly text: string }> => {
      const reply = await peer.client.ask(method, path, body === undefined ? {} : { body })
      return { status: reply.status, text: reply.body.toString('utf8') }
    }
    const replicasSeen = async (): Promise<LogStatus['replicas']> =>
      (JSON.parse((await asked('GET', '/logs/orders/status')).text) as LogStatus).replicas
    const isReady = async (): Promise<boolean> => (await replicasSeen()).some((each) => each.peer === peer.peerId && each.state === 'ready')
    await until('its replica has caught up', isReady, SETTLED_MS)
    const number = 20 * TRANSFERS
    const sent = await asked('POST', '/logs/orders', `insert into transfers values (${number})`)
    const told = JSON.parse(sent.text) as { readonly outcome: string; readonly position: { readonly offset: number } }
    assert.deepEqual([sent.status, told.outcome], [200, 'done'], sent.text)
    const asks = `/logs/orders?q=${encodeURIComponent(`select id from transfers where id = ${number}`)}`
    for (const how of [`after=${told.position.offset}`, 'consistency=linearizable']) {
      const read = await asked('GET', `${asks}&${how}`)
      assert.deepEqual([read.status, (JSON.parse(read.text) as { readonly result: SqlResult }).result.rows], [200, [[number]]], read.text)
    }
    const isLocal = async (): Promise<boolean> => (await asked('GET', `${asks}&consistency=local`)).text.includes(`[[${number}]]`)
    await until('its own database has it', isLocal, SETTLED_MS)
    const headers = { 'Idempotency-Key': 'once' }
    const sentAgain = async (): Promise<number> =>
      (await peer.client.ask('POST', '/logs/orders', { headers, body: `insert into transfers values (${number + 1})` })).status
    const statuses = await Promise.all([sentAgain(), sentAgain()])
    assert(
      statuses.every((each) => each === 200 || each === 504),
      `of two at once: ${statuses.join(', ')}`,
    )
    assert.equal(await sentAgain(), 200)
    // The others are no peers: they are known by the names that they gave themselves.
    await until('all replicas are seen', async () => (await replicasSeen()).length === replicas.length + 1, SETTLED_MS)
  })

  it('shows how far each database is, and takes no verdict over what one has applied', async () => {
    const isThere = async (): Promise<boolean> => {
      const { stdout } = await runToEnd(directory, ['kluster', 'lag', 'orders', '-order', order])
      return stdout.split('\n').filter((line) => /^\S+ {2}ready, applied below \d+, 0 behind$/.test(line)).length === replicas.length + 1
    }
    await until('all are ready', isThere, SETTLED_MS)
    const { code, stderr } = await runToEnd(directory, ['kluster', 'verdict', 'orders', '0', 'rejected', '-order', order])
    assert.deepEqual([code, /has applied it, and would halt/.test(stderr)], [1, true], stderr)
  })

  it('ends by itself when it is told to', async () => {
    const [first] = replicas as [Replica]
    assert.equal(await first.end('SIGTERM'), 0, first.output)
    first.start()
  })

  it('halts, and says why, when the topic was deleted and made again', async () => {
    await client.close()
    for (const replica of replicas) await replica.end('SIGKILL')
    await kafka.deleteTopic('orders-all')
    const made = await runToEnd(directory, ['log', 'create', 'orders', '-order', order])
    assert.equal(made.stdout, 'log orders is born: topics orders-all\n', made.stderr)
    const { code, stderr } = await runToEnd(directory, ['replica', 'orders', '-order', order, '-store', 'sqlite:orders.sqlite'])
    assert.deepEqual([code, /store-of-another-log/.test(stderr)], [1, true], stderr)
  })
})
