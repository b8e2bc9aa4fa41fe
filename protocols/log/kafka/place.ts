/**
 * Whether a store's place in a topic is still what it was. A topic may be deleted and made again,
 * and brokers that lost their power may have lost an end that they acknowledged: whoever went on
 * from its offset alone would pass over what others applied.
 */

/** How the topic stands at the leader that was asked. */
export interface TopicAt {
  /** 32 hexadecimal digits: of its UUID. */
  readonly topicId: string
  /** Of the leader that said the rest. */
  readonly leaderEpoch: number
  /** The first offset that is there, and the one after the last. */
  readonly startOffset: number
  readonly endOffset: number
}

/** Why a replica does not go on, ever, by itself. */
export type HaltReason =
  /** The topic has another UUID than the one that the store was filled from. */
  | 'topic-recreated'
  /** What the store needs next, or last had, was deleted: a newer backup is to be restored. */
  | 'below-start'
  /** The topic ends before the store's position: Kafka lost what it had acknowledged. */
  | 'tail-lost'
  /** Another record is where the last one applied was. */
  | 'record-replaced'
  /** An operator had an entry count as rejected that this store has applied. */
  | 'applied-before-verdict'
  /** As above, and what the store made of the entry is not known any more. */
  | 'verdict-unknown'
  /** Other replicas took commands that this one rejected, or the other way round, and are more. */
  | 'outcomes-differ'
  /** More verdicts on entries that are not applied than are kept. */
  | 'too-many-verdicts'

export interface StoreInTopic {
  readonly topicId: string
  /** 0 for nothing, else the offset of the last record applied and one. */
  readonly index: number
}

/** @returns undefined while nothing speaks against it */
export function faultOfPlace({ topicId, index }: StoreInTopic, topic: TopicAt): HaltReason | undefined {
  if (topic.topicId !== topicId) return 'topic-recreated'
  // The last record has to be there: it is compared.
  if (topic.startOffset > Math.max(0, index - 1)) return 'below-start'
  if (topic.endOffset < index) return 'tail-lost'
  return undefined
}
