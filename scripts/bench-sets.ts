/**
 * What sets do on this machine: `node scripts/bench-sets.ts [rates] [halves] [--operations N]`. See
 * docs/benchmarks.md.
 *
 * `rates`: operations a second at one peer and over three, what each costs in bytes and messages
 * between peers, and in memory and disk; Redis alone beside it, where one is installed. `halves`:
 * two clusters of three peers are cut apart, each half does 100,000 operations, and it is told how
 * long all take to be equal again; it needs network namespaces, and so root.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { enter, hindrance, isInside, Namespace } from '../test/chaos/namespaces.ts'
import { RedisServer, whyNoRedis } from '../test/integration/redis-server.ts'
import { Network, until } from '../test/process/network.ts'
import type { PeerProcess } from '../test/process/network.ts'
import { HeldConnections } from './bench/held-connections.ts'

const EXIT_USAGE = 2
const OPERATIONS = 100_000
const WIDTH = 64
/** Elements of a request where a request has many. */
const BATCH = 100
const EQUAL_MS = 300_000
const SECOND_MS = 1_000

const startedMs = performance.now()

function say(text: string): void {
  console.log(`${((performance.now() - startedMs) / SECOND_MS).toFixed(1).padStart(7)} s  ${text}`)
}

/** Inserts elements that nobody has, so many in all. @returns operations a second */
async function insert(peers: readonly PeerProcess[], prefix: string, operations: number, batch: number): Promise<number> {
  const connections = peers.map((peer) => new HeldConnections(peer.options.host ?? '127.0.0.1', peer.httpPort, WIDTH))
  const begunMs = performance.now()
  let next = 0
  const work = async (number: number): Promise<void> => {
    const connection = connections[number % connections.length] as HeldConnections
    while (next < operations) {
      const first = next
      next += batch
      await connection.post('/sets/bench/insert', JSON.stringify(Array.from({ length: batch }, (_, index) => `${prefix} ${first + index}`)))
    }
  }
  await Promise.all(Array.from({ length: WIDTH }, (_, number) => work(number)))
  for (const connection of connections) connection.close()
  return operations / ((performance.now() - begunMs) / SECOND_MS)
}

async function counter(peer: PeerProcess, name: string): Promise<number> {
  const text = (await peer.client.ask('GET', '/metrics')).body.toString()
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}

async function sum(peers: readonly PeerProcess[], name: string): Promise<number> {
  const all = await Promise.all(peers.map((peer) => counter(peer, name)))
  return all.reduce((total, value) => total + value, 0)
}

function residentBytes(peer: PeerProcess): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${peer.processId}/status`, 'utf8'))?.[1]) * 1_024
}

function diskBytes(peer: PeerProcess): number {
  return readdirSync(peer.directory, { recursive: true, encoding: 'utf8' }).reduce((total, name) => {
    const { blocks } = statSync(join(peer.directory, name))
    return total + blocks * 512
  }, 0)
}

async function rootOf(peer: PeerProcess): Promise<string> {
  const { sets } = JSON.parse((await peer.client.ask('GET', '/status')).body.toString()) as { readonly sets?: { readonly root?: string } }
  return sets?.root ?? 'none'
}

/** @returns milliseconds until all peers hold the same */
async function untilEqual(peers: readonly PeerProcess[]): Promise<number> {
  const begunMs = performance.now()
  await until('all peers hold the same', async () => new Set(await Promise.all(peers.map(rootOf))).size === 1, EQUAL_MS)
  return performance.now() - begunMs
}

async function measureRates(operations: number): Promise<void> {
  const network = await Network.create()
  try {
    const [first] = await network.grow('a', 1, { flags: ['-min-peers', '1'] })
    await network.settled()
    await measureAt('one peer', [first as PeerProcess], operations)
    await network.grow('a', 2, { flags: ['-min-peers', '1'] })
    await network.settled()
    await untilEqual(network.peers)
    await measureAt('three peers of a cluster, asked in turn', network.peers, operations)
  } finally {
    await network.close()
  }
  await measureRedis(operations)
}

async function measureAt(what: string, peers: readonly PeerProcess[], operations: number): Promise<void> {
  for (const batch of [1, BATCH]) {
    const names = ['replicator_sent_bytes_total', 'replicator_messages_sent_total'] as const
    const before = await Promise.all(names.map((name) => sum(peers, name)))
    const memory = peers.map(residentBytes)
    const disk = peers.map(diskBytes)
    const rate = await insert(peers, `${what} ${batch}`, operations, batch)
    const equalMs = await untilEqual(peers)
    const after = await Promise.all(names.map((name) => sum(peers, name)))
    const [bytes = 0, messages = 0] = after.map((value, index) => (value - (before[index] ?? 0)) / operations)
    const grown = (now: readonly number[], then: readonly number[]): number => ((now[0] ?? 0) - (then[0] ?? 0)) / operations
    const [memoryBytes, disksBytes] = [grown(peers.map(residentBytes), memory), grown(peers.map(diskBytes), disk)]
    say(
      `${what}, ${batch} elements a request: ${Math.round(rate)} operations a second; ${bytes.toFixed(0)} bytes and ${messages.toFixed(2)} messages between peers each; ` +
        `equal ${(equalMs / SECOND_MS).toFixed(1)} s after the last; ${memoryBytes.toFixed(0)} bytes of memory and ${disksBytes.toFixed(0)} of disk an element`,
    )
  }
}

async function measureRedis(operations: number): Promise<void> {
  const why = whyNoRedis()
  if (why !== false) return say(why)
  await using server = await RedisServer.start()
  for (const sync of ['always', 'everysec']) {
    server.ask('CONFIG', 'SET', 'appendfsync', sync)
    const command = ['ZADD', 'bench', 'GT', '__rand_int__', 'element:__rand_int__']
    const { stdout } = spawnSync(
      'redis-benchmark',
      ['-p', String(server.port), '-c', String(WIDTH), '-n', String(operations), '-r', '100000000', '--csv', ...command],
      { encoding: 'utf8' },
    )
    say(`Redis alone, appendfsync ${sync}, a ZADD GT a command: ${stdout.split('\n').at(-2)?.split(',')[1]?.replaceAll('"', '')} a second`)
  }
}

async function measureHalves(operations: number): Promise<void> {
  const network = await Network.create()
  try {
    const spaces: Namespace[] = []
    for (let number = 1; number <= 6; number += 1) {
      const space = await Namespace.create(number)
      spaces.push(space)
      await space.settled()
      const [first] = network.peers
      const peer = await network.add({
        clusterId: number <= 3 ? 'cluster-1' : 'cluster-2',
        wrapper: space.wrapper,
        host: space.host,
        flags: first === undefined ? [] : ['-peer', first.address],
      })
      await peer.start()
    }
    await network.settled()
    const halves = [network.peers.slice(0, 3), network.peers.slice(3)] as const
    await insert(network.peers, 'before', BATCH, BATCH)
    await untilEqual(network.peers)
    const hosts = (from: number): Set<string> => new Set([1, 2, 3].map((number) => Namespace.hostOf(number + from)))
    for (const [index, space] of spaces.entries()) space.cut(hosts(index < 3 ? 3 : 0))
    await Promise.all(spaces.map((space) => space.settled()))
    say('the clusters are cut apart')
    const rates = await Promise.all(halves.map((half, index) => insert(half, `half ${index}`, operations, BATCH)))
    say(`${operations} operations in each half, ${rates.map(Math.round).join(' and ')} a second`)
    await Promise.all(halves.map(untilEqual))
    say(`before they are joined, /sets says of their peers: ${await equality(network.peers)}`)
    for (const space of spaces) space.cut(new Set())
    await Promise.all(spaces.map((space) => space.settled()))
    say('the clusters are joined')
    const ms = await untilEqual(network.peers)
    say(`all six hold the same after ${(ms / SECOND_MS).toFixed(1)} s`)
    await until('they say so', async () => (await equality(network.peers)) === 'equal', EQUAL_MS)
    const list = JSON.parse((await (network.peers[5] as PeerProcess).client.ask('GET', '/sets')).body.toString()) as unknown
    say(`/sets: ${JSON.stringify(list)}`)
  } finally {
    await network.close()
  }
}

async function equality(peers: readonly PeerProcess[]): Promise<string> {
  const told = await Promise.all(
    peers.map(async (peer) => {
      const { sets } = JSON.parse((await peer.client.ask('GET', '/sets')).body.toString()) as {
        readonly sets: readonly { readonly peers: string }[]
      }
      return sets[0]?.peers ?? 'none'
    }),
  )
  return [...new Set(told)].join(', ')
}

const parameters = process.argv.slice(2)
const at = parameters.indexOf('--operations')
const operations = at < 0 ? OPERATIONS : Number(parameters[at + 1])
const parts = parameters.filter((_, index) => at < 0 || (index !== at && index !== at + 1))
if (parts.some((part) => part !== 'rates' && part !== 'halves') || !Number.isSafeInteger(operations) || operations < BATCH) {
  console.error('usage: node scripts/bench-sets.ts [rates] [halves] [--operations N]')
  process.exit(EXIT_USAGE)
}
if (isInside()) {
  await measureHalves(operations)
} else {
  if (parts.length === 0 || parts.includes('rates')) await measureRates(operations)
  if (parts.length === 0 || parts.includes('halves')) {
    const why = hindrance()
    if (why === undefined) process.exitCode = await enter(new AbortController().signal)
    else say(`no halves: ${why}`)
  }
}
