/** Follows a partition from its end on, for whoever waits for what is said there. */
import type { Base } from '@platformatic/kafka'
import type { KafkaRecord } from '../../../protocols/log/kafka/record.ts'
import { TopicMoved } from '../../ports/ordered-topics.ts'
import type { KafkaClients } from './connection.ts'
import { Partition } from './partition.ts'

/** Between tries, in milliseconds. */
const RETRY_MS = 500

export class Tail {
  private readonly client: Base
  private readonly partition: Partition
  private readonly heard: (record: KafkaRecord) => void
  private offset = 0
  private leaderEpoch = 0
  private isClosed = false

  constructor(kafka: KafkaClients, topic: string, partition: number, heard: (record: KafkaRecord) => void) {
    this.client = kafka.base('replicator-tail')
    this.partition = new Partition(kafka.driver, this.client, topic, partition)
    this.heard = heard
  }

  /** From here on nothing is missed. @throws what the driver throws */
  async start(): Promise<void> {
    const { endOffset, leaderEpoch } = await this.partition.look()
    this.offset = endOffset
    this.leaderEpoch = leaderEpoch
    void this.follow()
  }

  async close(): Promise<void> {
    this.isClosed = true
    await this.client.close()
  }

  private async follow(): Promise<void> {
    while (!this.isClosed) {
      try {
        const { records, nextOffset } = await this.partition.fetch(this.offset, this.leaderEpoch)
        this.offset = nextOffset
        for (const record of records) this.heard(record)
      } catch (error) {
        if (this.isClosed) return
        await this.lookAgain(error instanceof TopicMoved)
      }
    }
  }

  /** What the topic does not hold any more is missed. */
  private async lookAgain(isMoved: boolean): Promise<void> {
    try {
      const { startOffset, endOffset, leaderEpoch } = await this.partition.look()
      this.leaderEpoch = leaderEpoch
      if (isMoved) this.offset = Math.min(Math.max(this.offset, startOffset), endOffset)
    } catch {
      // Nobody answers now.
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}
