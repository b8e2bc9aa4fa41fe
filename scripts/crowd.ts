/**
 * `npm run crowd`: a network of many peers as processes on this machine, all over loopback, and
 * what it costs and how quick it is: joining, processor time and memory when idle, noticing a peer
 * that is paused, finding one that has moved. Some minutes; it ends by itself and leaves nothing
 * behind.
 */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Crowd } from './crowd/crowd.ts'
import type { SeenAfter } from './crowd/crowd.ts'
import type { DemoPeer } from './demo/peer-process.ts'

/** By default a peer is not ready before it knows so many of its cluster. */
const CLUSTER_PEERS_MIN = 3
const USAGE = `npm run crowd [-- --peers 30 --clusters 5 --idle SECONDS], with at least ${CLUSTER_PEERS_MIN} peers for each cluster`
const EXIT_USAGE = 2
/** Longer than all of it takes on a busy machine. */
const RUN_MS = 600_000

interface Options {
  readonly peers: number
  readonly clusters: number
  readonly idleSeconds: number
}

function parse(parameters: string[]): Options | undefined {
  const text = { type: 'string' } as const
  try {
    const { values } = parseArgs({ args: parameters, options: { peers: text, clusters: text, idle: text } })
    const options = { peers: Number(values.peers ?? 30), clusters: Number(values.clusters ?? 5), idleSeconds: Number(values.idle ?? 30) }
    const areWhole = Object.values(options).every((value) => Number.isInteger(value) && value > 0)
    return areWhole && options.peers >= options.clusters * CLUSTER_PEERS_MIN ? options : undefined
  } catch {
    return undefined
  }
}

function say(what: string, value: string): void {
  console.log(`${what.padEnd(52)} ${value}`)
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`
}

function seen({ firstMs, medianMs, lastMs }: SeenAfter): string {
  return `${seconds(firstMs)} first, ${seconds(medianMs)} median, ${seconds(lastMs)} last`
}

async function measure(crowd: Crowd, { peers, clusters, idleSeconds }: Options): Promise<void> {
  console.log(`${peers} peers in ${clusters} clusters`)
  const joined = await crowd.start(peers, clusters)
  say('starting all of them', seconds(joined.startingMs))
  say('last start until all are ready', seconds(joined.readyMs))
  say('last start until the configuration has settled', `${seconds(joined.settledMs)}, ${joined.voters} voters`)
  const idle = await crowd.idle(idleSeconds)
  say(`idle, ${idleSeconds} s: cores used by all together`, `${idle.cores.toFixed(3)} (most of one peer: ${idle.mostOfOne.toFixed(3)})`)
  say('own memory of a peer', `${idle.medianMib.toFixed(0)} MiB median, ${idle.mostMib.toFixed(0)} MiB most`)
  const { noticed, back } = await crowd.pause()
  say('a paused peer is noticed by the others', seen(noticed))
  say('the same peer, going on, is alive again', seen(back))
  say('a moved peer is found, the bootstrap peer gone', seen(await crowd.move()))
}

async function main(options: Options): Promise<number> {
  const peers: DemoPeer[] = []
  const directory = await mkdtemp(join(tmpdir(), 'replicator-crowd-'))
  process.on('exit', () => {
    for (const peer of peers) peer.kill()
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  })
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))
  try {
    await measure(new Crowd(directory, peers, AbortSignal.timeout(RUN_MS)), options)
    return 0
  } catch (error) {
    console.error(`the crowd could not be measured: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  } finally {
    await Promise.all(peers.map((peer) => peer.stop()))
  }
}

const options = parse(process.argv.slice(2))
if (options === undefined) {
  console.error(`usage: ${USAGE}`)
  process.exit(EXIT_USAGE)
}
process.exit(await main(options))
