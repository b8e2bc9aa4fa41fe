/** `replicator replica`: one database of a log that Kafka orders, on a machine that is no peer. */
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Logger } from 'pino'
import { identity } from '../../protocols/base/identity.ts'
import type { Identity, Incarnation, PeerId } from '../../protocols/base/identity.ts'
import { offsetOf } from '../../protocols/log/kafka/record.ts'
import type { KafkaStatus } from '../../protocols/log/kafka/replica.ts'
import { firstMembers } from '../../protocols/log/membership.ts'
import { KafkaHost } from '../logs/kafka-host.ts'
import { openTopics } from '../orderers/kafka/topics.ts'
import { openStore, passwordOf, PRIVATE } from '../peer/open-store.ts'
import type { SecretMode } from '../security/private-file.ts'
import type { KafkaOrder } from '../settings/order-url.ts'
import { parseLogOffer } from '../settings/values.ts'

/**
 * Whose stores these are: all replicas of a log are one owner, so that the backup of one database can
 * be loaded into another.
 */
const OWNER: Identity = identity('kafka' as PeerId, '00000000000000000000000000000000' as Incarnation)

export interface ReplicaInit {
  readonly log: string
  readonly order: KafkaOrder
  /** A URL of the database. */
  readonly store: string
  readonly storePassword: string | undefined
  readonly secretMode: SecretMode
  readonly directory: string
  readonly logger: Logger
}

/** @throws Error of one line when it cannot begin */
export async function startReplica({ log, order, store, storePassword, secretMode, directory, logger }: ReplicaInit): Promise<KafkaHost> {
  const folder = resolve(directory)
  mkdirSync(folder, { recursive: true, mode: PRIVATE })
  const offer = parseLogOffer(`${log}=${store}`)
  const topics = await openTopics({ ...order, logger })
  for (const warning of topics.warnings) logger.warn(warning)
  const claim = { logId: topics.topicId, generation: 0, owner: OWNER, firstMembers: firstMembers([]) }
  const password = (): Promise<string | undefined> => passwordOf(log, storePassword, secretMode)
  const host = new KafkaHost({
    topics,
    open: async () => {
      const opened = await openStore({ offer, claim, folder, password })
      for (const warning of opened.warnings) logger.warn(warning)
      return opened
    },
    answers: order.one === undefined ? 'everything' : 'requests',
    logger,
    told: (status) => tell(logger, log, status),
  })
  try {
    await host.start()
  } catch (error) {
    await host.stop()
    throw error
  }
  return host
}

function tell(logger: Logger, log: string, { state, why, stalledIndex, doneOffset, endOffset, isDifferent }: KafkaStatus): void {
  const at = stalledIndex === undefined ? '' : ` at offset ${offsetOf(stalledIndex)}`
  const line = `log ${log} is ${state}${why === undefined ? '' : `: ${why}`}${at}, applied below ${doneOffset} of ${endOffset}`
  if (isDifferent)
    logger.error(`a database of log ${log} took a command that another rejected: they differ; use portable SQL, and fill one anew`)
  if (state === 'halted') logger.error(line)
  else if (state === 'stalled') logger.warn(line)
  else logger.info(line)
}
