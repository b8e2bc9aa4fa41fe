/** `replicator replica …`, `replicator kluster …` and `replicator log create … -order`. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { verdictText } from '../../protocols/log/kafka/record.ts'
import { utf8 } from '../bytes.ts'
import type { Command } from '../settings/all-commands.ts'
import type { KlusterCommand } from '../settings/kluster-commands.ts'
import { orderOf, parseOrder } from '../settings/order-url.ts'
import type { KafkaOrder } from '../settings/order-url.ts'
import { SeedClient } from '../kluster/seed-client.ts'
import { makeTopics } from '../orderers/kafka/administration.ts'
import { reach } from '../orderers/kafka/connection.ts'
import { Partition } from '../orderers/kafka/partition.ts'
import { Producing } from '../orderers/kafka/producing.ts'
import { Standings } from '../orderers/kafka/standings.ts'
import type { Standing } from '../ports/ordered-topics.ts'
import { parseLogOffer } from '../settings/values.ts'
import { printLines } from '../start-up.ts'
import { createLogger } from '../telemetry/logger.ts'
import { CommandFailed } from './failed.ts'

type Of<Name extends Command['name']> = Extract<Command, { readonly name: Name }>

/** Of the log whose topics the variables of the seed do not name. */
const NAME_DEFAULT = 'kluster'
/** What the seed's client asks, and how often, in milliseconds. */
const SEED_SQL = 'SELECT 2+2 as Count'
const SEED_EVERY_MS = 5_000
const SECOND_MS = 1_000
/** Who says nothing for longer than this is not known to stand so: each speaks every 2 s. */
const SILENT_SECONDS = 10

interface LagRow extends Pick<Standing, 'replica' | 'state' | 'why' | 'doneOffset'> {
  readonly lag: number
  readonly silentSeconds: number
}

/** @returns the exit code */
export async function runKlusterCommand(command: KlusterCommand | Of<'log create'>): Promise<number> {
  try {
    switch (command.name) {
      case 'replica':
        await keep(command)
        return 0
      case 'log create':
        return await create(command)
      case 'kluster client':
        return await ask(command)
      case 'kluster lag':
        return await showLag(command)
      case 'kluster backup':
      case 'kluster restore':
        return await moveDump(command)
      case 'kluster verdict':
        return await judge(command)
    }
  } catch (error) {
    throw error instanceof CommandFailed
      ? error
      : new CommandFailed(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error))
  }
}

function orderFor(order: string | undefined, name: string): KafkaOrder {
  const found = order === undefined ? orderOf(process.env, name) : parseOrder(order, name)
  if (found === undefined)
    throw new CommandFailed('name the brokers with -order kafka://HOST:PORT, or the variable KAFKA_BOOTSTRAP_SERVERS')
  return found
}

function storeOf(store: string | undefined): string {
  const address = store ?? process.env['DATABASE_ADDRESS']
  if (address === undefined) throw new CommandFailed('name the database with -store URL, or the variable DATABASE_ADDRESS')
  return address
}

async function create({ log, order }: Of<'log create'>): Promise<number> {
  const { brokers, ...names } = orderFor(order, log)
  const made = await makeTopics(await reach(brokers), names)
  printLines([made.length === 0 ? `log ${log} was born so before` : `log ${log} is born: topics ${made.join(', ')}`])
  return 0
}

/** Until it is told to end. */
async function keep({ log, order, store, storePassword, secretMode, directory, replicaName: name }: Of<'replica'>): Promise<void> {
  const { startReplica } = await import('../kluster/replica.ts')
  const logger = createLogger('info')
  const init = { store: storeOf(store), storePassword, secretMode, directory, name, logger }
  const host = await startReplica({ log, order: orderFor(order, log), ...init })
  const ended = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.resolve())
  printLines([`replica of log ${log}`])
  await ended.promise
  await host.stop()
}

async function moveDump({ name, log, file, store, storePassword, secretMode }: Of<'kluster backup' | 'kluster restore'>): Promise<number> {
  const { backUp, restore } = await import('../kluster/dumps.ts')
  const { passwordOf } = await import('../peer/open-store.ts')
  const dump = { offer: parseLogOffer(`${log}=${storeOf(store)}`), password: await passwordOf(log, storePassword, secretMode), file }
  if (name === 'kluster backup') await backUp(dump)
  else await restore(dump)
  printLines([name === 'kluster backup' ? `written: ${file}` : 'loaded: start a replica upon it'])
  return 0
}

/** A replica that is silent may be gone, or cut off: how it stands now is not known. */
async function showLag({ log, order, output }: Of<'kluster lag'>): Promise<number> {
  const { brokers, all } = orderFor(order, log)
  const kafka = await reach(brokers)
  const standings = new Standings(kafka, all)
  const client = kafka.base('replicator-operator')
  try {
    const endOffset = await new Partition(kafka.driver, client, all, 0).end()
    const rows = (await standings.all()).map(({ toldAtMs, ...standing }) => ({
      ...standing,
      endOffset,
      lag: Math.max(0, endOffset - standing.doneOffset),
      silentSeconds: Math.max(0, Math.round((Date.now() - toldAtMs) / SECOND_MS)),
    }))
    if (output === 'json') printLines(rows.map((row) => JSON.stringify(row)))
    else printLines([`log ${log} ends at offset ${endOffset}`, ...rows.map(lagLine)])
    return 0
  } finally {
    await Promise.allSettled([standings.close(), client.close()])
  }
}

function lagLine({ replica, state, why, doneOffset, lag, silentSeconds }: LagRow): string {
  const reason = why === undefined ? '' : ` (${why})`
  const silent = silentSeconds > SILENT_SECONDS ? `, silent for ${silentSeconds} s` : ''
  return `${replica}  ${state}${reason}, applied below ${doneOffset}, ${lag} behind${silent}`
}

async function judge({ log, order, offset, force }: Of<'kluster verdict'>): Promise<number> {
  const { brokers, all } = orderFor(order, log)
  const kafka = await reach(brokers)
  const [standings, producing] = [new Standings(kafka, all), new Producing(kafka, 'replicator-operator')]
  try {
    const why = whyNotJudged(Number(offset), await standings.all(), Date.now())
    if (why !== undefined && !force) throw new CommandFailed(`${why}; with -force it counts as rejected all the same`)
    const at = await producing.send({ topic: all, key: utf8.encode(randomUUID()), partition: 0, value: verdictText(Number(offset)) })
    printLines([
      `ordered at offset ${at}: the command at offset ${offset} counts as rejected; a database that has applied it halts, and is filled anew`,
    ])
    return 0
  } finally {
    await Promise.allSettled([standings.close(), producing.close()])
  }
}

/** A verdict may revoke an answer: whoever has applied the command would differ from the others. */
function whyNotJudged(offset: number, standings: readonly Standing[], nowMs: number): string | undefined {
  const applied = standings.find(({ doneOffset, state }) => doneOffset > offset && state !== 'halted')
  if (applied !== undefined) return `${applied.replica} has applied it, and would halt`
  const silent = standings.find(({ state, toldAtMs }) => state !== 'stopped' && nowMs - toldAtMs > SILENT_SECONDS * SECOND_MS)
  return silent && `${silent.replica} does not say how it stands, and may have applied it`
}

/** Each 5 seconds until it is ended, or once. */
async function ask({ order, sql, timeoutMs }: Of<'kluster client'>): Promise<number> {
  const client = new SeedClient(orderFor(order, NAME_DEFAULT), (line) => printLines([line]))
  try {
    await client.start()
    if (sql === undefined) {
      for (;;) {
        await client.send(SEED_SQL, timeoutMs)
        await delay(SEED_EVERY_MS)
      }
    }
    const late = await client.send(sql, timeoutMs)
    if (late !== undefined) throw new CommandFailed(`in doubt: no answer to ${late} within ${timeoutMs} ms`)
    return 0
  } finally {
    await client.close()
  }
}
