/**
 * Our own side: real peers of the built program, each a process with a data directory of its own,
 * in one cluster or several.
 */
import { join } from 'node:path'
import { holdTheSame, Network, until } from '../../test/process/network.ts'
import type { PeerOptions, PeerProcess } from '../../test/process/network.ts'
import { sumCounters } from '../counters.ts'
import { ROOT } from '../run.ts'
import { storedKeys, VALUE } from './contender.ts'
import type { Contender, Load, Writer } from './contender.ts'
import { httpWriter, putAll } from './http-writer.ts'
import type { HttpPut } from './http-writer.ts'
import { drive, isOfRegisters } from './wrk.ts'
import type { Measured } from './wrk.ts'

const PEERS_PER_CLUSTER = 3
const FILL_WIDTH = 64
const FILL_SECONDS = 2
const FILL_ANSWER_MS = 30_000
const WHOLE_MS = 120_000
const HELD_MS = 10_000
/**
 * Of the writes of one register by very many at once: what a busy register no longer remembers is
 * told so (409), and is not applied twice.
 */
const FORGOTTEN_SHARE_MAX = 0.05
export const PROGRAM: string = join(ROOT, 'dist', 'src', 'main.js')

export class Replicator implements Contender {
  readonly name: string
  readonly network: Network
  readonly #signal: AbortSignal
  #stored = 0
  #registers = 0

  private constructor(name: string, network: Network, signal: AbortSignal) {
    this.name = name
    this.network = network
    this.#signal = signal
  }

  /**
   * Starts clusters of three, and waits until all peers vote.
   *
   * @param flagsOf the flags of each peer, counted from 0
   */
  static async start(
    clusters: number,
    signal: AbortSignal,
    options: PeerOptions = {},
    flagsOf: (peer: number) => readonly string[] = () => [],
  ): Promise<Replicator> {
    const network = await Network.create(false)
    try {
      for (let cluster = 1; cluster <= clusters; cluster += 1) {
        for (let peer = 0; peer < PEERS_PER_CLUSTER; peer += 1)
          await network.grow(`cluster-${cluster}`, 1, { main: PROGRAM, ...options, flags: flagsOf(network.peers.length) })
      }
      await network.settled()
      return new Replicator(clusters === 1 ? 'Replicator' : `Replicator, ${clusters} clusters`, network, signal)
    } catch (error) {
      await network.close()
      throw error
    }
  }

  get processIds(): readonly number[] {
    return this.network.peers.map((peer) => peer.processId)
  }

  get directory(): string {
    return this.#peer(0).directory
  }

  get origins(): readonly string[] {
    return this.network.peers.map(originOf)
  }

  async fill(count: number, registers: number): Promise<void> {
    const writers = this.network.peers.map((_, server) => this.writer(server, FILL_ANSWER_MS))
    const others = this.origins.map((origin) => httpWriter(origin, FILL_ANSWER_MS, registerPut))
    await putAll(writers, storedKeys(count), FILL_WIDTH)
    await putAll(others, storedKeys(registers), FILL_WIDTH)
    for (const writer of [...writers, ...others]) writer.close()
    // A get of a stored key is meant to find it at its peer.
    await this.whole()
    this.#stored = count
    this.#registers = registers
  }

  async drive(load: Load): Promise<readonly Measured[]> {
    const before = await this.counters()
    const stored = isOfRegisters(load.workload) ? this.#registers : this.#stored
    const measured = await drive(this.origins, { ...load, side: 'replicator', stored, signal: this.#signal })
    const after = await this.counters()
    const requests = measured.reduce((sum, { requests: own }) => sum + own, 0)
    const refused = measured.reduce((sum, { refused: own }) => sum + own, 0)
    const broken = measured.reduce((sum, { broken: own }) => sum + own, 0)
    const grown = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0)
    const fail = (why: string): never => {
      throw new Error(`${this.name}, ${load.workload}, ${load.connections} connections: ${why}`)
    }
    if (broken > 0 || !isRefusedAsDue(load.workload, refused, requests)) fail(`${refused} answers of ${requests} refused, ${broken} broken`)
    const others = [...after.keys()].filter((name) => name.startsWith('replicator_puts_total') && !name.includes('"created"'))
    if (others.some((name) => grown(name) > 0)) fail(`not only created: ${others.filter((name) => grown(name) > 0).join(', ')}`)
    const created = grown('replicator_puts_total{outcome="created"}')
    if (load.workload === 'puts' && created < requests) fail(`${created} created of ${requests} answered`)
    const found = grown('replicator_gets_total{outcome="found"}')
    if (load.workload === 'gets' && found < requests) fail(`${found} found of ${requests} answered`)
    // What the first peer holds is a little behind.
    if (load.workload === 'swaps')
      await until('every compare-and-set that was answered is held', async () => (await this.#versions(load.name)) >= requests, HELD_MS)
    // What was refused is no write.
    return load.workload === 'hot' ? measured.map((one) => ({ ...one, requests: one.requests - one.refused })) : measured
  }

  writer(server: number, answerMs: number): Writer {
    const build = (key: string): { method: string; path: string; body: string; status: number } => {
      return { method: 'PUT', path: `/store/${key}?timeout=60000`, body: VALUE, status: 201 }
    }
    return httpWriter(this.origins[server] ?? '', answerMs, build)
  }

  /** All are equal: each in turn. */
  async victim(turn: number): Promise<number> {
    return turn % this.network.peers.length
  }

  async kill(server: number): Promise<void> {
    await this.#peer(server).kill()
  }

  async restart(server: number): Promise<void> {
    await this.#peer(server).start()
    await this.network.settled()
    await this.whole()
  }

  close(): Promise<void> {
    return this.network.close()
  }

  /** Counters of all peers, added up, by name and labels. */
  counters(): Promise<Map<string, number>> {
    return sumCounters(this.network.peers)
  }

  /** Waits until every peer holds the same, and nothing is in doubt. */
  async whole(): Promise<void> {
    await until('all peers hold the same', () => holdTheSame(this.network.peers), WHOLE_MS)
  }

  /** Of all registers that begin so, added up. */
  async #versions(prefix: string): Promise<number> {
    let [sum, after] = [0, '' as string | undefined]
    while (after !== undefined) {
      const path = `/kv?limit=1000&prefix=${prefix}&after=${after}`
      const page: { readonly keys: readonly { readonly version: number }[]; readonly next?: string } = await this.#peer(0).client.json(path)
      for (const { version } of page.keys) sum += version
      after = page.next
    }
    return sum
  }

  #peer(server: number): PeerProcess {
    const peer = this.network.peers[server]
    if (peer === undefined) throw new RangeError(`no peer ${server}`)
    return peer
  }
}

function registerPut(key: string): HttpPut {
  return { method: 'PUT', path: `/kv/${key}?timeout=60000`, body: VALUE, status: 201 }
}

/**
 * Puts distinct keys at these peers, as fast as it goes, until the first of them holds so many.
 * @param name at most 8 characters, for the keys
 */
export async function fillTo(
  peers: readonly [PeerProcess, ...PeerProcess[]],
  count: number,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const load = {
    side: 'replicator',
    workload: 'puts',
    connections: FILL_WIDTH,
    seconds: FILL_SECONDS,
    stored: 0,
    pauseMs: 0,
    signal,
  } as const
  for (let round = 0; (await peers[0].client.status()).keys.count < count; round += 1) {
    const measured = await drive(peers.map(originOf), { ...load, name: `${name}${String(round).padStart(10 - name.length, '0')}` })
    if (measured.some(({ refused, broken }) => refused + broken > 0)) throw new Error('a put was refused while filling')
  }
}

function originOf(peer: PeerProcess): string {
  return `http://127.0.0.1:${peer.httpPort}`
}

/** 404 is what a get of an absent key must get. */
function isRefusedAsDue(workload: Load['workload'], refused: number, requests: number): boolean {
  if (workload === 'absent') return refused === requests
  return refused <= (workload === 'hot' ? requests * FORGOTTEN_SHARE_MAX : 0)
}
