/**
 * A long load at two thirds of the peak, which is measured first: latency and memory minute by
 * minute, and nothing lost at the end. Each connection pauses between requests; how long is worked
 * out anew every minute from what the last one reached.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { ownMib } from '../usage.ts'
import { storedKey, VALUE } from './contender.ts'
import type { Options } from './options.ts'
import { Replicator } from './replicator.ts'
import { figure } from './table.ts'
import type { Table } from './table.ts'
import { ratesOf } from './rates.ts'
import type { Rates } from './rates.ts'
import { newName, warmUp } from './throughput.ts'
import { letters, shareOut } from './wrk.ts'
import type { Measured } from './wrk.ts'

const CONNECTIONS = 64
const PEAK_SECONDS = 10
const MINUTE_SECONDS = 60
const SHARE_OF_PEAK = 2 / 3
const REST_MS = 5_000
/** Values read back at every peer, spread over all that was acknowledged. */
const READ_BACK = 5_000
const READERS = 32

interface Minute extends Rates {
  readonly minute: number
  readonly ownMib: readonly number[]
}

/**
 * What one wrk put: keys of this name, from 1 up to, not including, `count`, were all answered.
 * Number 0 is never sent: wrk asks for one request before it begins, to see what requests are like.
 */
interface Stored {
  readonly name: string
  readonly count: number
}

/** @throws Error when a key that was acknowledged is lost */
export async function soak(seconds: number, options: Options, signal: AbortSignal, say: (text: string) => void): Promise<Table> {
  const replicator = await Replicator.start(1, signal)
  try {
    await warmUp([replicator], options.stored, ['puts'])
    const stored: Stored[] = []
    const load = async (loadSeconds: number, pauseMs: number): Promise<readonly Measured[]> => {
      const name = newName()
      const measured = await replicator.drive({ workload: 'puts', connections: CONNECTIONS, seconds: loadSeconds, name, pauseMs })
      for (const [index, connections] of shareOut(CONNECTIONS, replicator.origins.length).entries()) {
        // Answers may come in another order than requests were begun: the last of each connection
        // may be missing.
        stored.push({ name: `${name}${letters(index)}`, count: (measured[index]?.requests ?? 0) - connections })
      }
      return measured
    }
    const acknowledgedBefore = await createdBy(replicator)
    const peak = ratesOf(await load(PEAK_SECONDS, 0)).perSecond
    const wanted = peak * SHARE_OF_PEAK
    say(`peak ${figure(peak)} puts a second; from now on ${figure(wanted)}`)
    const minutes: Minute[] = []
    let pauseMs = (CONNECTIONS / wanted - CONNECTIONS / peak) * 1_000
    for (let left = seconds; left > 0; left -= MINUTE_SECONDS) {
      const measured = await load(Math.min(left, MINUTE_SECONDS), Math.max(0.001, pauseMs))
      const minute = { minute: minutes.length + 1, ...ratesOf(measured), ownMib: replicator.processIds.map(ownMib) }
      minutes.push(minute)
      pauseMs += (CONNECTIONS / wanted - CONNECTIONS / minute.perSecond) * 1_000
      say(
        `minute ${minute.minute}: ${figure(minute.perSecond)}/s, p99 ${figure(minute.p99Ms)} ms, own MiB ${minute.ownMib.map(figure).join(' ')}`,
      )
    }
    const kept = await proveKept(replicator, stored, (await createdBy(replicator)) - acknowledgedBefore)
    return tableOf(minutes, peak, kept)
  } finally {
    await replicator.close()
  }
}

async function createdBy(replicator: Replicator): Promise<number> {
  return (await replicator.counters()).get('replicator_puts_total{outcome="created"}') ?? 0
}

/**
 * Every peer holds as many keys as were created, all the same ones, and a sample of those that wrk
 * saw answered is read back.
 */
async function proveKept(replicator: Replicator, stored: readonly Stored[], created: number): Promise<string> {
  await replicator.whole()
  await delay(REST_MS)
  const total = stored.reduce((sum, { count }) => sum + Math.max(0, count), 0)
  if (created < total) throw new Error(`${created} keys were created, and ${total} acknowledged`)
  const step = Math.max(1, Math.floor(total / READ_BACK))
  const keys = stored.flatMap(({ name, count }) =>
    Array.from({ length: Math.ceil(Math.max(0, count - 1) / step) }, (_, index) => `${name}${storedKey(1 + index * step).slice(-12)}`),
  )
  for (const peer of replicator.network.peers) {
    const { count } = (await peer.client.status()).keys
    if (count < created) throw new Error(`${peer.name} holds ${count} keys of ${created}`)
    const rest = [...keys]
    const read = async (): Promise<void> => {
      for (let key = rest.pop(); key !== undefined; key = rest.pop()) {
        const { status, body } = await peer.client.local(key)
        if (status !== 200 || body.toString() !== VALUE) throw new Error(`${peer.name} has lost ${key}: ${status}`)
      }
    }
    await Promise.all(Array.from({ length: READERS }, read))
  }
  const rested = replicator.processIds.map(ownMib)
  return `${created.toLocaleString('en-GB')} keys acknowledged, none lost: all peers hold the same, ${keys.length.toLocaleString('en-GB')} read back at each; own MiB after ${REST_MS / 1_000} s of rest ${rested.map(figure).join(', ')}`
}

function tableOf(minutes: readonly Minute[], peak: number, kept: string): Table {
  return {
    title: 'A long load at two thirds of the peak',
    note: `Peak ${figure(peak)} puts a second at ${CONNECTIONS} connections. ${kept}.`,
    columns: ['minute', 'puts/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'longest ms', 'own MiB of each peer'],
    rows: minutes.map((minute) => [
      String(minute.minute),
      figure(minute.perSecond),
      figure(minute.p50Ms),
      figure(minute.p99Ms),
      figure(minute.p999Ms),
      figure(minute.maxMs),
      minute.ownMib.map(figure).join(', '),
    ]),
    raw: { peak, minutes, kept },
  }
}
