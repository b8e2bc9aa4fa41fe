/**
 * What logs do: commands and linearizable reads at every peer, over each of our stores, beside keys
 * of the same peers and beside etcd; and how long none is done when whoever leads is killed, or
 * stopped.
 */
import type { LogStatus } from '../../src/client/client.ts'
import { PeerRedis } from '../../test/chaos/logs/redis.ts'
import { whyNoRedis } from '../../test/integration/redis-server.ts'
import { until } from '../../test/process/network.ts'
import type { Network, PeerProcess } from '../../test/process/network.ts'
import { storedKeys, VALUE } from './contender.ts'
import type { Contender, Load, Writer } from './contender.ts'
import { Etcd } from './etcd.ts'
import { httpWriter, putAll } from './http-writer.ts'
import { measureKills } from './killed.ts'
import type { Killable } from './killed.ts'
import type { Options } from './options.ts'
import { PROGRAM, Replicator } from './replicator.ts'
import type { Table } from './table.ts'
import { measureWorkload, warmUp } from './throughput.ts'
import { drive } from './wrk.ts'
import type { Measured, Side } from './wrk.ts'

const PEERS = 3
const FILL_WIDTH = 64
const ANSWER_MS = 60_000
const WHOLE_MS = 60_000

type Kind = 'kv' | 'redis' | 'sqlite'

const COMMANDS: Readonly<Record<Kind, (key: string) => string>> = {
  kv: (key) => JSON.stringify({ set: { [key]: VALUE } }),
  redis: (key) => `redis.call('set','${key}','${VALUE}')`,
  sqlite: (key) => `insert into kv (k,v) values ('${key}','${VALUE}')`,
}
const TABLE = 'create table kv (k text primary key, v text not null) without rowid'

class LogOf implements Contender {
  readonly name: string
  readonly #kind: Kind
  readonly #network: Network
  readonly #servers: readonly PeerRedis[]
  readonly #signal: AbortSignal
  #stored = 0

  constructor(kind: Kind, network: Network, servers: readonly PeerRedis[], signal: AbortSignal) {
    this.name = `log over ${kind}`
    this.#kind = kind
    this.#network = network
    this.#servers = servers
    this.#signal = signal
  }

  /** The Redis of each peer counts as its own. */
  get processIds(): readonly number[] {
    const servers = this.#kind === 'redis' ? this.#servers.map(({ processId }) => processId) : []
    return [...this.#network.peers.map((peer) => peer.processId), ...servers]
  }

  get directory(): string {
    return this.#peer(0).directory
  }

  async fill(count: number): Promise<void> {
    await this.whole()
    if (this.#kind === 'sqlite') await this.#peer(0).client.ask('POST', this.#path, { body: TABLE })
    const writers = this.#network.peers.map((_, server) => this.writer(server, ANSWER_MS))
    await putAll(writers, storedKeys(count), FILL_WIDTH)
    for (const writer of writers) writer.close()
    this.#stored = count
  }

  async drive(load: Load): Promise<readonly Measured[]> {
    const before = await this.#status()
    const origins = this.#network.peers.map(({ httpPort }) => `http://127.0.0.1:${httpPort}`)
    const side: Side = `${this.#kind}-log`
    const measured = await drive(origins, { ...load, side, stored: this.#stored, signal: this.#signal })
    const requests = measured.reduce((sum, { requests: own }) => sum + own, 0)
    const failed = measured.reduce((sum, { refused, broken }) => sum + refused + broken, 0)
    const after = await this.#status()
    if (failed > 0)
      throw new Error(`${this.name}: ${failed} of ${requests} requests failed (${load.workload}, ${load.connections} connections)`)
    if (load.workload === 'puts' && after.commit - before.commit < requests)
      throw new Error(`${this.name}: ${after.commit - before.commit} entries committed of ${requests} commands answered`)
    return measured
  }

  writer(server: number, answerMs: number): Writer {
    const build = (key: string): { method: string; path: string; body: string; status: number } => ({
      method: 'POST',
      path: `${this.#path}?timeout=${answerMs}`,
      body: COMMANDS[this.#kind](key),
      status: 200,
    })
    return httpWriter(`http://127.0.0.1:${this.#peer(server).httpPort}`, answerMs, build)
  }

  /** Whoever leads. */
  async victim(): Promise<number> {
    const { leader } = await this.#status()
    return this.#network.peers.findIndex(({ peerId }) => peerId === leader)
  }

  async kill(server: number): Promise<void> {
    await this.#peer(server).kill()
  }

  async restart(server: number): Promise<void> {
    await this.#peer(server).start()
    await this.#network.settled()
    await this.whole()
  }

  /** Ended with the network, which others share. */
  async close(): Promise<void> {}

  /** Waits until every replica is ready and has applied all. */
  async whole(): Promise<void> {
    await until(
      `${this.name} is whole`,
      async () => {
        const { leader, replicas } = await this.#status()
        return leader !== null && replicas.length === PEERS && replicas.every(({ state, lag }) => state === 'ready' && lag === 0)
      },
      WHOLE_MS,
    )
  }

  get #path(): string {
    return `/logs/${this.#kind}-log`
  }

  #status(): Promise<LogStatus> {
    return this.#peer(0).client.json(`${this.#path}/status`)
  }

  #peer(server: number): PeerProcess {
    const peer = this.#network.peers[server]
    if (peer === undefined) throw new RangeError(`no peer ${server}`)
    return peer
  }
}

/** @param closing is told of all that has to be closed */
export async function measureLogs(
  options: Options,
  directory: string,
  signal: AbortSignal,
  closing: <Closable extends { close(): Promise<void> }>(opened: Closable) => Closable,
  say: (text: string) => void,
): Promise<Table[]> {
  const whyNot = whyNoRedis()
  const hasRedis = whyNot === false
  if (!hasRedis) say(`no log over redis: ${whyNot}`)
  const kinds: readonly Kind[] = hasRedis ? ['kv', 'redis', 'sqlite'] : ['kv', 'sqlite']
  const servers: PeerRedis[] = []
  if (hasRedis) {
    for (let number = 1; number <= PEERS; number += 1) servers.push(closing(await PeerRedis.start(`${directory}/redis-${number}`, [])))
  }
  const keys = closing(
    await Replicator.start(1, signal, { main: PROGRAM }, (peer) =>
      kinds.flatMap((kind) => ['-log', `${kind}-log=${kind === 'redis' ? servers[peer]?.url : `${kind}:`}`]),
    ),
  )
  const logs = kinds.map((kind) => new LogOf(kind, keys.network, servers, signal))
  const others: Contender[] = options.against.includes('etcd') ? [closing(await Etcd.start(directory, signal, say))] : []
  const [kv] = logs as [LogOf]
  const contenders = [kv, keys, ...logs.slice(1), ...others]
  say(`started: ${contenders.map(({ name }) => name).join(', ')}`)
  await warmUp(contenders, options.stored, ['puts', 'gets'])
  const commands = await measureWorkload('puts', contenders, options, say)
  const reads = await measureWorkload('gets', contenders, options, say)
  const killable = [kv, ...others]
  return [
    { ...commands, title: 'Commands of logs, and puts of new keys' },
    { ...reads, title: 'Linearizable reads of logs at every peer, and gets of stored keys' },
    { ...(await measureKills(killable, options.runs, say)), title: 'Gap in commands when the leader is killed' },
    { ...(await measureKills(killable.map(stopped), options.runs, say)), title: 'Gap in commands when the leader is stopped' },
  ]
}

/** Stopped in place of killed: its connections stay. */
function stopped(contender: Killable): Killable {
  const tell = (server: number, signal: 'SIGSTOP' | 'SIGCONT'): void => {
    process.kill(contender.processIds[server] ?? 0, signal)
  }
  return {
    name: contender.name,
    get processIds() {
      return contender.processIds
    },
    writer: (server, answerMs) => contender.writer(server, answerMs),
    victim: (turn) => contender.victim(turn),
    kill: async (server) => tell(server, 'SIGSTOP'),
    restart: async (server) => {
      tell(server, 'SIGCONT')
      const writer = contender.writer(server, ANSWER_MS)
      await until('it takes commands again', () => writer.put('again').then(() => true), WHOLE_MS)
      writer.close()
    },
  }
}
