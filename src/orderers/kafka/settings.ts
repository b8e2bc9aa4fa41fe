/**
 * How the topics of a log are made, and what is wrong with topics that somebody else made. A setting
 * that loses records, or keeps them out of one order, is refused; what a user may want is warned of.
 */

export interface TopicWish {
  readonly topic: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

/** As read back. */
export interface TopicFound {
  readonly topic: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string | null | undefined>>
}

/** Requests and answers are shared out among so many. */
const SHARED_PARTITIONS = 8
/** A command of the largest size, as JSON in a message. */
const MESSAGE_BYTES_MAX = '4194304'
const DAY_MS = '86400000'
const HOUR_MS = '3600000'

export interface TopicNames {
  readonly all: string
  readonly one: string | undefined
  readonly response: string
  /** Copies of each topic; undefined for as many as there are, and COPIES where it is made. */
  readonly replication: number | undefined
}

/** Of each topic, where nobody says how many. */
export const COPIES = 3

export function wishedTopics({ all, one, response, replication }: TopicNames): readonly TopicWish[] {
  const safe = {
    'min.insync.replicas': String(insyncMin(replication ?? COPIES)),
    'unclean.leader.election.enable': 'false',
    'max.message.bytes': MESSAGE_BYTES_MAX,
  }
  const shared = (topic: string, keptMs: string): TopicWish => ({
    topic,
    partitions: SHARED_PARTITIONS,
    configs: { ...safe, 'cleanup.policy': 'delete', 'retention.ms': keptMs },
  })
  const ordered = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1', 'message.timestamp.type': 'LogAppendTime' }
  return [
    { topic: all, partitions: 1, configs: { ...safe, ...ordered } },
    ...(one === undefined ? [] : [shared(one, DAY_MS)]),
    shared(response, HOUR_MS),
  ]
}

/** @returns what is wrong with the topic that orders, each a few words; empty where nothing is */
export function faultsOf({ partitions, configs }: TopicFound, replication: number): readonly string[] {
  const differs = (name: string, wanted: string): string[] =>
    configs[name] === wanted ? [] : [`${name} is ${String(configs[name])} and has to be ${wanted}`]
  const insync = Number(configs['min.insync.replicas'])
  const least = insyncMin(replication)
  return [
    ...(partitions === 1 ? [] : [`it has ${partitions} partitions and has to have 1`]),
    ...differs('cleanup.policy', 'delete'),
    ...differs('retention.ms', '-1'),
    ...differs('retention.bytes', '-1'),
    ...differs('message.timestamp.type', 'LogAppendTime'),
    ...differs('unclean.leader.election.enable', 'false'),
    ...(insync >= least ? [] : [`min.insync.replicas is ${insync} and has to be ${least} or more`]),
  ]
}

export function warningsOf({ topic, configs }: TopicFound, replication: number): readonly string[] {
  return [
    ...(replication > 1 ? [] : [`topic ${topic} is on one broker: what that loses is lost`]),
    ...(configs['flush.messages'] === '1'
      ? []
      : [
          `topic ${topic} is acknowledged from memory: when all brokers lose their power, commands that were answered may be lost (flush.messages=1 keeps them)`,
        ]),
  ]
}

/** Brokers that have a record before it is acknowledged. */
function insyncMin(replication: number): number {
  return replication > 1 ? 2 : 1
}
