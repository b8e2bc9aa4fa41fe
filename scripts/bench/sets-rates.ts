/**
 * Operations on sets a second at one peer and over three, what each costs in bytes and messages
 * between peers, and in memory and disk; Redis alone beside it, where one is installed.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { RedisServer, whyNoRedis } from '../../test/integration/redis-server.ts'
import { Network } from '../../test/process/network.ts'
import type { PeerProcess } from '../../test/process/network.ts'
import { BATCH, SECOND_MS, WIDTH, insert, say, sum, untilEqual } from './sets-work.ts'

/** As `stat` counts them. */
const BLOCK_BYTES = 512

export function residentBytes(processId: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${processId}/status`, 'utf8'))?.[1]) * 1_024
}

/** Blocks that are taken below a directory. */
export function diskBytes(directory: string): number {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).reduce((total, name) => {
    const { blocks } = statSync(join(directory, name))
    return total + blocks * BLOCK_BYTES
  }, 0)
}

export async function measureRates(operations: number): Promise<void> {
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
    // A process takes memory for its work itself before what it holds can be seen.
    await insert(peers, `${what} ${batch} first`, operations / 2, batch)
    await untilEqual(peers)
    const before = await Promise.all(names.map((name) => sum(peers, name)))
    const memoryOf = (): number[] => peers.map(({ processId }) => residentBytes(processId))
    const diskOf = (): number[] => peers.map(({ directory }) => diskBytes(directory))
    const [memory, disk] = [memoryOf(), diskOf()]
    const rate = await insert(peers, `${what} ${batch}`, operations, batch)
    const equalMs = await untilEqual(peers)
    const after = await Promise.all(names.map((name) => sum(peers, name)))
    const [bytes = 0, messages = 0] = after.map((value, index) => (value - (before[index] ?? 0)) / operations)
    const grown = (now: readonly number[], then: readonly number[]): number => ((now[0] ?? 0) - (then[0] ?? 0)) / operations
    const [memoryBytes, disksBytes] = [grown(memoryOf(), memory), grown(diskOf(), disk)]
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
