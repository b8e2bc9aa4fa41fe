/**
 * Reads one partition of a topic by the topic's UUID and the epoch of its leader, so that what is
 * answered comes from that topic and that leader or not at all. A driver's own consumer asks by
 * whatever it knows last, and goes on silently where another leads.
 */
import type { Base, Broker, RecordsBatch } from '@platformatic/kafka'
import type { TopicAt } from '../../../protocols/log/kafka/place.ts'
import type { KafkaRecord } from '../../../protocols/log/kafka/record.ts'
import { TopicMoved } from '../../ports/ordered-topics.ts'
import type { FetchedRecords } from '../../ports/ordered-topics.ts'
import { committedRecords } from './batches.ts'
import { hexOf, isRefusal } from './connection.ts'
import type { Driver } from './connection.ts'

/** A fetch waits for so long for a record, in milliseconds, and takes so many bytes. */
const WAIT_MS = 500
const BYTES_MAX = 4_194_304
/** Only what no transaction can take back. */
const READ_COMMITTED = 1
/** Outside of any session of fetches. */
const NO_SESSION_EPOCH = -1
const NO_EPOCH = -1
/** Versions of the call that name topics by their UUIDs, and that the driver has. */
const FETCH_VERSION_MIN = 13
const FETCH = ['fetchV17', 'fetchV16', 'fetchV15', 'fetchV14', 'fetchV13'] as const
/**
 * OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE, NOT_LEADER_OR_FOLLOWER,
 * FENCED_LEADER_EPOCH, UNKNOWN_TOPIC_ID, INCONSISTENT_TOPIC_ID.
 */
const MOVED = [1, 3, 5, 6, 74, 100, 103]

interface Leader {
  readonly uuid: string
  readonly leaderEpoch: number
  readonly broker: Broker
}

type Fetch = (typeof FETCH)[number]

export class Partition {
  private readonly driver: Driver
  private readonly client: Base
  private readonly topic: string
  private readonly partition: number
  private leader: Leader | undefined
  private version: Fetch | undefined

  constructor(driver: Driver, client: Base, topic: string, partition: number) {
    this.driver = driver
    this.client = client
    this.topic = topic
    this.partition = partition
  }

  /** Asks who leads, and that leader where its log begins and ends. */
  async look(): Promise<TopicAt> {
    const leader = await this.found()
    const { startOffset, endOffset } = await this.bounds(leader)
    return { topicId: hexOf(leader.uuid), leaderEpoch: leader.leaderEpoch, startOffset, endOffset }
  }

  /** @throws TopicMoved, and what the driver throws */
  async fetch(offset: number, leaderEpoch: number, waitMs: number = WAIT_MS): Promise<FetchedRecords> {
    const leader = await this.leaderOf(leaderEpoch)
    const { batches, aborted, ...bounds } = await this.ask(leader, offset, leaderEpoch, waitMs)
    const records = committedRecords(batches, aborted).filter((record) => record.offset >= offset)
    const last = batches.at(-1)
    const nextOffset = last === undefined ? offset : Number(last.firstOffset) + last.lastOffsetDelta + 1
    return { records, nextOffset: Math.max(offset, nextOffset), ...bounds }
  }

  /** Undefined where there is none at this very offset. */
  async recordAt(offset: number, leaderEpoch?: number): Promise<KafkaRecord | undefined> {
    const epoch = leaderEpoch ?? (await this.found()).leaderEpoch
    const { records } = await this.fetch(offset, epoch, 0)
    return records.find((record) => record.offset === offset)
  }

  /** The end of the log of whoever leads now. */
  async end(): Promise<number> {
    return (await this.bounds(await this.found())).endOffset
  }

  private async leaderOf(leaderEpoch: number): Promise<Leader> {
    const leader = this.leader ?? (await this.found())
    if (leader.leaderEpoch !== leaderEpoch) throw new TopicMoved(`epoch ${leader.leaderEpoch} leads, and ${leaderEpoch} is asked`)
    return leader
  }

  private async found(): Promise<Leader> {
    const { topics, brokers } = await this.client.metadata({ topics: [this.topic], forceUpdate: true })
    const topic = topics.get(this.topic)
    const partition = topic?.partitions[this.partition]
    const broker = partition && brokers.get(partition.leader)
    if (topic === undefined || partition === undefined || broker === undefined)
      throw new Error(`nobody leads partition ${this.partition} of ${this.topic}`)
    this.leader = { uuid: topic.id, leaderEpoch: partition.leaderEpoch, broker }
    return this.leader
  }

  private async bounds(leader: Leader): Promise<{ readonly startOffset: number; readonly endOffset: number }> {
    const [startOffset, endOffset] = [await this.offsetAt(leader, EARLIEST), await this.offsetAt(leader, LATEST)]
    return { startOffset, endOffset }
  }

  private async offsetAt({ broker, leaderEpoch }: Leader, timestamp: bigint): Promise<number> {
    try {
      const connection = await this.client.connections.get(broker)
      const { topics } = await this.driver.listOffsetsV7.api.async(connection, -1, READ_COMMITTED, [
        { name: this.topic, partitions: [{ partitionIndex: this.partition, currentLeaderEpoch: leaderEpoch, timestamp }] },
      ])
      const offset = topics[0]?.partitions[0]?.offset
      if (offset === undefined) throw new Error(`no offsets of ${this.topic} are told`)
      return Number(offset)
    } catch (error) {
      throw this.told(error)
    }
  }

  private async ask(
    { broker, uuid }: Leader,
    offset: number,
    leaderEpoch: number,
    waitMs: number,
  ): Promise<{
    readonly batches: readonly RecordsBatch[]
    readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[]
    readonly startOffset: number
    readonly endOffset: number
  }> {
    this.version ??= await this.versionOf()
    const partition = {
      partition: this.partition,
      currentLeaderEpoch: leaderEpoch,
      fetchOffset: BigInt(offset),
      lastFetchedEpoch: NO_EPOCH,
      partitionMaxBytes: BYTES_MAX,
    }
    try {
      const { api } = this.driver[this.version]
      // Asked each time: a connection that says anew who asks takes nothing else meanwhile.
      const connection = await this.client.connections.get(broker)
      const topics = [{ topicId: uuid, partitions: [partition] }]
      const { responses } = await api.async(connection, waitMs, 1, BYTES_MAX, READ_COMMITTED, 0, NO_SESSION_EPOCH, topics, [], '')
      const told = responses[0]?.partitions[0]
      if (told === undefined) throw new Error(`nothing of ${this.topic} is told`)
      return {
        batches: told.records ?? [],
        aborted: told.abortedTransactions ?? [],
        startOffset: Number(told.logStartOffset),
        endOffset: Number(told.lastStableOffset),
      }
    } catch (error) {
      throw this.told(error)
    }
  }

  private async versionOf(): Promise<Fetch> {
    const range = (await this.client.listApis()).find(({ name }) => name === 'Fetch')
    const version = FETCH.find((name) => Number(name.slice('fetchV'.length)) <= (range?.maxVersion ?? 0))
    if (version === undefined)
      throw new Error(`these brokers name topics by their names alone: Kafka 3.1 or later is needed (Fetch ${FETCH_VERSION_MIN})`)
    return version
  }

  /** What is asked next is asked of whoever leads then. */
  private told(error: unknown): unknown {
    this.leader = undefined
    return isRefusal(this.driver, error, MOVED) ? new TopicMoved(String(error), { cause: error }) : error
  }
}

/** What stands for the first and the last offset in place of a time. */
const EARLIEST = -2n
const LATEST = -1n
