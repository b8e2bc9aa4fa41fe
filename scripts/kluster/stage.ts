/** A real Kafka, real databases, replicas as programs of their own and two clients, for `npm run kluster`. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { cluster } from '../../src/kluster/kluster.ts'
import type { Cluster } from '../../src/kluster/kluster.ts'
import { makeTopics } from '../../src/orderers/kafka/administration.ts'
import { reach } from '../../src/orderers/kafka/connection.ts'
import { parseOrder } from '../../src/settings/order-url.ts'
import { KafkaServer } from '../../test/integration/kafka-server.ts'
import { DatabaseServer } from '../../test/integration/sql-servers.ts'
import { environment, ROOT } from '../run.ts'
import type { Finished } from '../run.ts'
import { run } from '../run.ts'

export const LOG = 'accounts'
export const ACCOUNTS = 100
export const BALANCE = 1_000_000
/** Transfers and other calls that wait at once. */
export const AT_ONCE = 200
export const ANSWER_MS = 60_000
const SETTLED_MS = 300_000
const LOOK_MS = 200

/** A database, and the replica that keeps it. */
export interface Kept {
  readonly name: string
  readonly kind: 'postgres' | 'mysql' | 'sqlite'
  readonly url: string
  readonly server: DatabaseServer | undefined
  readonly ask: (sql: string) => string
}

const startedMs = performance.now()

export function say(text: string): void {
  console.log(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${text}`)
}

export class Stage {
  readonly directory: string
  readonly kafka: KafkaServer
  readonly brokers: number
  readonly kept: Kept[] = []
  readonly clients: readonly [Cluster, Cluster]
  readonly #running = new Map<Kept, ChildProcess>()
  readonly #closers: (() => Promise<unknown>)[] = []

  private constructor(directory: string, kafka: KafkaServer, brokers: number) {
    this.directory = directory
    this.kafka = kafka
    this.brokers = brokers
    const { order } = this
    this.clients = [cluster({ name: LOG, order }), cluster({ name: LOG, order })]
  }

  static async open(brokers: number, stores: readonly string[]): Promise<Stage> {
    const directory = await mkdtemp(join(tmpdir(), 'replicator-kluster-'))
    const stage = new Stage(directory, await KafkaServer.start(brokers), brokers)
    try {
      const { brokers: order, ...names } = parseOrder(stage.order, LOG)
      await makeTopics(await reach(order), names)
      for (const [place, kind] of stores.entries()) await stage.add(kind, String(place))
      say(`${brokers} brokers; ${stage.kept.map(({ name }) => name).join(', ')}`)
      for (const kept of stage.kept) stage.start(kept)
      await stage.#setUp()
      return stage
    } catch (error) {
      await stage.close()
      throw error
    }
  }

  get order(): string {
    return `kafka://${this.kafka.address}?replication=${this.brokers}`
  }

  /** An empty database, that no replica keeps yet. */
  async add(kind: string, name: string, server?: DatabaseServer): Promise<Kept> {
    const kept = kind === 'sqlite' ? this.#sqlite(name) : await this.#served(kind, name, server)
    this.kept.push(kept)
    return kept
  }

  start(kept: Kept): void {
    const words = ['src/main.ts', 'replica', LOG, '-name', nameOf(kept), '-order', this.order, '-store', kept.url, '-data', this.directory]
    this.#running.set(kept, spawn(process.execPath, words, { cwd: ROOT, env: environment(), stdio: 'ignore' }))
  }

  async end(kept: Kept): Promise<void> {
    const child = this.#running.get(kept)
    this.#running.delete(kept)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  /** It is looked at no more. */
  async drop(kept: Kept): Promise<void> {
    await this.end(kept)
    this.kept.splice(this.kept.indexOf(kept), 1)
  }

  async replicator(...words: readonly string[]): Promise<Finished> {
    return run(['node', 'src/main.ts', ...words])
  }

  async command(sql: string): Promise<void> {
    const outcome = await this.clients[0].exec(sql, [], { timeoutMs: SETTLED_MS })
    if (outcome.kind !== 'done') throw new Error(`${sql}: ${JSON.stringify(outcome)}`)
  }

  /** Waits until all databases say the same. @returns what they say */
  async equal(sql: string, expected?: string): Promise<string> {
    await this.until(
      () => this.kept.map(({ ask }) => ask(sql)),
      (told) => told.every((each) => each === (expected ?? told[0])),
    )
    const [told = ''] = this.kept.map(({ ask }) => ask(sql))
    say(`equal in all: ${sql}${told.length > 60 ? '' : ` -> ${told}`}`)
    return told
  }

  async until<Told>(look: () => Told | Promise<Told>, holds: (told: Told) => boolean): Promise<Told> {
    const deadline = performance.now() + SETTLED_MS
    for (;;) {
      const told = await look()
      if (holds(told)) return told
      if (performance.now() > deadline) throw new Error(`it does not come about: ${JSON.stringify(told).slice(0, 600)}`)
      await delay(LOOK_MS)
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.clients.map((client) => client.close()))
    for (const kept of this.#running.keys()) await this.end(kept)
    await this.kafka[Symbol.asyncDispose]()
    for (const close of this.#closers.toReversed()) await close().catch((error: unknown) => console.error(error))
    await rm(this.directory, { recursive: true, force: true, maxRetries: 10 })
  }

  async #setUp(): Promise<void> {
    for (const table of ['marks', 'transfers']) await this.command(`create table ${table} (id integer primary key)`)
    await this.command('create table notes (id integer primary key, body text)')
    await this.command('create table accounts (id integer primary key, balance integer not null)')
    const rows = Array.from({ length: ACCOUNTS }, (_, id) => `(${id}, ${BALANCE})`).join(', ')
    await this.command(`insert into accounts values ${rows}`)
  }

  #sqlite(name: string): Kept {
    const path = join(this.directory, `${name}.sqlite`)
    return { name: `sqlite ${name}`, kind: 'sqlite', url: `sqlite:${path}`, server: undefined, ask: (sql) => inSqlite(path, sql) }
  }

  async #served(kind: string, name: string, shared?: DatabaseServer): Promise<Kept> {
    if (kind !== 'postgres' && kind !== 'mysql') throw new Error(`${kind} is none of postgres, mysql, sqlite`)
    const server = shared ?? (await DatabaseServer.start(kind))
    if (shared === undefined) this.#closers.push(() => server[Symbol.asyncDispose]())
    const database = `${LOG}${name}`
    const encoding = kind === 'mysql' ? '' : ` template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'`
    server.ask(`create database ${database}${encoding}`)
    const ask = (sql: string): string => server.ask(sql, database).replaceAll('\t', '|')
    return { name: `${kind} ${name}`, kind, url: server.url(database), server, ask }
  }
}

/** What the replica of a database is called. */
export function nameOf({ name }: Kept): string {
  return name.replaceAll(' ', '-')
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
