/** What a replica of a log that Kafka orders is told, and what it has done: plain data, both. */
import type { Entry } from '../entry.ts'
import type { Applied } from '../events.ts'
import type { HaltReason, TopicAt } from './place.ts'
import type { KafkaRecord } from './record.ts'

/** Where the store stands. */
export interface KafkaStoreAt {
  /** 0 for a store that holds nothing. */
  readonly index: number
  /** Of the leader that appended the last record applied; 0 where there is none. */
  readonly leaderEpoch: number
  readonly atMs: number
  /** Of the last record applied; empty where there is none. */
  readonly recordHash: Uint8Array
}

/** What the store says to a query. */
export type StoreSaid =
  | { readonly kind: 'answered'; readonly index: number; readonly result: string }
  | { readonly kind: 'not-a-query'; readonly detail: string }
  | { readonly kind: 'unavailable' }

/**
 * Questions to brokers and to the store have numbers, each used once. What comes for a question that
 * is not asked any more is passed over.
 */
export type KafkaEvent =
  | { readonly kind: 'tick' }
  /** The store was opened, or is another from now on: nothing that was handed to it is under way. */
  | { readonly kind: 'store-opened'; readonly at: KafkaStoreAt }
  | { readonly kind: 'looked'; readonly number: number; readonly topic: TopicAt }
  /** The record at the offset, or undefined where there is none. */
  | { readonly kind: 'read-again'; readonly number: number; readonly record: KafkaRecord | undefined }
  /** Records in the order of their offsets, and where the next fetch begins: offsets have gaps. */
  | {
      readonly kind: 'fetched'
      readonly number: number
      readonly records: readonly KafkaRecord[]
      readonly nextOffset: number
      readonly startOffset: number
      readonly endOffset: number
    }
  /** There is another leader, another topic, or no such offset: all is looked at again. */
  | { readonly kind: 'moved'; readonly number: number }
  /** Nobody answered. */
  | { readonly kind: 'unreachable'; readonly number: number }
  | { readonly kind: 'applied'; readonly outcomes: readonly Applied[] }
  | { readonly kind: 'stalled'; readonly index: number; readonly code: string }
  /** What the store remembers of the record at the offset; undefined when there is no such record. */
  | { readonly kind: 'recalled'; readonly number: number; readonly recalled: Recalled | undefined }
  /** What the store remembers of a name; undefined where it does not know it. */
  | { readonly kind: 'named'; readonly number: number; readonly applied: Applied | undefined }
  /** The end of the topic, asked for after it was wanted. */
  | { readonly kind: 'ended'; readonly number: number; readonly endOffset: number }
  | { readonly kind: 'queried'; readonly number: number; readonly said: StoreSaid }
  /** The group gave this replica these partitions, and no others, from now on. */
  | { readonly kind: 'assigned'; readonly generation: number }
  /** Of a partition that is this replica's. */
  | { readonly kind: 'requested'; readonly generation: number; readonly partition: number; readonly records: readonly KafkaRecord[] }
  /** An answer is in its topic. */
  | { readonly kind: 'responded'; readonly number: number }

export interface Recalled {
  readonly record: KafkaRecord
  readonly applied: Applied
}

/** An answer to a client. */
export interface Response {
  readonly key: Uint8Array | undefined
  /** Undefined for any. */
  readonly partition: number | undefined
  readonly value: string
}

export type KafkaEffect =
  | { readonly kind: 'look'; readonly number: number }
  | { readonly kind: 'read-again'; readonly number: number; readonly offset: number; readonly leaderEpoch: number }
  /** Answered by the leader of this epoch alone. */
  | { readonly kind: 'fetch'; readonly number: number; readonly offset: number; readonly leaderEpoch: number }
  | { readonly kind: 'apply'; readonly entries: readonly Entry[] }
  | { readonly kind: 'verdict'; readonly index: number; readonly code: string }
  /** What waits for the store is dropped; when the store is done with what it has, it is told as opened. */
  | { readonly kind: 'reopen' }
  | { readonly kind: 'recall'; readonly number: number; readonly offset: number }
  /** An entry of the past by this name is given to the store, which tells what it remembers. */
  | { readonly kind: 'recall-name'; readonly number: number; readonly entry: Entry }
  | { readonly kind: 'ask-end'; readonly number: number }
  | { readonly kind: 'query'; readonly number: number; readonly query: string; readonly indexMin: number }
  | { readonly kind: 'respond'; readonly number: number; readonly response: Response }
  /** The group's offset: all requests of the partition below it are answered. */
  | { readonly kind: 'commit'; readonly generation: number; readonly partition: number; readonly offset: number }
  /** This replica answers clients, or leaves that to others. */
  | { readonly kind: 'join' | 'leave' }
  /** A record for the topic that orders: what this replica says there. It may be lost. */
  | { readonly kind: 'order'; readonly value: string }
  | { readonly kind: 'halt'; readonly reason: HaltReason }
