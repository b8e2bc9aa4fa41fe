/**
 * etcd, three members, as its clustering guide sets it up: defaults, each put on disk at a majority
 * before its answer. Spoken to through its HTTP gateway, so that the same generator loads both
 * sides.
 */
import { join } from 'node:path'
import { freePort, until } from '../../test/process/network.ts'
import { storedKey, storedKeys, VALUE } from './contender.ts'
import type { Contender, Load, Writer } from './contender.ts'
import { etcdProgram } from './etcd-program.ts'
import { httpWriter, putAll } from './http-writer.ts'
import type { HttpPut } from './http-writer.ts'
import { ServerProcess } from './processes.ts'
import { drive, isOfRegisters } from './wrk.ts'
import type { Measured } from './wrk.ts'

const SERVERS = 3
const START_MS = 30_000
const FILL_WIDTH = 64
const VALUE64 = Buffer.from(VALUE).toString('base64')
/** Two gibibytes is the default, and a long run may need more. */
const QUOTA_BYTES = 8_589_934_592

interface Ranged {
  readonly count?: string
  readonly kvs?: readonly { readonly version: string }[]
}

export class Etcd implements Contender {
  /** With its version, since much has changed from one to the next. */
  readonly name: string
  readonly directory: string
  readonly #signal: AbortSignal
  readonly #servers: ServerProcess[] = []
  readonly #origins: string[] = []
  #stored = 0
  #registers = 0

  private constructor(name: string, directory: string, signal: AbortSignal) {
    this.name = name
    this.directory = directory
    this.#signal = signal
  }

  static async start(directory: string, signal: AbortSignal, say: (text: string) => void): Promise<Etcd> {
    const program = etcdProgram(directory, say)
    const etcd = new Etcd(`etcd ${program.version}`, join(directory, 'etcd-1'), signal)
    const ports = await Promise.all(Array.from({ length: SERVERS * 2 }, () => freePort()))
    const origins = ports.map((port) => `http://127.0.0.1:${port}`)
    const [clients, peers] = [origins.slice(0, SERVERS), origins.slice(SERVERS)]
    const cluster = peers.map((peer, index) => `etcd-${index + 1}=${peer}`).join(',')
    for (const [index, client] of clients.entries()) {
      const name = `etcd-${index + 1}`
      const peer = peers[index] ?? ''
      const data = join(directory, name)
      const addresses = ['--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer]
      const joined = ['--initial-advertise-peer-urls', peer, '--initial-cluster', cluster, '--initial-cluster-state', 'new']
      const settings = ['--quota-backend-bytes', String(QUOTA_BYTES), '--logger', 'zap', '--log-level', 'warn']
      const server = new ServerProcess(
        name,
        [program.path, '--name', name, '--data-dir', data, ...addresses, ...joined, ...settings],
        `${data}.log`,
      )
      etcd.#servers.push(server)
      etcd.#origins.push(client)
      server.start()
    }
    await Promise.all(etcd.#servers.map((_, server) => etcd.#answers(server)))
    return etcd
  }

  get processIds(): readonly number[] {
    return this.#servers.map((server) => server.processId)
  }

  /** What keys and registers are is all one here. */
  async fill(keys: number, registers: number): Promise<void> {
    const count = Math.max(keys, registers)
    const writers = this.#servers.map((_, server) => this.writer(server, START_MS))
    await putAll(writers, storedKeys(count), FILL_WIDTH)
    for (const writer of writers) writer.close()
    this.#stored = count
    this.#registers = registers
  }

  /** The gateway answers 200 whether a key is there or not: what is there is counted afterwards. */
  async drive(load: Load): Promise<readonly Measured[]> {
    const stored = isOfRegisters(load.workload) ? this.#registers : this.#stored
    const measured = await drive(this.#origins, { ...load, side: 'etcd', stored, signal: this.#signal })
    const requests = measured.reduce((sum, { requests: own }) => sum + own, 0)
    const failed = measured.reduce((sum, { refused, broken }) => sum + refused + broken, 0)
    if (failed > 0) throw new Error(`etcd: ${failed} of ${requests} requests failed (${load.workload}, ${load.connections} connections)`)
    const named = await this.#count(load.name)
    if (load.workload === 'puts' && named < requests) throw new Error(`etcd: ${named} keys stored of ${requests} puts answered`)
    if (load.workload === 'swaps' && (await this.#versions(load.name)) < requests)
      throw new Error('etcd: not every compare-and-set was made')
    if (load.workload === 'gets' && (await this.#count('storedstored')) !== this.#stored)
      throw new Error('etcd: not all stored keys are there')
    return measured
  }

  writer(server: number, answerMs: number): Writer {
    const build = (key: string): HttpPut => {
      const body = JSON.stringify({ key: Buffer.from(key).toString('base64'), value: VALUE64 })
      return { method: 'POST', path: '/v3/kv/put', body, status: 200 }
    }
    return httpWriter(this.#origins[server] ?? '', answerMs, build)
  }

  /** The leader. */
  async victim(): Promise<number> {
    const views = await Promise.all(
      this.#origins.map(async (origin) => {
        const answer = await fetch(`${origin}/v3/maintenance/status`, { method: 'POST', body: '{}' })
        return (await answer.json()) as { leader: string; header: { member_id: string } }
      }),
    )
    return views.findIndex((view) => view.leader === view.header.member_id)
  }

  async kill(server: number): Promise<void> {
    await this.#servers[server]?.stop()
  }

  async restart(server: number): Promise<void> {
    this.#servers[server]?.start()
    await this.#answers(server)
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()))
  }

  async #answers(server: number): Promise<void> {
    const writer = this.writer(server, START_MS)
    await until(
      `etcd-${server + 1} answers`,
      () => {
        this.#servers[server]?.assertRuns()
        return writer.put(storedKey(0)).then(() => true)
      },
      START_MS,
    )
    writer.close()
  }

  async #count(prefix: string): Promise<number> {
    return Number((await this.#range(prefix, { count_only: true })).count ?? 0)
  }

  /** Of all keys that begin so, added up. */
  async #versions(prefix: string): Promise<number> {
    const { kvs = [] } = await this.#range(prefix, { keys_only: true })
    return kvs.reduce((sum, { version }) => sum + Number(version), 0)
  }

  async #range(prefix: string, options: object): Promise<Ranged> {
    const base64 = (text: string): string => Buffer.from(text).toString('base64')
    const body = JSON.stringify({ key: base64(prefix), range_end: base64(`${prefix}~`), ...options })
    const answer = await fetch(`${this.#origins[0]}/v3/kv/range`, { method: 'POST', body })
    return (await answer.json()) as Ranged
  }
}
