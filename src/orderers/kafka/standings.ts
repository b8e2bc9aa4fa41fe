/**
 * How each replica of a log stands, said where every tool that watches Kafka looks: a replica has a
 * group of its own, whose offset in the topic that orders is what its database has applied, with a
 * few words beside it. Nobody reads on from there: a position is the database's alone. Kafka forgets
 * the group of a replica that is gone, after a week unless it is told otherwise.
 */
import type { Admin, Broker } from '@platformatic/kafka'
import type { Standing } from '../../ports/ordered-topics.ts'
import type { Driver, KafkaClients } from './connection.ts'

/** Between the name of the topic and that of the replica. */
const GROUP_WORD = '.replica.'
/** Of a member that belongs to no group. */
const NO_GENERATION = -1
const NO_MEMBER = ''
const NO_EPOCH = -1
/** Characters of a reason. */
const WHY_MAX = 200

type Words = Pick<Standing, 'state' | 'why' | 'endOffset' | 'toldAtMs'>

export class Standings {
  private readonly driver: Driver
  private readonly admin: Admin
  /** The topic that orders. */
  private readonly topic: string
  private coordinator: { readonly group: string; readonly broker: Broker } | undefined

  constructor(kafka: KafkaClients, topic: string) {
    this.driver = kafka.driver
    this.admin = kafka.admin('replicator-standings')
    this.topic = topic
  }

  /** @throws what the driver throws */
  async say({ replica, doneOffset, state, why, endOffset, toldAtMs }: Standing): Promise<void> {
    const group = this.topic + GROUP_WORD + replica
    const words: Words = { state, why: why?.slice(0, WHY_MAX), endOffset, toldAtMs }
    const partition = {
      partitionIndex: 0,
      committedOffset: BigInt(doneOffset),
      committedLeaderEpoch: NO_EPOCH,
      committedMetadata: JSON.stringify(words),
    }
    try {
      const connection = await this.admin.connections.get(await this.coordinatorOf(group))
      const topics = [{ name: this.topic, partitions: [partition] }]
      await this.driver.offsetCommitV8.api.async(connection, group, NO_GENERATION, NO_MEMBER, null, topics)
    } catch (error) {
      this.coordinator = undefined
      throw error
    }
  }

  /** Of all replicas that Kafka remembers, by their names. @throws what the driver throws */
  async all(): Promise<readonly Standing[]> {
    const begin = this.topic + GROUP_WORD
    const groups = [...(await this.admin.listGroups()).keys()].filter((group) => group.startsWith(begin))
    if (groups.length === 0) return []
    const told = await this.admin.listConsumerGroupOffsets({ groups })
    return told
      .flatMap(({ groupId, topics }) => {
        const partition = topics.find(({ name }) => name === this.topic)?.partitions[0]
        const words = wordsIn(partition?.metadata)
        if (partition === undefined || words === undefined) return []
        return [{ replica: groupId.slice(begin.length), doneOffset: Number(partition.committedOffset), ...words }]
      })
      .toSorted((a, b) => (a.replica < b.replica ? -1 : 1))
  }

  close(): Promise<void> {
    return this.admin.close()
  }

  private async coordinatorOf(group: string): Promise<Broker> {
    if (this.coordinator?.group === group) return this.coordinator.broker
    const [broker] = await this.admin.findCoordinator({ keyType: this.driver.FindCoordinatorKeyTypes.GROUP, keys: [group] })
    if (broker === undefined) throw new Error(`nobody coordinates ${group}`)
    this.coordinator = { group, broker }
    return broker
  }
}

/** Undefined for what no replica said. */
function wordsIn(text: string | null | undefined): Words | undefined {
  try {
    const { state, why, endOffset, toldAtMs } = JSON.parse(text ?? '') as Record<string, unknown>
    if (typeof state !== 'string' || typeof endOffset !== 'number' || typeof toldAtMs !== 'number') return undefined
    return { state, why: typeof why === 'string' ? why : undefined, endOffset, toldAtMs }
  } catch {
    return undefined
  }
}
