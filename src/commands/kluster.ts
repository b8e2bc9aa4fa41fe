/** `replicator replica …`, `replicator kluster …` and `replicator log create … -order`. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { utf8 } from '../bytes.ts'
import type { Command } from '../settings/all-commands.ts'
import type { KlusterCommand } from '../settings/kluster-commands.ts'
import { orderOf, parseOrder } from '../settings/order-url.ts'
import type { KafkaOrder } from '../settings/order-url.ts'
import { makeTopics } from '../orderers/kafka/administration.ts'
import { loadKafka, settingsOf } from '../orderers/kafka/connection.ts'
import { Producing } from '../orderers/kafka/producing.ts'
import { Tail } from '../orderers/kafka/tail.ts'
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
    throw error instanceof CommandFailed ? error : new CommandFailed(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error))
  }
}

function orderFor(order: string | undefined, name: string): KafkaOrder {
  const found = order === undefined ? orderOf(process.env, name) : parseOrder(order, name)
  if (found === undefined) throw new CommandFailed('name the brokers with -order kafka://HOST:PORT, or the variable KAFKA_BOOTSTRAP_SERVERS')
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
    printLines([`ordered at offset ${at}: the command at offset ${offset} counts as rejected; a database that has applied it halts, and is filled anew`])
    return 0
  } finally {
    await producing.close()
  }
}

/** The seed's client, with its lines. */
async function ask({ order, sql, timeoutMs }: Of<'kluster client'>): Promise<number> {
  const { brokers, all, one, response } = orderFor(order, NAME_DEFAULT)
  const driver = await loadKafka()
  const base = new driver.Base(settingsOf(brokers, 'replicator-client'))
  const { topics } = await base.metadata({ topics: [response] })
  await base.close()
  const waiting = new Map<string, () => void>()
  const finished = new Map<string, Date>()
  const heard = (key: string, value: string): void => {
    say('kafkaResultTracker', `Received result message, key=${key} val=${value}`)
    const before = finished.get(key)
    if (before !== undefined) return say('kafkaResultTracker', `received result for query with id ${key}, was query was already finished at ${before.toISOString()}`)
    const complete = waiting.get(key)
    if (complete === undefined) return
    say('kafkaResultTracker', `received result for query with id ${key}, completing result!`)
    finished.set(key, new Date())
    complete()
  }
  const tails = Array.from({ length: topics.get(response)?.partitionsCount ?? 1 }, (_, partition) => {
    return new Tail(driver, brokers, response, partition, ({ key, value }) => {
      if (key !== undefined && value !== undefined) heard(utf8.decode(key), utf8.decode(value))
    })
  })
  await Promise.all(tails.map((tail) => tail.start()))
  const producing = new Producing(driver, brokers, 'replicator-client')
  try {
    do {
      const text = sql ?? SEED_SQL
      const id = `${Date.now()}-${randomUUID().slice(0, 8)}`
      const { promise, resolve } = Promise.withResolvers<boolean>()
      waiting.set(id, () => resolve(true))
      for (const [topic, partition] of [[all, 0], ...(one === undefined ? [] : [[one, undefined] as const])] as const)
        await producing.send({ topic, key: utf8.encode(id), partition, value: text })
      say('kafkaClient', `sent query for execution with id ${id}: ${text}`)
      say('futureResult', `Waiting sync for query ${id} to return`)
      const isAnswered = await Promise.race([promise, delay(timeoutMs, false, { ref: false })])
      waiting.delete(id)
      if (!isAnswered && sql !== undefined) throw new CommandFailed(`in doubt: no answer to ${id} within ${timeoutMs} ms`)
      if (sql === undefined) await delay(SEED_EVERY_MS)
    } while (sql === undefined)
    return 0
  } finally {
    await Promise.allSettled([producing.close(), ...tails.map((tail) => tail.close())])
  }
}

/** As the seed's log begins its lines. */
function say(who: string, text: string): void {
  const [date = '', time = ''] = new Date().toISOString().split('T')
  printLines([`${date.replaceAll('-', '/')} ${time.slice(0, 8)} [${who}] ${text}`])
}
