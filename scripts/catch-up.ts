/**
 * How long a peer that was away takes to be complete again, and what others notice of it:
 * `npm run catch-up -- [--keys 100000] [--equal 1000000]`. Three peers on this machine; one is away
 * while keys are put through the others, once stopped and once paused, and comes back while a
 * client goes on putting and getting at the others. Then three stores of equal keys meet, and after
 * that one that lacks a key. Beside it nothing else should run.
 */
import { chosenWrite } from '../protocols/base/persist.ts'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { dataKey } from '../protocols/base/register.ts'
import { Codec } from '../protocols/wire/codec.ts'
import { sha256, utf8 } from '../src/bytes.ts'
import { openLmdbStorage } from '../src/storage/lmdb.ts'
import { Client } from '../test/process/client.ts'
import { holdTheSame, Network, until } from '../test/process/network.ts'
import type { PeerProcess } from '../test/process/network.ts'
import { sumCounters } from './counters.ts'
import type { Generated } from './load.ts'
import { percentileOf } from './statistics.ts'
import { processorSeconds } from './usage.ts'

const CONNECTIONS = 64
/**
 * Of the client that is watched: a put and a get so often, each at the next of the peers that
 * stayed.
 */
const STEADY_MS = 10
/** It is watched for so long before the peer comes back. */
const BEFORE_MS = 5_000
/** A key is read back when so many others have been put after it. */
const LATER = BEFORE_MS / 2 / STEADY_MS
const COMPLETE_MS = 120_000
/**
 * Two peers that hold the same for good say so with their heartbeats; so long is enough for some.
 */
const REST_MS = 5_000
const PREFILL_BATCH = 1_024
const VALUE_BYTES = 100
const STEADY = 'steady'

type Absence = 'stopped' | 'paused'
type Three = readonly [PeerProcess, PeerProcess, PeerProcess]

/** One request of the watched client; moments in milliseconds since 1970. */
interface Asked {
  readonly kind: 'put' | 'get'
  readonly beganMs: number
  readonly tookMs: number
  readonly isGood: boolean
}

/**
 * In a process of its own: asks at a steady pace, whatever the answers take, until the parent has
 * heard enough.
 */
async function runSteady(ports: readonly number[], prefix: string): Promise<Asked[]> {
  const clients = ports.map((port) => new Client({ host: '127.0.0.1', port }))
  const asked: Asked[] = []
  const ask = async (kind: Asked['kind'], index: number, key: string): Promise<void> => {
    const client = clients[index % clients.length] as Client
    const beganMs = Date.now()
    const startedMs = performance.now()
    const status = await (kind === 'put' ? client.put(key, key) : client.get(key)).then(
      (reply) => reply.status,
      () => 0,
    )
    asked.push({ kind, beganMs, tookMs: performance.now() - startedMs, isGood: status === (kind === 'put' ? 201 : 200) })
  }
  const underway: Promise<void>[] = []
  let index = 0
  const timer = setInterval(() => {
    index += 1
    underway.push(ask('put', index, `${prefix}${index}`))
    // Put some seconds ago at another peer, so that it is there.
    if (index > LATER) underway.push(ask('get', index, `${prefix}${index - LATER}`))
  }, STEADY_MS)
  await once(process, 'message')
  clearInterval(timer)
  await Promise.all(underway)
  for (const client of clients) client.close()
  return asked
}

/** Puts keys through these peers, as fast as it goes. */
async function fill(peers: readonly PeerProcess[], keys: number, prefix: string): Promise<void> {
  const ports = peers.map(({ httpPort }) => httpPort).join(',')
  const child = fork(join(import.meta.dirname, 'load.ts'), ['generate', ports, String(keys), String(CONNECTIONS), prefix])
  const [{ elapsedMs, outcomes }] = (await once(child, 'message')) as [Generated]
  console.log(`${keys} keys put at ${Math.round((keys / elapsedMs) * 1_000)} a second, ends ${JSON.stringify(outcomes)}`)
}

/** Complete: it holds as many keys as another did a moment before. */
async function isComplete(peer: PeerProcess, other: PeerProcess): Promise<boolean> {
  const { count } = (await other.client.status()).keys
  return (await peer.client.status()).keys.count >= count
}

function describeLatencies(asked: readonly Asked[], fromMs: number, toMs: number): string {
  const within = asked.filter(({ beganMs }) => beganMs >= fromMs && beganMs < toMs)
  const parts = (['put', 'get'] as const).map((kind) => {
    const ones = within.filter((one) => one.kind === kind)
    const tookMs = ones.map((one) => one.tookMs)
    const at = (share: number): string => percentileOf(tookMs, share).toFixed(1)
    const bad = ones.filter(({ isGood }) => !isGood).length
    return `${ones.length} ${kind}s p50 ${at(50)} p99 ${at(99)} longest ${at(100)} ms, ${bad} refused`
  })
  return parts.join('; ')
}

async function repairOf(peers: readonly PeerProcess[]): Promise<string> {
  const counters = await sumCounters(peers)
  const names = ['repair_answers_sent_total', 'repair_sent_bytes_total', 'keys_repaired_total']
  const [answers, bytes, keys] = names.map((name) => counters.get(`replicator_${name}`) ?? 0)
  return `repair in all: ${answers} questions answered with ${bytes} bytes, ${keys} keys copied`
}

async function comeBack([first, second, third]: Three, absence: Absence, keys: number): Promise<void> {
  const others = [first, second]
  if (absence === 'stopped') await third.stop()
  else third.signal('SIGSTOP')
  await fill(others, keys, `${absence}/`)
  const watcher = fork(import.meta.filename, [STEADY, others.map(({ httpPort }) => httpPort).join(','), `steady-${absence}/`])
  await delay(BEFORE_MS)
  const backMs = Date.now()
  const secondsOf = (peer: PeerProcess): number => processorSeconds([peer.processId])
  const usedBefore = [absence === 'stopped' ? 0 : secondsOf(third), secondsOf(first), secondsOf(second)]
  if (absence === 'stopped') await third.start()
  else third.signal('SIGCONT')
  const servesMs = Date.now()
  await until('the peer is complete', () => isComplete(third, first), COMPLETE_MS)
  const completeMs = Date.now()
  const usedSeconds = [third, first, second].map(secondsOf)
  watcher.send('enough')
  const [asked] = (await once(watcher, 'message')) as [Asked[]]
  await until('all hold the same', () => holdTheSame([first, second, third]), COMPLETE_MS)
  const start = absence === 'stopped' ? `, ${((servesMs - backMs) / 1_000).toFixed(1)} s of them its start` : ''
  console.log(`${absence}: complete ${((completeMs - backMs) / 1_000).toFixed(1)} s after its return${start}; all roots are equal`)
  const used = usedSeconds.map((seconds, index) => (seconds - (usedBefore[index] ?? 0)).toFixed(1))
  console.log(`  processor: ${used[0]} s at the peer, ${used[1]} s and ${used[2]} s at the others`)
  console.log(`  at the others before: ${describeLatencies(asked, backMs - BEFORE_MS / 2, backMs)}`)
  console.log(`  at the others until then: ${describeLatencies(asked, backMs, completeMs)}`)
  console.log(`  ${await repairOf([first, second, third])}`)
}

/** Writes chosen keys into the store of a stopped peer. */
async function prefill(peer: PeerProcess, from: number, to: number): Promise<void> {
  const codec = new Codec(utf8)
  const storage = await openLmdbStorage(join(peer.directory, 'store'), codec)
  for (let start = from; start < to; start += PREFILL_BATCH) {
    const writes = Array.from({ length: Math.min(PREFILL_BATCH, to - start) }, (_, offset) => {
      const key = dataKey(`equal/${start + offset}`)
      const record = { writeId: key, value: utf8.encode(key.padEnd(VALUE_BYTES, '.')), contentType: 'text/plain', writtenAtMs: 0 }
      return chosenWrite(key, record, codec.recordDigest(sha256, key, record))
    })
    await storage.write(writes)
  }
  await storage.close()
}

async function meetAgain(peers: Three, what: string): Promise<void> {
  const backMs = Date.now()
  await Promise.all(peers.map((peer) => peer.start()))
  const servesMs = Date.now()
  await until(
    'all hold the same and are ready',
    async () => {
      const views = await Promise.all(peers.map(({ client }) => client.status()))
      return views.every(({ ready }) => ready) && (await holdTheSame(peers))
    },
    COMPLETE_MS,
  )
  const [start, rest] = [servesMs - backMs, Date.now() - servesMs].map((elapsedMs) => (elapsedMs / 1_000).toFixed(1))
  await delay(REST_MS)
  console.log(
    `${what}: started in ${start} s, ready and equal ${rest} s later; ${await repairOf(peers)} (${REST_MS / 1_000} s of rest included)`,
  )
}

async function compholdTheSame(peers: Three, keys: number): Promise<void> {
  const stopAll = (): Promise<unknown> => Promise.all(peers.map((peer) => peer.stop()))
  await stopAll()
  for (const peer of peers) await prefill(peer, 0, keys)
  await meetAgain(peers, `${keys} equal keys at each`)
  await stopAll()
  for (const peer of peers.slice(0, 2)) await prefill(peer, keys, keys + 1)
  await meetAgain(peers, 'one key more at two of them')
}

async function main(): Promise<void> {
  const [first, ports = '', prefix = ''] = process.argv.slice(2)
  if (first === STEADY) {
    const asked = await runSteady(ports.split(',').map(Number), prefix)
    // The channel closes when all is on its way, and not before.
    process.send?.(asked, () => process.disconnect())
    return
  }
  const { values } = parseArgs({ options: { keys: { type: 'string', default: '100000' }, equal: { type: 'string', default: '1000000' } } })
  const network = await Network.create()
  try {
    const peers = (await network.grow('cluster-1', 3)) as unknown as Three
    await network.settled()
    if (Number(values.keys) > 0) {
      await comeBack(peers, 'stopped', Number(values.keys))
      await comeBack(peers, 'paused', Number(values.keys))
    }
    if (Number(values.equal) > 0) await compholdTheSame(peers, Number(values.equal))
  } finally {
    await network.close()
  }
}

await main()
