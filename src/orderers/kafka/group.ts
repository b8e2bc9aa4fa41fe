/**
 * The part of one member in the topic of requests: the group deals out its partitions, and what they
 * hold is read from where the group stands. What an earlier dealing began is read no further.
 */
import type { Consumer } from '@platformatic/kafka'
import type { Logger } from 'pino'
import type { GroupMember } from '../../ports/ordered-topics.ts'
import { TopicMoved } from '../../ports/ordered-topics.ts'
import type { KafkaClients } from './connection.ts'
import { Partition } from './partition.ts'

/** A member that says nothing for so long is gone, in milliseconds: the least that brokers allow unless told otherwise. And how often one speaks. */
const SESSION_MS = 6_000
const HEARTBEAT_MS = 500
const REBALANCE_MS = 15_000
/** Between tries, and looks whether there is room, in milliseconds. */
const RETRY_MS = 500
const ROOM_MS = 50

export interface GroupInit {
  readonly kafka: KafkaClients
  readonly topic: string
  readonly group: string
  readonly logger: Logger
}

export class Group {
  private readonly init: GroupInit
  private consumer: Consumer | undefined
  private member: GroupMember | undefined
  /** Offsets that the group is to be told, by partition, and whether it is being told. */
  private readonly answered = new Map<number, number>()
  private isTelling = false
  /** What leaves the group. */
  private leaving: Promise<unknown> = Promise.resolve()
  /** Rises at each dealing, and when this member leaves. */
  private generation = 0

  constructor(init: GroupInit) {
    this.init = init
  }

  join(member: GroupMember): void {
    this.member = member
    void this.joined()
  }

  /** Others have its partitions at once. */
  leave(): void {
    this.member = undefined
    this.generation += 1
    this.drop()
  }

  /** One call at a time says all that was answered by then. */
  commit(partition: number, offset: number): void {
    this.answered.set(partition, offset)
    void this.tell()
  }

  /** Leaves, and waits until that is said. */
  async close(): Promise<void> {
    this.leave()
    await this.leaving
  }

  private async tell(): Promise<void> {
    if (this.isTelling) return
    this.isTelling = true
    const { topic, logger } = this.init
    while (this.answered.size > 0 && this.consumer !== undefined) {
      const offsets = [...this.answered].map(([partition, offset]) => ({ topic, partition, offset: BigInt(offset), leaderEpoch: -1 }))
      this.answered.clear()
      try {
        await this.consumer.commit({ offsets })
      } catch (error) {
        // The next one says more; what is not told is answered again.
        logger.debug({ err: error }, 'the offset of the group is not told')
      }
    }
    this.isTelling = false
  }

  private drop(): void {
    const { consumer } = this
    this.consumer = undefined
    this.answered.clear()
    if (consumer !== undefined) this.leaving = Promise.all([this.leaving, consumer.close(true).catch(() => {})])
  }

  private async joined(): Promise<void> {
    const { kafka, topic, group, logger } = this.init
    const { member } = this
    const consumer = kafka.consumer(`replicator-${group}`, { groupId: group, timeout: REBALANCE_MS * 2 })
    this.consumer = consumer
    consumer.topics.track(topic)
    consumer.on('consumer:group:join', () => this.dealt(consumer))
    consumer.on('error', (error) => {
      logger.debug({ err: error }, 'the group is joined anew')
      this.joinAgain(consumer)
    })
    while (this.member === member && this.consumer === consumer) {
      try {
        await consumer.joinGroup({ sessionTimeout: SESSION_MS, rebalanceTimeout: REBALANCE_MS, heartbeatInterval: HEARTBEAT_MS })
        return
      } catch (error) {
        logger.debug({ err: error }, 'the group cannot be joined now')
        await pause(RETRY_MS)
      }
    }
  }

  private joinAgain(consumer: Consumer): void {
    if (this.consumer !== consumer || this.member === undefined) return
    this.generation += 1
    this.drop()
    void this.joined()
  }

  private dealt(consumer: Consumer): void {
    const { member } = this
    if (this.consumer !== consumer || member === undefined) return
    this.generation += 1
    // Those of the dealing before may be another's by now.
    this.answered.clear()
    member.assigned(this.generation)
    const mine = consumer.assignments?.find(({ topic }) => topic === this.init.topic)?.partitions ?? []
    for (const partition of mine) void this.read(consumer, member, this.generation, partition)
  }

  private async read(consumer: Consumer, member: GroupMember, generation: number, partition: number): Promise<void> {
    const { kafka, topic, logger } = this.init
    // A broker answers the requests of a connection in turn: each that waits for records has its own.
    const client = kafka.base('replicator-requests')
    const reader = new Partition(kafka.driver, client, topic, partition)
    const isMine = (): boolean => this.generation === generation && this.consumer === consumer
    let offset: number | undefined
    let leaderEpoch = 0
    while (isMine()) {
      try {
        if (offset === undefined) {
          const at = await reader.look()
          leaderEpoch = at.leaderEpoch
          offset = Math.min(Math.max(await this.committed(consumer, partition), at.startOffset), at.endOffset)
        }
        if (!member.hasRoom) {
          await pause(ROOM_MS)
          continue
        }
        const { records, nextOffset } = await reader.fetch(offset, leaderEpoch)
        if (!isMine()) break
        if (records.length > 0) member.requested(generation, partition, records)
        offset = nextOffset
      } catch (error) {
        if (!(error instanceof TopicMoved)) logger.debug({ err: error }, 'requests cannot be read now')
        const { leaderEpoch: epoch } = await reader.look().catch(() => ({ leaderEpoch }))
        leaderEpoch = epoch
        await pause(RETRY_MS)
      }
    }
    await client.close().catch(() => {})
  }

  private async committed(consumer: Consumer, partition: number): Promise<number> {
    const { topic } = this.init
    const offsets = await consumer.listCommittedOffsets({ topics: [{ topic, partitions: [partition] }] })
    const offset = offsets.get(topic)?.find((each) => each !== undefined)
    return offset === undefined ? 0 : Math.max(0, Number(offset))
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
