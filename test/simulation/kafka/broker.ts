/**
 * A simulated Kafka: the topic that orders, whose offsets have gaps and whose end can be lost, the
 * topic of requests with its group, and the answers. It may be made again under the same name.
 */
import type { TopicAt } from '../../../protocols/log/kafka/place.ts'
import type { KafkaRecord } from '../../../protocols/log/kafka/record.ts'
import type { Response } from '../../../protocols/log/kafka/events.ts'
import type { Chance } from '../chance.ts'

/** Records of one fetch. */
const FETCHED_MAX = 8

export interface Fetched {
  readonly records: readonly KafkaRecord[]
  readonly nextOffset: number
  readonly startOffset: number
  readonly endOffset: number
}

export interface Member {
  readonly name: string
  assigned(generation: number, partitions: readonly number[]): void
}

export interface Answered extends Response {
  readonly by: string
}

export class SimulatedBroker {
  topicId: string
  leaderEpoch = 0
  startOffset = 0
  endOffset = 0
  records: KafkaRecord[] = []
  readonly requests: KafkaRecord[][]
  readonly committed: number[]
  readonly answers: Answered[] = []
  generation = 0
  /** Where the topic stood for the leader before. */
  private deposed: TopicAt | undefined
  private members: Member[] = []
  private owners = new Map<number, string>()
  private readonly chance: Chance
  private readonly gaps: number

  /** @param gaps the chance of a marker before a record */
  constructor(chance: Chance, partitions: number, gaps: number) {
    this.chance = chance
    this.gaps = gaps
    this.topicId = chance.hex(32)
    this.requests = Array.from({ length: partitions }, () => [])
    this.committed = Array.from({ length: partitions }, () => 0)
  }

  get at(): TopicAt {
    const { topicId, leaderEpoch, startOffset, endOffset } = this
    return { topicId, leaderEpoch, startOffset, endOffset }
  }

  /** @returns its offset */
  append(key: Uint8Array, value: Uint8Array, atMs: number): number {
    if (this.chance.happens(this.gaps)) this.endOffset += this.chance.between(1, 3)
    const offset = this.endOffset
    this.records.push({ offset, leaderEpoch: this.leaderEpoch, atMs: Math.floor(atMs), key, value })
    this.endOffset += 1
    if (this.chance.happens(this.gaps)) this.endOffset += 1
    return offset
  }

  recordAt(offset: number): KafkaRecord | undefined {
    return this.records.find((record) => record.offset === offset)
  }

  /** @returns undefined from anybody but the leader of that epoch, and outside of what is there */
  fetch(topicId: string, leaderEpoch: number, offset: number): Fetched | undefined {
    const { startOffset, endOffset } = this
    if (topicId !== this.topicId || leaderEpoch !== this.leaderEpoch || offset < startOffset || offset > endOffset) return undefined
    const records = this.records.filter((record) => record.offset >= offset).slice(0, FETCHED_MAX)
    const last = records.at(-1)
    const isAll = records.length < FETCHED_MAX
    return { records, nextOffset: isAll || last === undefined ? endOffset : last.offset + 1, startOffset, endOffset }
  }

  newLeader(): void {
    this.deposed = this.at
    this.leaderEpoch += 1
  }

  /** Of a broker that may not know yet that it leads no more. */
  look(): TopicAt {
    const { deposed } = this
    return deposed !== undefined && deposed.topicId === this.topicId && this.chance.happens(0.3) ? deposed : this.at
  }

  /** All brokers lost their power, and their newest records with it. */
  loseTail(count: number): void {
    this.records = this.records.slice(0, Math.max(0, this.records.length - count))
    this.endOffset = (this.records.at(-1)?.offset ?? this.startOffset - 1) + 1
    this.newLeader()
    // Nobody is left who knows more, or less.
    this.deposed = undefined
  }

  /** Deleted, and made again under the same name. */
  recreate(): void {
    this.topicId = this.chance.hex(32)
    this.records = []
    this.startOffset = 0
    this.endOffset = 0
    this.leaderEpoch = 0
  }

  request(partition: number, key: Uint8Array, value: Uint8Array, atMs: number): void {
    const list = this.requests[partition] as KafkaRecord[]
    list.push({ offset: list.length, leaderEpoch: 0, atMs, key, value })
  }

  join(member: Member): void {
    this.members = [...this.members.filter(({ name }) => name !== member.name), member]
    this.rebalance()
  }

  leave(name: string): void {
    this.members = this.members.filter((member) => member.name !== name)
    this.rebalance()
  }

  /** Everybody's partitions are dealt anew. */
  rebalance(): void {
    this.generation += 1
    this.owners = new Map()
    const { members } = this
    if (members.length === 0) return
    const shift = this.chance.below(members.length)
    for (const partition of this.requests.keys()) this.owners.set(partition, (members[(partition + shift) % members.length] as Member).name)
    for (const member of members)
      member.assigned(
        this.generation,
        [...this.owners].filter(([, name]) => name === member.name).map(([partition]) => partition),
      )
  }

  /** A commit of an earlier generation is refused. */
  commit(generation: number, partition: number, offset: number): void {
    if (generation !== this.generation) return
    this.committed[partition] = Math.max(this.committed[partition] ?? 0, offset)
  }
}
