/**
 * `npm run kluster`: databases in one order through a real Kafka, under fire, and how fast that is.
 * Transfers between accounts run while replicas, and with three brokers a broker, are killed; some are sent twice, by
 * two clients at once. In the end sums are right, databases equal, and each transfer is there once.
 *
 * `npm run kluster -- [--transfers N] [--brokers 1|3] [--stores postgres,mysql,sqlite] [--kills N]`
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { cluster } from '../src/kluster/kluster.ts'
import type { Cluster } from '../src/kluster/kluster.ts'
import { makeTopics } from '../src/orderers/kafka/administration.ts'
import { loadKafka } from '../src/orderers/kafka/connection.ts'
import { Producing } from '../src/orderers/kafka/producing.ts'
import { parseOrder } from '../src/settings/order-url.ts'
import { KafkaServer } from '../test/integration/kafka-server.ts'
import { DatabaseServer } from '../test/integration/sql-servers.ts'
import { whyNoKafka } from './kafka-home.ts'
import { environment, ROOT } from './run.ts'

const ACCOUNTS = 100
const BALANCE = 1_000_000
const AT_ONCE = 200
const TWICE = 0.1
const ANSWER_MS = 60_000
const SETTLED_MS = 300_000
const LOOK_MS = 200
const SINGLE = 200
const BATCHED = 5_000
const LOG = 'accounts'

interface Kept {
  readonly name: string
  readonly url: string
  readonly ask: (sql: string) => string
}

const { values: flags } = parseArgs({
  options: {
    transfers: { type: 'string', default: '2000' },
    brokers: { type: 'string', default: '1' },
    stores: { type: 'string', default: 'postgres,postgres,mysql' },
    kills: { type: 'string', default: '6' },
  },
})
const transfers = Number(flags.transfers)
const closers: (() => Promise<void>)[] = []
const startedMs = performance.now()

function say(text: string): void {
  console.log(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${text}`)
}

async function databases(directory: string): Promise<readonly Kept[]> {
  const kept: Kept[] = []
  for (const [place, kind] of flags.stores.split(',').entries()) {
    if (kind === 'sqlite') {
      const path = join(directory, `${place}.sqlite`)
      kept.push({ name: `sqlite ${place}`, url: `sqlite:${path}`, ask: (sql) => inSqlite(path, sql) })
      continue
    }
    if (kind !== 'postgres' && kind !== 'mysql') throw new Error(`${kind} is none of postgres, mysql, sqlite`)
    const server = await DatabaseServer.start(kind)
    closers.push(() => server[Symbol.asyncDispose]())
    server.ask(
      kind === 'mysql' ? `create database ${LOG}` : `create database ${LOG} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'`,
    )
    const ask = (sql: string): string => server.ask(sql, LOG).replaceAll('\t', '|')
    kept.push({ name: `${kind} ${place}`, url: server.url(LOG), ask })
  }
  return kept
}

function inSqlite(path: string, sql: string): string {
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

function startReplica(directory: string, order: string, { url }: Kept): ChildProcess {
  const words = ['src/main.ts', 'replica', LOG, '-order', order, '-store', url, '-data', directory]
  return spawn(process.execPath, words, { cwd: ROOT, env: environment(), stdio: 'ignore' })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

/** How long each of some calls took, in words. */
async function timed(count: number, width: number, run: (place: number) => Promise<unknown>): Promise<string> {
  const tookMs: number[] = []
  let next = 0
  const began = performance.now()
  const worker = async (): Promise<void> => {
    while (next < count) {
      const from = performance.now()
      await run((next += 1))
      tookMs.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  tookMs.sort((a, b) => a - b)
  const at = (share: number): string => `${(tookMs[Math.floor(tookMs.length * share)] ?? 0).toFixed(1)} ms`
  return `${Math.round((count * 1_000) / (performance.now() - began))} a second, half within ${at(0.5)}, 99 of 100 within ${at(0.99)}`
}

/** The order alone, by the producer that clients use, and with replicas. */
async function measure(order: string, client: Cluster): Promise<void> {
  const { brokers, response } = parseOrder(order, LOG)
  const producing = new Producing(await loadKafka(), brokers, 'measure')
  const value = 'x'.repeat(150)
  // Into the topic of answers: nobody waits for these.
  const produce = (): Promise<number> => producing.send({ topic: response, key: undefined, partition: 0, value })
  await produce()
  say(`raw producer, one at a time: ${await timed(SINGLE, 1, produce)}`)
  say(`raw producer, ${AT_ONCE} at once: ${await timed(BATCHED, AT_ONCE, produce)}`)
  await producing.close()
  const insert = (from: number) => async (place: number) => {
    const { kind } = await client.exec(`insert into marks values (${from + place})`, [], { timeoutMs: ANSWER_MS })
    if (kind !== 'done') throw new Error(`an insert is ${kind}`)
  }
  say(`commands, one at a time: ${await timed(SINGLE, 1, insert(0))}`)
  say(`commands, ${AT_ONCE} at once: ${await timed(BATCHED, AT_ONCE, insert(1_000_000))}`)
  const read = async (): Promise<void> => void (await client.query('select 1', [], { linearizable: true, timeoutMs: ANSWER_MS }))
  say(`linearizable queries, one at a time: ${await timed(SINGLE, 1, read)}`)
}

function statementsOf(number: number): { readonly command: string; readonly rows?: number }[] {
  const from = (number * 7) % ACCOUNTS
  const to = (from + 1 + (number % (ACCOUNTS - 1))) % ACCOUNTS
  return [
    { command: `update accounts set balance = balance - 1 where id = ${from}`, rows: 1 },
    { command: `update accounts set balance = balance + 1 where id = ${to}`, rows: 1 },
    { command: `insert into transfers values (${number})`, rows: 1 },
  ]
}

async function transfer(clients: readonly [Cluster, Cluster], number: number): Promise<void> {
  const options = { id: `transfer-${number}`, timeoutMs: ANSWER_MS }
  const sent = async (client: Cluster): Promise<void> => {
    const deadline = performance.now() + SETTLED_MS
    for (;;) {
      const { kind } = await client.transaction(statementsOf(number), options)
      if (kind === 'done') return
      if (kind !== 'in-doubt' || performance.now() > deadline) throw new Error(`transfer ${number} is ${kind}`)
    }
  }
  const [first, second] = clients
  await Promise.all([sent(first), ...(Math.random() < TWICE ? [sent(second)] : [])])
}

async function equal(kept: readonly Kept[], sql: string, expected?: string): Promise<void> {
  const deadline = performance.now() + SETTLED_MS
  for (;;) {
    const told = kept.map(({ ask }) => ask(sql))
    if (told.every((each) => each === (expected ?? told[0])))
      return say(`equal in all: ${sql}${expected === undefined ? '' : ` -> ${expected}`}`)
    if (performance.now() > deadline) throw new Error(`${sql}: ${JSON.stringify(told.map((each) => each.slice(0, 200)))}`)
    await delay(LOOK_MS)
  }
}

async function main(): Promise<void> {
  const whyNot = whyNoKafka()
  if (whyNot !== false) throw new Error(whyNot)
  const directory = await mkdtemp(join(tmpdir(), 'replicator-kluster-'))
  closers.push(() => rm(directory, { recursive: true, force: true, maxRetries: 10 }))
  const count = Number(flags.brokers)
  const kafka = await KafkaServer.start(count)
  closers.push(() => kafka[Symbol.asyncDispose]())
  const order = `kafka://${kafka.address}?replication=${count}`
  const names = parseOrder(order, LOG)
  await makeTopics(names.brokers, names)
  const kept = await databases(directory)
  say(`${count} brokers; ${kept.map(({ name }) => name).join(', ')}`)
  const replicas = kept.map((each) => startReplica(directory, order, each))
  closers.push(async () => void (await Promise.all(replicas.map(end))))
  const clients = [cluster({ name: LOG, order }), cluster({ name: LOG, order })] as const
  closers.push(async () => void (await Promise.all(clients.map((client) => client.close()))))
  const [client] = clients
  const setUp = async (sql: string): Promise<void> => {
    const outcome = await client.exec(sql, [], { timeoutMs: SETTLED_MS })
    if (outcome.kind !== 'done') throw new Error(`${sql}: ${JSON.stringify(outcome)}`)
  }
  for (const table of ['marks', 'transfers']) await setUp(`create table ${table} (id integer primary key)`)
  await setUp('create table accounts (id integer primary key, balance integer not null)')
  const rows = Array.from({ length: ACCOUNTS }, (_, id) => `(${id}, ${BALANCE})`).join(', ')
  await setUp(`insert into accounts values ${rows}`)
  await measure(order, client)

  const began = performance.now()
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < transfers) await transfer(clients, (next += 1))
  }
  const kills = Number(flags.kills)
  const fire = async (): Promise<void> => {
    for (let kill = 1; kill <= kills; kill += 1) {
      const isDue = (): boolean => next >= (kill * transfers) / (kills + 1)
      while (!isDue()) await delay(LOOK_MS)
      const place = Math.floor(Math.random() * replicas.length)
      await end(replicas[place] as ChildProcess)
      replicas[place] = startReplica(directory, order, kept[place] as Kept)
      say(`${next} of ${transfers}: replica of ${kept[place]?.name} killed -9 and started again`)
      if (count === 1 || kill !== Math.ceil(kills / 2)) continue
      await kafka.killBroker(0)
      say('a broker killed -9')
      setTimeout(() => kafka.startBroker(0), ANSWER_MS / 2)
    }
  }
  await Promise.all([fire(), ...Array.from({ length: AT_ONCE }, worker)])
  say(`${transfers} transfers answered, ${Math.round((transfers * 1_000) / (performance.now() - began))} a second through ${kills} kills`)
  await equal(kept, 'select sum(balance) from accounts', String(ACCOUNTS * BALANCE))
  await equal(kept, 'select count(*), min(id), max(id) from transfers', `${transfers}|1|${transfers}`)
  await equal(kept, 'select id, balance from accounts order by id')
}

let exitCode = 0
try {
  await main()
} catch (error) {
  exitCode = 1
  console.error(error)
}
for (const close of closers.toReversed()) await close().catch((error: unknown) => console.error(error))
process.exit(exitCode)
