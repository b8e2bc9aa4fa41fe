/** The topics of one log, for a replica of it. */
import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { utf8 } from '../../bytes.ts'
import type { GroupMember, OrderedTopics, Standing } from '../../ports/ordered-topics.ts'
import { accessWarnings } from '../../settings/brokers.ts'
import type { Brokers } from '../../settings/brokers.ts'
import { checkTopics } from './administration.ts'
import { reach } from './connection.ts'
import { Group } from './group.ts'
import { Partition } from './partition.ts'
import { Producing } from './producing.ts'
import type { TopicNames } from './settings.ts'
import { Standings } from './standings.ts'

/** Between tries to say an answer, in milliseconds. */
const RETRY_MS = 500

export interface OpenTopicsInit extends TopicNames {
  readonly brokers: Brokers
  readonly logger: Logger
}

/** @throws TopicsRefused, and as of `reach` */
export async function openTopics({ brokers, logger, ...names }: OpenTopicsInit): Promise<OrderedTopics> {
  const { all, one, response } = names
  const kafka = await reach(brokers)
  const warnings = [...accessWarnings(brokers.access), ...(await checkTopics(kafka, names))]
  // A broker answers the requests of a connection in turn: what waits for a record has its own.
  const [waiting, asking] = [kafka.base('replicator'), kafka.base('replicator')]
  const [reader, asker] = [new Partition(kafka.driver, waiting, all, 0), new Partition(kafka.driver, asking, all, 0)]
  const producing = new Producing(kafka, 'replicator-answers')
  const group = one === undefined ? undefined : new Group({ kafka, topic: one, group: `${one}-answers`, logger })
  const standings = new Standings(kafka, all)
  const closing = new AbortController()
  let saying: Promise<void> | undefined
  const say = async (standing: Standing): Promise<void> => {
    await standings.say(standing).catch((error: unknown) => logger.debug({ err: error }, 'how this replica stands is not told'))
    saying = undefined
  }
  const { topicId } = await reader.look()
  return {
    topicId,
    warnings,
    look: () => reader.look(),
    fetch: (offset, leaderEpoch) => reader.fetch(offset, leaderEpoch),
    recordAt: (offset, leaderEpoch) => asker.recordAt(offset, leaderEpoch),
    end: () => asker.end(),
    order: (value) => producing.send({ topic: all, key: utf8.encode(randomUUID()), partition: 0, value }),
    respond: async ({ key, partition, value }) => {
      while (!closing.signal.aborted) {
        try {
          await producing.send({ topic: response, key: key ?? utf8.encode(''), partition, value })
          return
        } catch (error) {
          logger.debug({ err: error }, 'an answer cannot be said now')
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
        }
      }
    },
    join: (member: GroupMember) => group?.join(member),
    leave: () => group?.leave(),
    commit: (partition, offset) => group?.commit(partition, offset),
    // What is said while another is under way is left to the next one.
    stands: async (standing) => (saying ??= say(standing)),
    standings: () => standings.all(),
    close: async () => {
      closing.abort()
      await Promise.allSettled([group?.close(), producing.close(), standings.close(), waiting.close(), asking.close()])
    },
  }
}
