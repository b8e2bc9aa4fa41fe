/** `replicator replica …`, `replicator kluster …` and `replicator log create … -order`. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { utf8 } from '../bytes.ts'
import type { Command } from '../settings/all-commands.ts'
import type { KlusterCommand } from '../settings/kluster-commands.ts'
import { orderOf, parseOrder } from '../settings/order-url.ts'
import type { KafkaOrder } from '../settings/order-url.ts'
import { SeedClient } from '../kluster/seed-client.ts'
import { makeTopics } from '../orderers/kafka/administration.ts'
import { loadKafka } from '../orderers/kafka/connection.ts'
import { Producing } from '../orderers/kafka/producing.ts'
import { printLines } from '../start-up.ts'
import { createLogger } from '../telemetry/logger.ts'
import { CommandFailed } from './failed.ts'

type Of<Name extends Command['name']> = Extract<Command, { readonly name: Name }>

/** Of the log whose topics the variables of the seed do not name. */
const NAME_DEFAULT = 'kluster'
/** What the seed's client asks, and how often, in milliseconds. */
const SEED_SQL = 'SELECT 2+2 as Count'
const SEED_EVERY_MS = 5_000

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

async function create({ log, order }: Of<'log create'>): Promise<number> {
  const names = orderFor(order, log)
  const made = await makeTopics(names.brokers, names)
  printLines([made.length === 0 ? `log ${log} was born so before` : `log ${log} is born: topics ${made.join(', ')}`])
  return 0
}

/** Until it is told to end. */
async function keep({ log, order, store, storePassword, secretMode, directory }: Of<'replica'>): Promise<void> {
  const address = store ?? process.env['DATABASE_ADDRESS']
  if (address === undefined) throw new CommandFailed('name the database with -store URL, or the variable DATABASE_ADDRESS')
  const { startReplica } = await import('../kluster/replica.ts')
  const logger = createLogger('info')
  const host = await startReplica({ log, order: orderFor(order, log), store: address, storePassword, secretMode, directory, logger })
  const ended = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.resolve())
  printLines([`replica of log ${log}`])
  await ended.promise
  await host.stop()
}

async function judge({ log, order, offset }: Of<'kluster verdict'>): Promise<number> {
  const { brokers, all } = orderFor(order, log)
  const producing = new Producing(await loadKafka(), brokers, 'replicator-operator')
  const message = { replicator: 1, verdict: { offset: Number(offset), code: 'verdict' } }
  try {
    const at = await producing.send({ topic: all, key: utf8.encode(randomUUID()), partition: 0, value: JSON.stringify(message) })
    printLines([
      `ordered at offset ${at}: the command at offset ${offset} counts as rejected; a database that has applied it halts, and is filled anew`,
    ])
    return 0
  } finally {
    await producing.close()
  }
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
