/**
 * The demo of Kluster: three databases that know nothing of one another, of two makes where
 * PostgreSQL is installed, kept equal by one Kafka; its client's lines, and an answer with rows.
 */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { chmodSync, closeSync, existsSync, globSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { cluster } from '../../src/kluster/kluster.ts'
import { kafkaHome } from '../kafka-home.ts'
import { environment, ROOT, withoutVariables } from '../run.ts'
import { PROGRAM, until } from './peer-process.ts'
import { portsOr } from './ports.ts'

const KAFKA_PORTS = [9092, 9093]
const POSTGRES_PORTS = [20001, 20002]
const START_MS = 120_000
const SHOWN_CHARACTERS = 2_000
/** The user of PostgreSQL has to get into its folder. */
const PASSABLE = 0o711
const LOG = 'kluster'

export interface KafkaStoryInit {
  readonly directory: string
  /** Every process is added here before anything is waited for, so that whoever ends the demo can end it. */
  readonly helpers: ChildProcess[]
  readonly say: (text: string) => void
  readonly signal: AbortSignal
}

/** A database, and how it is asked what it holds. */
interface Database {
  readonly name: string
  readonly store: string
  readonly ask: (sql: string) => string
}

/** Tells it all. @throws Error that says what did not hold */
export async function tellOfKafka(init: KafkaStoryInit): Promise<void> {
  const { directory, say } = init
  const waiting = { timeoutMs: START_MS, signal: init.signal }
  chmodSync(directory, PASSABLE)
  const [kafka = 0, controller = 0] = await portsOr(KAFKA_PORTS)
  start(init, join(ROOT, 'scripts/servers/kafka.sh'), [join(directory, 'kafka'), String(kafka), String(controller)], 'kafka')
  const order = `kafka://127.0.0.1:${kafka}?replication=1`
  const databases = await databasesOf(init)
  await until('the topics are made', () => replicator(init, 'log', 'create', LOG, '-order', order), waiting)
  say(`replicator log create ${LOG} -order '${order}'`)
  for (const { name, store } of databases) {
    start(init, process.execPath, [PROGRAM, 'replica', LOG, '-order', order, '-store', store], name)
    say(`replicator replica ${LOG} -order '${order}' -store ${store}`)
  }
  for (const sql of [
    'create table names (id integer primary key, name varchar(40))',
    "insert into names values (1, 'Ada'), (2, 'Grace')",
    'SELECT 2+2 as Count',
  ]) {
    const told = await until(`an answer to ${sql}`, () => replicator(init, 'kluster', 'client', sql, '-order', order), waiting)
    say(`replicator kluster client "${sql}"\n${told.trimEnd().replaceAll(/^/gm, ' '.repeat(12))}`)
  }
  for (const { name, ask } of databases) {
    await until(`${name} has both`, () => ask('select id, name from names order by id') === '1|Ada\n2|Grace' || undefined, waiting)
    say(`${name} holds 1 Ada, 2 Grace`)
  }
  await answerWithRows(init, order)
}

/** By a program, through the client library. */
async function answerWithRows({ say }: KafkaStoryInit, order: string): Promise<void> {
  const client = cluster({ name: LOG, order })
  try {
    const answer = await client.query('select id, name from names order by id', [], { linearizable: true, timeoutMs: START_MS })
    if (answer.kind !== 'answered' || answer.result.rows.length !== 2) throw new Error(`the query was answered ${JSON.stringify(answer)}`)
    say(
      `cluster().query('select id, name from names order by id')\n${' '.repeat(12)}${JSON.stringify(answer.result.rows)}, told by one of the three`,
    )
  } finally {
    await client.close()
  }
}

async function databasesOf(init: KafkaStoryInit): Promise<readonly Database[]> {
  const { directory, say } = init
  if (globSync('/usr/lib/postgresql/*/bin/postgres').length === 0 || spawnSync('psql', ['--version']).error !== undefined) {
    say('PostgreSQL is not installed (apt-get install --no-install-recommends postgresql): all three databases are SQLite')
    return ['a', 'b', 'c'].map((name) => sqliteAt(name, directory))
  }
  const ports = await portsOr(POSTGRES_PORTS)
  const servers = ports.map((port) => postgresAt(init, port))
  say(`a PostgreSQL each listens on ${ports.join(' and ')}; the third database is a file of SQLite`)
  return [...(await Promise.all(servers)), sqliteAt('sqlite', directory)]
}

function sqliteAt(name: string, directory: string): Database {
  const path = join(directory, `${name}.sqlite`)
  const ask = (sql: string): string => {
    if (!existsSync(path)) return ''
    const database = new DatabaseSync(path, { readOnly: true })
    try {
      return database
        .prepare(sql)
        .all()
        .map((row) => Object.values(row).join('|'))
        .join('\n')
    } catch (error) {
      return String(error)
    } finally {
      database.close()
    }
  }
  return { name, store: `sqlite:${path}`, ask }
}

async function postgresAt(init: KafkaStoryInit, port: number): Promise<Database> {
  const name = `postgres-${port}`
  start(init, join(ROOT, 'scripts/servers/postgres.sh'), [join(init.directory, name), String(port)], name)
  const ask = (sql: string, database = LOG): string => {
    const flags = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', '-At', '-d', database, '-c', sql]
    return spawnSync('psql', flags, { encoding: 'utf8' }).stdout.trim()
  }
  await until(`${name} answers`, () => ask('select 1', 'postgres') === '1' || undefined, { timeoutMs: START_MS, signal: init.signal })
  ask(`create database ${LOG} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'`, 'postgres')
  return { name, store: `postgres://postgres@127.0.0.1:${port}/${LOG}`, ask }
}

/** What it says goes into a file. */
function start({ directory, helpers }: KafkaStoryInit, program: string, words: readonly string[], name: string): void {
  const log = openSync(join(directory, `${name}.log`), 'a')
  const child = spawn(program, words, {
    cwd: ROOT,
    env: { ...withoutVariables(environment(), 'REPLICATOR_'), KAFKA_HOME: kafkaHome() },
    stdio: ['ignore', log, log],
    detached: true,
  })
  closeSync(log)
  child.on('error', () => {})
  helpers.push(child)
}

/** @returns what it printed; undefined where it was refused */
async function replicator({ directory, helpers }: KafkaStoryInit, ...words: readonly string[]): Promise<string | undefined> {
  const ended = helpers.find(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)
  if (ended !== undefined) {
    const logs = globSync('*.log', { cwd: directory }).map((name) => readFileSync(join(directory, name), 'utf8').slice(-SHOWN_CHARACTERS))
    throw new Error(`${ended.spawnargs.join(' ')} ended\n${logs.join('\n')}`)
  }
  const { status, stdout } = spawnSync(process.execPath, [PROGRAM, ...words], { cwd: ROOT, encoding: 'utf8' })
  return status === 0 ? stdout : undefined
}
