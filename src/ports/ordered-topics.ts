/**
 * What a replica needs of brokers that order a log: one topic that all replicas read, one of requests
 * that a group shares out, and one of answers.
 */
import type { Response } from '../../protocols/log/kafka/events.ts'
import type { TopicAt } from '../../protocols/log/kafka/place.ts'
import type { KafkaRecord } from '../../protocols/log/kafka/record.ts'

export interface FetchedRecords {
  /** In order; offsets have gaps. */
  readonly records: readonly KafkaRecord[]
  /** Where the next fetch begins. */
  readonly nextOffset: number
  readonly startOffset: number
  readonly endOffset: number
}

export interface GroupMember {
  /** These partitions are this member's, and no others. */
  assigned(generation: number): void
  requested(generation: number, partition: number, records: readonly KafkaRecord[]): void
  /** Whether more may be read. */
  readonly hasRoom: boolean
}

/** How a replica stands, for people. */
export interface Standing {
  /** What it is called. */
  readonly replica: string
  readonly state: string
  /** Why it is stalled or halted. */
  readonly why: string | undefined
  /** Its database has applied all below. */
  readonly doneOffset: number
  /** The end of the topic, as it knew it. */
  readonly endOffset: number
  /** By the clock of its machine. */
  readonly toldAtMs: number
}

export interface OrderedTopics {
  /** 32 hexadecimal digits: of the topic as it was when this was opened. */
  readonly topicId: string
  /** What an operator must know of how the topics are set up. */
  readonly warnings: readonly string[]
  /** @throws what the driver throws when nobody answers, as all below */
  look(): Promise<TopicAt>
  /**
   * Waits a little for a record.
   *
   * @throws TopicMoved when another leads, the topic is another or the offset is not there
   */
  fetch(offset: number, leaderEpoch: number): Promise<FetchedRecords>
  /** Of the leader now, unless an epoch is given. @throws TopicMoved */
  recordAt(offset: number, leaderEpoch?: number): Promise<KafkaRecord | undefined>
  end(): Promise<number>
  /** Into the topic that orders. @returns its offset */
  order(value: string): Promise<number>
  /** Until it is in its topic, or all is closed. */
  respond(response: Response): Promise<void>
  join(member: GroupMember): void
  leave(): void
  commit(partition: number, offset: number): void
  /** Tells whoever watches. It may be lost. @returns when it is told, or was not */
  stands(standing: Standing): Promise<void>
  /** Of all replicas, each as it said last. */
  standings(): Promise<readonly Standing[]>
  close(): Promise<void>
}

export class TopicMoved extends Error {
  static override readonly name = 'TopicMoved'
  override readonly name = 'TopicMoved'
}
