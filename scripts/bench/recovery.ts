/**
 * How long a peer takes that was away: to start alone with many keys, and to catch up on what it
 * missed.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Network, until } from '../../test/process/network.ts'
import type { PeerProcess } from '../../test/process/network.ts'
import { spreadOf } from '../statistics.ts'
import { diskBytes, ownMib } from '../usage.ts'
import { CONTENT_BYTES } from './contender.ts'
import { fillTo, PROGRAM, Replicator } from './replicator.ts'
import { figure, spread } from './table.ts'
import type { Table } from './table.ts'

const READY_MS = 120_000
/** After a start, memory is read when what the start needed has been let go of. */
const REST_MS = 5_000
const MIB = 1_048_576

/** @returns milliseconds */
async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now()
  await work()
  return performance.now() - startedMs
}

async function isReady(peer: PeerProcess): Promise<boolean> {
  return (await peer.client.ask('GET', '/readyz')).status === 200
}

/** A network of one peer, so that nothing but its own start is measured. */
export async function measureStart(keys: number, runs: number, signal: AbortSignal, say: (text: string) => void): Promise<Table> {
  const network = await Network.create(false)
  try {
    const [peer] = await network.grow('cluster-1', 1, { main: PROGRAM, flags: ['-min-peers', '1'] })
    if (peer === undefined) throw new Error('no peer')
    await peer.ready()
    await delay(REST_MS)
    const emptyMib = ownMib(peer.processId)
    await fillTo([peer], keys, 'start', signal)
    const { count } = (await peer.client.status()).keys
    const times: number[] = []
    const memory: number[] = []
    for (let run = 0; run < runs; run += 1) {
      await peer.stop()
      times.push(
        await timed(async () => {
          peer.spawn()
          await until('the peer is ready', () => isReady(peer), READY_MS)
        }),
      )
      await delay(REST_MS)
      memory.push(ownMib(peer.processId))
      say(`started with ${count} keys in ${figure(times.at(-1) ?? 0)} ms, ${figure(memory.at(-1) ?? 0)} MiB of its own`)
    }
    const disk = await diskBytes(peer.directory)
    return {
      title: 'Start of one peer, alone on the machine, to ready',
      note: `${runs} starts; own memory ${REST_MS / 1_000} s later. Bytes of keys and values: ${CONTENT_BYTES} each.`,
      columns: ['keys', 'ms', 'own MiB empty', 'own MiB', 'disk MiB', 'disk / content'],
      rows: [
        [
          count.toLocaleString('en-GB'),
          spread(spreadOf(times)),
          figure(emptyMib),
          figure(spreadOf(memory).median),
          figure(disk / MIB),
          figure(disk / (count * CONTENT_BYTES)),
        ],
      ],
      raw: { count, times, memory, emptyMib, disk },
    }
  } finally {
    await network.close()
  }
}

/** A peer of three is killed, misses keys, and is started again. */
export async function measureCatchUp(keys: number, runs: number, signal: AbortSignal, say: (text: string) => void): Promise<Table> {
  const replicator = await Replicator.start(1, signal)
  try {
    const [first, second, away] = replicator.network.peers
    if (first === undefined || second === undefined || away === undefined) throw new Error('no three peers')
    const measured: { missed: number; listeningMs: number; equalMs: number }[] = []
    for (let run = 0; run < runs; run += 1) {
      await replicator.whole()
      const before = (await away.client.status()).keys.count
      await away.kill()
      await fillTo([first, second], before + keys, `miss${run}`, signal)
      const missed = (await first.client.status()).keys.count - before
      const startedMs = performance.now()
      await away.start()
      const listeningMs = performance.now() - startedMs
      await replicator.whole()
      measured.push({ missed, listeningMs, equalMs: performance.now() - startedMs })
      say(`caught up on ${missed} keys in ${figure(measured.at(-1)?.equalMs ?? 0)} ms`)
    }
    const over = (pick: (one: (typeof measured)[number]) => number): string => spread(spreadOf(measured.map(pick)))
    return {
      title: 'Catching up on missed keys',
      note: `${runs} times: one of three peers is killed, the others take the keys, it is started again. From its start until it holds all of them.`,
      columns: ['keys missed', 'ms to serving', 'ms to holding all'],
      rows: [[over(({ missed }) => missed), over(({ listeningMs }) => listeningMs), over(({ equalMs }) => equalMs)]],
      raw: measured,
    }
  } finally {
    await replicator.close()
  }
}
