/**
 * `node scripts/restart-logs.ts [kv] [sqlite] [redis] [--rounds N]`: all peers of a log are restarted
 * one by one, as for an upgrade, while eight clients append to it and read it. Says how long no
 * command was done, how often commands were sent, and how many failed; then checks that nothing
 * acknowledged is lost, nothing is there twice, all stores are equal, and the order of all answers.
 *
 * Ends with 1 when something is lost or wrong; the directory with the logs is kept then.
 */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { LOG_KINDS, logOf } from '../test/chaos/logs/dialects.ts'
import type { LogKind } from '../test/chaos/logs/dialects.ts'
import { statusOf } from '../test/chaos/logs/faults.ts'
import { areEqual, prepareLog, readAll } from '../test/chaos/logs/healing.ts'
import { LogHistory } from '../test/chaos/logs/history.ts'
import { PeerRedis } from '../test/chaos/logs/redis.ts'
import { judgeLogs } from '../test/chaos/logs/verdict.ts'
import { whyNoRedis } from '../test/integration/redis-server.ts'
import { Network, until } from '../test/process/network.ts'
import type { PeerProcess } from '../test/process/network.ts'
import { LogClients } from './upkeep/log-clients.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2
const CLIENTS = 8
const PEERS = 3
const CALM_MS = 2_000
const KEEP = 'REPLICATOR_TEST_KEEP'
const SHOWN_MAX = 5

const { values, positionals } = parseArgs({ options: { rounds: { type: 'string', default: '3' } }, allowPositionals: true })
const kinds = positionals.length > 0 ? positionals : ['kv']
if (!kinds.every((kind) => LOG_KINDS.some((known) => known === kind)) || !/^[1-9]\d?$/.test(values.rounds)) {
  console.error('usage: node scripts/restart-logs.ts [kv] [sqlite] [redis] [--rounds N]')
  process.exit(EXIT_USAGE)
}

const whyNot = kinds.includes('redis') && whyNoRedis()
if (whyNot !== false) {
  console.error(whyNot)
  process.exit(EXIT_USAGE)
}

/** @returns what went wrong, a line each */
async function restartAll(network: Network, kind: LogKind, servers: PeerRedis[]): Promise<string[]> {
  for (let number = 1; number <= PEERS; number += 1) {
    if (kind === 'redis') servers.push(await PeerRedis.start(`${network.directory}/redis-${number}`, []))
    const url = kind === 'redis' ? servers.at(-1)?.url : `${kind}:`
    await network.grow('cluster-1', 1, { flags: ['-log', `${logOf(kind)}=${url}`] })
  }
  await network.settled()
  const peers = network.peers.map((process) => ({ name: process.name, process }))
  const [first] = peers
  assert(first !== undefined)
  await until(`all replicas of ${logOf(kind)} are ready`, () => areEqual(peers, kind))
  await prepareLog(first, kind)
  const history = new LogHistory()
  const clients = new LogClients(network.peers, kind, history, CLIENTS)
  await delay(CALM_MS)
  const startedMs = performance.now()
  let endedMs = startedMs
  try {
    for (let round = 0; round < Number(values.rounds); round += 1) for (const { process } of peers) await restart(process, kind)
    endedMs = performance.now()
  } finally {
    await clients.stop()
  }
  const { commands, longestGapMs, slowestMs, byTries, failed } = clients.between(startedMs, endedMs)
  const tries = [...byTries].toSorted(([a], [b]) => a - b).map(([count, many]) => `${many} sent ${count} ×`)
  console.log(
    `${kind}: ${Number(values.rounds) * PEERS} restarts in ${((endedMs - startedMs) / 1_000).toFixed(1)} s; ${commands} commands, ${tries.join(', ')}, ${failed} failed; longest without one ${Math.round(longestGapMs)} ms, slowest ${Math.round(slowestMs)} ms`,
  )
  await until(`all stores of ${logOf(kind)} are equal`, () => areEqual(peers, kind))
  const differing = await readAll(peers, kind, history)
  const { violations, lists, searched, undecided } = judgeLogs(history)
  console.log(
    `${kind}: ${history.size} answers on ${lists} lists; ${searched} searched for an order, ${undecided} undecided; ${violations.length} violations`,
  )
  return [...differing, ...violations]
}

async function restart(peer: PeerProcess, kind: LogKind): Promise<void> {
  const { code, signal } = await peer.stop()
  assert.equal(code, 0, `${peer.name} was told to stop and ended with ${signal ?? code}`)
  peer.spawn()
  await peer.ready()
  // Who restarts peers waits for each before it takes the next.
  await until(`the replica of ${peer.name} is ready`, async () => {
    const { leader, replicas } = await statusOf({ name: peer.name, process: peer }, kind)
    return leader !== null && replicas.length === PEERS && replicas.every(({ state }) => state === 'ready')
  })
}

for (const kind of kinds as LogKind[]) {
  const network = await Network.create()
  const servers: PeerRedis[] = []
  let wrong: string[]
  try {
    wrong = await restartAll(network, kind, servers)
  } catch (error) {
    wrong = [error instanceof Error ? error.message : String(error)]
  }
  for (const line of wrong.slice(0, SHOWN_MAX)) console.error(`VIOLATION ${line}`)
  if (wrong.length > 0) {
    process.env[KEEP] ??= '1'
    process.exitCode = EXIT_FAILED
  }
  await network.close()
  for (const server of servers) await server.close()
  if (wrong.length > 0) console.error(`logs and stores are in ${network.directory}`)
}
