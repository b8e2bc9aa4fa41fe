/**
 * NATS JetStream, three servers, a key-value bucket with three replicas: set up as its
 * documentation does it. It acknowledges a put when a majority has it in memory, and syncs every
 * two minutes; that is its default, and no durable work beside it is the same.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, until } from '../../test/process/network.ts'
import { storedKey, storedKeys } from './contender.ts'
import type { Contender, Load, Writer } from './contender.ts'
import { putAll } from './http-writer.ts'
import { NatsConnection } from './nats-connection.ts'
import { putOne } from './nats-load.ts'
import type { NatsLoad } from './nats-load.ts'
import { ServerProcess } from './processes.ts'
import type { Measured } from './wrk.ts'

const SERVERS = 3
const START_MS = 30_000
const FILL_WIDTH = 63
const ANSWER_MS = 5_000
const BUCKET = {
  name: 'KV_bench',
  subjects: ['$KV.bench.>'],
  num_replicas: SERVERS,
  storage: 'file',
  max_msgs_per_subject: 1,
  discard: 'new',
  deny_delete: true,
  allow_rollup_hdrs: true,
}

export class Nats implements Contender {
  readonly name = 'NATS JetStream'
  readonly directory: string
  readonly #servers: ServerProcess[] = []
  readonly #ports: number[] = []
  #stored = 0

  private constructor(directory: string) {
    this.directory = directory
  }

  /** Starts the servers and makes the bucket. */
  static async start(directory: string): Promise<Nats> {
    const nats = new Nats(join(directory, 'nats-1'))
    const routePorts = await Promise.all(Array.from({ length: SERVERS }, () => freePort()))
    const routes = routePorts.map((port) => `nats://127.0.0.1:${port}`).join(', ')
    for (const [index, routePort] of routePorts.entries()) {
      const name = `nats-${index + 1}`
      const data = join(directory, name)
      mkdirSync(data)
      const port = await freePort()
      const cluster = `cluster { name: bench, listen: "127.0.0.1:${routePort}", routes: [${routes}] }`
      const text = `listen: "127.0.0.1:${port}"\nserver_name: ${name}\njetstream { store_dir: "${data}" }\n${cluster}\n`
      writeFileSync(`${data}.conf`, text)
      const server = new ServerProcess(name, ['nats-server', '-c', `${data}.conf`], `${data}.log`)
      nats.#servers.push(server)
      nats.#ports.push(port)
      server.start()
    }
    await until('NATS has its bucket', () => nats.#makeBucket(), START_MS)
    return nats
  }

  get processIds(): readonly number[] {
    return this.#servers.map((server) => server.processId)
  }

  async fill(count: number): Promise<void> {
    const writers = this.#ports.map((_, server) => this.writer(server, ANSWER_MS))
    await putAll(writers, storedKeys(count), FILL_WIDTH)
    for (const writer of writers) writer.close()
    this.#stored = count
  }

  async drive(load: Load): Promise<readonly Measured[]> {
    const child = fork(join(import.meta.dirname, 'nats-load.ts'))
    const { workload, connections, seconds, name } = load
    const told: NatsLoad = { ports: this.#ports, workload, connections, seconds, name, stored: this.#stored }
    child.send(told)
    const measured = await Promise.race([
      once(child, 'message').then(([message]) => message as Measured),
      once(child, 'exit').then(() => Promise.reject(new Error('the generator for NATS failed'))),
    ])
    return [measured]
  }

  /**
   * A connection takes one request at a time: each put has one of its own, used again by later
   * ones.
   */
  writer(server: number, answerMs: number): Writer {
    const free: NatsConnection[] = []
    let isClosed = false
    const put = async (key: string): Promise<void> => {
      const connection = free.pop() ?? (await NatsConnection.open(this.#ports[server] ?? 0, answerMs))
      try {
        await putOne(connection, key)
      } catch (error) {
        connection.close()
        throw error
      }
      if (isClosed) connection.close()
      else free.push(connection)
    }
    const close = (): void => {
      isClosed = true
      for (const connection of free) connection.close()
    }
    return { put, close }
  }

  /** The leader of the stream. */
  async victim(): Promise<number> {
    const connection = await NatsConnection.open(this.#ports[0] ?? 0, ANSWER_MS)
    const text = (await connection.request('$JS.API.STREAM.INFO.KV_bench', '')).toString()
    connection.close()
    const { cluster } = JSON.parse(text) as { cluster: { leader: string } }
    return this.#servers.findIndex((server) => server.name === cluster.leader)
  }

  async kill(server: number): Promise<void> {
    await this.#servers[server]?.stop()
  }

  async restart(server: number): Promise<void> {
    this.#servers[server]?.start()
    const writer = this.writer(server, START_MS)
    await until('NATS answers again', () => writer.put(storedKey(0)).then(() => true), START_MS)
    writer.close()
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()))
  }

  async #makeBucket(): Promise<boolean> {
    for (const server of this.#servers) server.assertRuns()
    const connection = await NatsConnection.open(this.#ports[0] ?? 0, ANSWER_MS)
    try {
      const answer = await connection.request('$JS.API.STREAM.CREATE.KV_bench', JSON.stringify(BUCKET))
      return !answer.includes('"error"')
    } finally {
      connection.close()
    }
  }
}
