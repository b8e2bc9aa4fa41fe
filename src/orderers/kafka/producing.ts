/**
 * Puts records into topics, acknowledged by all brokers that have to have them. What gathers within a
 * turn goes together. A record that may be there already may be sent again: who reads knows it by its
 * key.
 */
import type { Producer } from '@platformatic/kafka'
import type { KafkaClients } from './connection.ts'

/** All that have to. */
const ACKNOWLEDGED_BY_ALL = -1
/** Of values in one batch, unless a single one has more: brokers take 4 MiB at once. */
const BATCH_BYTES_MAX = 1_048_576

export interface Produced {
  readonly topic: string
  readonly key: Uint8Array | undefined
  /** Undefined for that of the key. */
  readonly partition: number | undefined
  readonly value: string
}

interface Waiting extends Produced {
  readonly ended: (offset: number) => void
  readonly failed: (error: unknown) => void
}

/** One batch of a partition. */
type Offsets = readonly { readonly topic: string; readonly partition: number; readonly offset: bigint }[]

export class Producing {
  private readonly producer: Producer
  private waiting: Waiting[] = []

  constructor(kafka: KafkaClients, clientId: string) {
    this.producer = kafka.producer(clientId, { acks: ACKNOWLEDGED_BY_ALL })
  }

  /** @returns its offset. @throws what the driver throws: the record may be there all the same */
  send(record: Produced): Promise<number> {
    return new Promise((ended, failed) => {
      this.waiting.push({ ...record, ended, failed })
      if (this.waiting.length === 1) setImmediate(() => void this.flush())
    })
  }

  close(): Promise<void> {
    return this.producer.close(true)
  }

  private async flush(): Promise<void> {
    const batch = this.waiting
    this.waiting = []
    // Those of one place are one batch, whose first offset the broker tells.
    for (const records of Object.values(Object.groupBy(batch, ({ topic, partition }) => `${topic}:${partition ?? ''}`)))
      for (const part of parts(records ?? [])) void this.sent(part)
  }

  private async sent(records: readonly Waiting[]): Promise<void> {
    try {
      const { offsets = [] } = await this.producer.send({
        messages: records.map(({ topic, key, partition, value }) => ({
          topic,
          value: Buffer.from(value),
          ...(key !== undefined && { key: Buffer.from(key) }),
          ...(partition !== undefined && { partition }),
        })),
      })
      const first = firstOf(offsets)
      for (const [place, { ended }] of records.entries()) ended(first + place)
    } catch (error) {
      // Another may lead by now: the next record asks who does.
      this.producer.clearMetadata()
      for (const { failed } of records) failed(error)
    }
  }
}

function parts(records: readonly Waiting[]): readonly (readonly Waiting[])[] {
  const found: Waiting[][] = []
  let bytes = Infinity
  for (const record of records) {
    const length = Buffer.byteLength(record.value)
    if (bytes + length > BATCH_BYTES_MAX) {
      found.push([])
      bytes = 0
    }
    found.at(-1)?.push(record)
    bytes += length
  }
  return found
}

/** Of records without a partition of their own nobody asks where they are. */
function firstOf(offsets: Offsets): number {
  return Number(offsets[0]?.offset ?? -1)
}
