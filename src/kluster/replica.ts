/** One database of a log that Kafka orders: at a peer, or by `replicator replica` on a machine that is none. */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { Logger } from 'pino'
import { identity } from '../../protocols/base/identity.ts'
import type { Identity, Incarnation, PeerId } from '../../protocols/base/identity.ts'
import { KAFKA_LIMITS } from '../../protocols/log/kafka/limits.ts'
import { offsetOf } from '../../protocols/log/kafka/record.ts'
import type { KafkaStatus } from '../../protocols/log/kafka/replica.ts'
import { firstMembers } from '../../protocols/log/membership.ts'
import { KafkaHost } from '../logs/kafka-host.ts'
import { openTopics } from '../orderers/kafka/topics.ts'
import type { OrderedTopics } from '../ports/ordered-topics.ts'
import { openStore, passwordOf, PRIVATE } from '../peer/open-store.ts'
import type { SecretMode } from '../security/private-file.ts'
import type { KafkaOrder } from '../settings/order-url.ts'
import type { LogOffer } from '../settings/settings.ts'
import { parseLogOffer } from '../settings/values.ts'

/**
 * Whose stores these are: all replicas of a log are one owner, so that the backup of one database can
 * be loaded into another.
 */
const OWNER: Identity = identity('kafka' as PeerId, '00000000000000000000000000000000' as Incarnation)

/** Of the digest in a replica's name. */
const NAME_DIGITS = 6

export interface ReplicaInit {
  readonly log: string
  readonly order: KafkaOrder
  /** The database. */
  readonly offer: LogOffer
  readonly storePassword: string | undefined
  readonly secretMode: SecretMode
  readonly directory: string
  /** What people call it. */
  readonly name: string
  /** One that is behind for so long answers nobody, in milliseconds. */
  readonly behindMs: number
  readonly logger: Logger
  /** What is amiss, in a line; undefined when nothing is. */
  readonly told?: (line: string | undefined) => void
}

export interface Replica {
  readonly host: KafkaHost
  readonly topics: OrderedTopics
  readonly topicId: string
}

/** It begins by its host's start. @throws Error of one line when the topics will not do, or no broker answers */
export async function openReplica(init: ReplicaInit): Promise<Replica> {
  const { log, order, offer, storePassword, secretMode, directory, name, behindMs, logger, told = () => {} } = init
  const topics = await openTopics({ ...order, logger })
  for (const warning of topics.warnings) logger.warn(warning)
  const { topicId } = topics
  const claim = { logId: topicId, generation: 0, owner: OWNER, firstMembers: firstMembers([]) }
  const password = (): Promise<string | undefined> => passwordOf(log, storePassword, secretMode)
  const host = new KafkaHost({
    name,
    topics,
    open: async () => {
      const opened = await openStore({ offer, claim, folder: directory, password })
      for (const warning of opened.warnings) logger.warn(warning)
      return opened
    },
    answers: order.one === undefined ? 'everything' : 'requests',
    behindMs,
    logger,
    told: (status) => told(tell(logger, log, status)),
  })
  return { host, topics, topicId }
}

export interface ReplicaAloneInit extends Omit<ReplicaInit, 'offer' | 'name' | 'behindMs' | 'told'> {
  /** A URL of the database. */
  readonly store: string
  /** Undefined for one made of this machine's name and the database. */
  readonly name: string | undefined
}

/** @throws Error of one line when it cannot begin */
export async function startReplica({ store, name, directory, ...init }: ReplicaAloneInit): Promise<KafkaHost> {
  const folder = resolve(directory)
  mkdirSync(folder, { recursive: true, mode: PRIVATE })
  const offer = parseLogOffer(`${init.log}=${store}`)
  const called = name ?? nameOf(store, folder)
  const { host } = await openReplica({ ...init, offer, directory: folder, name: called, behindMs: KAFKA_LIMITS.behindMs })
  try {
    await host.start()
  } catch (error) {
    await host.stop()
    throw error
  }
  return host
}

/** Of this machine, the make, and a few digits of where the database is: no password is in it. */
function nameOf(store: string, folder: string): string {
  const [make = ''] = store.split(':')
  const at = URL.canParse(store) ? new URL(store) : undefined
  const place = at === undefined || at.host === '' ? `${folder} ${store}` : `${at.host}${at.pathname}`
  return `${hostname()}-${make}-${createHash('sha256').update(place).digest('hex').slice(0, NAME_DIGITS)}`
}

/** @returns what is amiss */
function tell(logger: Logger, log: string, status: KafkaStatus): string | undefined {
  const { state, why, stalledIndex, doneOffset, endOffset, isDifferent } = status
  const at = stalledIndex === undefined ? '' : ` at offset ${offsetOf(stalledIndex)}`
  const line = `log ${log} is ${state}${why === undefined ? '' : `: ${why}`}${at}, applied below ${doneOffset} of ${endOffset}`
  const difference = `a database of log ${log} took a command that another rejected: they differ; use portable SQL, and fill one anew`
  if (isDifferent) logger.error(difference)
  if (state === 'halted') logger.error(line)
  else if (state === 'stalled' || state === 'cut-off') logger.warn(line)
  else logger.info(line)
  if (state !== 'ready') return line
  return isDifferent ? difference : undefined
}
