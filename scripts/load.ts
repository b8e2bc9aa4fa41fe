/**
 * Puts keys by the client library into three peers on this machine, and says how fast that went,
 * whether any was lost, and what it cost in memory: `node scripts/load.ts [keys] [connections]`.
 * Beside it nothing else should run.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from '../src/client/client.ts'
import { fetchBy } from '../src/commands/fetch-by.ts'
import type { Way } from '../src/commands/way.ts'
import { holdTheSame, Network, until } from '../test/process/network.ts'
import type { PeerProcess } from '../test/process/network.ts'
import { percentileOfSorted } from './statistics.ts'
import { ownMib } from './usage.ts'

const KEYS = 100_000
const CONNECTIONS = 64
const PEERS = 3
const VALUE_BYTES = 100
const REST_MS = 20_000
/**
 * Keys whose values are read back at every peer; that all keys are there is seen from the lists.
 */
const VALUES_READ = 1_000
const COMPLETE_MS = 60_000
const GENERATE = 'generate'
const PREFIX = 'load/'

/** What the generator found. */
export interface Generated {
  readonly elapsedMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly longestMs: number
  /** How many puts ended so. */
  readonly outcomes: Record<string, number>
}

function keyOf(index: number, prefix = PREFIX): string {
  return `${prefix}${String(index).padStart(7, '0')}`
}

function valueOf(key: string): string {
  return key.padEnd(VALUE_BYTES, '.')
}

/** By its address on this machine, on connections that are kept. */
function wayTo(port: number): Way {
  const target = { hostname: '127.0.0.1', port, ca: undefined, cert: undefined, key: undefined }
  return { name: `port ${port}`, target, isSecure: false, pathBefore: '', headers: {}, warnings: [] }
}

/** In a process of its own: every connection puts key after key, each connection at one peer. */
async function generate(ports: readonly number[], keys: number, connections: number, prefix: string): Promise<Generated> {
  const urls = ports.map((port) => `http://127.0.0.1:${port}`)
  const send = fetchBy(new Map(urls.map((url, index) => [url, wayTo(ports[index] ?? 0)])))
  const latenciesMs = new Float64Array(keys)
  const outcomes: Record<string, number> = {}
  let next = 0
  const startedMs = performance.now()
  const connection = async (url: string): Promise<void> => {
    const client = new Client({ peers: [url], fetch: send })
    while (next < keys) {
      const index = next
      next += 1
      const beganMs = performance.now()
      const key = keyOf(index, prefix)
      const { kind } = await client.put(key, valueOf(key), { contentType: 'text/plain' })
      latenciesMs[index] = performance.now() - beganMs
      outcomes[kind] = (outcomes[kind] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: connections }, (_, number) => connection(urls[number % urls.length] ?? '')))
  const elapsedMs = performance.now() - startedMs
  latenciesMs.sort()
  const at = (share: number): number => percentileOfSorted(latenciesMs, share)
  return { elapsedMs, p50Ms: at(50), p99Ms: at(99), longestMs: at(100), outcomes }
}

async function generateApart(ports: readonly number[], keys: number, connections: number): Promise<Generated> {
  const child = fork(import.meta.filename, [GENERATE, ports.join(','), String(keys), String(connections)])
  const [generated] = (await once(child, 'message')) as [Generated]
  return generated
}

/**
 * How many of the keys the peer does not hold, or holds with another value, as far as values are
 * read.
 */
async function lostAt(peer: PeerProcess, keys: number): Promise<number> {
  const held = await peer.client.keys('load/')
  let lost = 0
  for (let index = 0; index < keys; index += 1) if (!held.has(keyOf(index))) lost += 1
  const step = Math.max(1, Math.floor(keys / VALUES_READ))
  for (let index = 0; index < keys; index += step) {
    const reply = await peer.client.local(keyOf(index))
    if (held.has(keyOf(index)) && reply.body.toString() !== valueOf(keyOf(index))) lost += 1
  }
  return lost
}

async function measure(network: Network, keys: number, connections: number): Promise<number> {
  const peers = await network.grow('cluster-1', PEERS)
  await network.settled()
  const before = peers.map(({ processId }) => ownMib(processId))
  const generated = await generateApart(
    peers.map((peer) => peer.httpPort),
    keys,
    connections,
  )
  const after = peers.map(({ processId }) => ownMib(processId))
  const { elapsedMs, p50Ms, p99Ms, longestMs, outcomes } = generated
  console.log(
    `${keys} keys of ${VALUE_BYTES} bytes, ${connections} connections, ${PEERS} peers: ${Math.round((keys / elapsedMs) * 1_000)} puts/s`,
  )
  console.log(
    `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, longest ${longestMs.toFixed(1)} ms; ends ${JSON.stringify(outcomes)}`,
  )
  await until('all peers hold the same', () => holdTheSame(peers), COMPLETE_MS)
  await delay(REST_MS)
  const rested = peers.map(({ processId }) => ownMib(processId))
  let lostSum = 0
  for (const [index, peer] of peers.entries()) {
    const lost = await lostAt(peer, keys)
    lostSum += lost
    const figures = [before, after, rested].map((column) => `${(column[index] ?? 0).toFixed(0).padStart(5)} MiB`)
    console.log(`${peer.name}: ${lost} lost; own memory before, after, after ${REST_MS / 1_000} s of rest: ${figures.join(', ')}`)
  }
  return lostSum === 0 && outcomes['created'] === keys ? 0 : 1
}

async function main(): Promise<number> {
  const [first, ...rest] = process.argv.slice(2)
  if (first === GENERATE) {
    const [ports = '', keys, connections, prefix = PREFIX] = rest
    process.send?.(await generate(ports.split(',').map(Number), Number(keys), Number(connections), prefix))
    process.disconnect()
    return 0
  }
  const network = await Network.create()
  try {
    return await measure(network, Number(first ?? KEYS), Number(rest[0] ?? CONNECTIONS))
  } finally {
    await network.close()
  }
}

process.exitCode = await main()
