/** Answers what pulls ask: from memory, in any epoch not below the one asked for. */
import type { PeerId } from '../base/identity.ts'
import type { Outbox } from '../outbox.ts'
import type { ValueRecord } from '../base/record.ts'
import type { LeafEntry, RegisterKey } from '../base/register.ts'
import type { InForce } from '../base/installed.ts'
import { KEYS_PER_MESSAGE_MAX, RECORDS_BYTES_MAX } from '../base/limits.ts'
import type { Message } from '../wire/messages.ts'
import type { Collection } from './collection.ts'

type Wanted<K extends Message['kind']> = Extract<Message, { kind: K }>
export type PullQuestion = Wanted<'doubts-wanted' | 'hashes-wanted' | 'leaves-wanted' | 'records-wanted'>

/** How much an answer holds at most, so that one fits a frame. */
export interface PageLimits {
  /** Of a page of keys or of a leaf's entries. */
  readonly keys: number
  /** Of the values in an answer with records; the first may be larger. */
  readonly recordsBytes: number
}

const PAGE_LIMITS: PageLimits = { keys: KEYS_PER_MESSAGE_MAX, recordsBytes: RECORDS_BYTES_MAX }

export class PullAnswers {
  private readonly chain: InForce
  private readonly collection: Collection
  private readonly outbox: Outbox
  private readonly limits: PageLimits

  constructor(chain: InForce, collection: Collection, outbox: Outbox, limits: PageLimits = PAGE_LIMITS) {
    this.chain = chain
    this.collection = collection
    this.outbox = outbox
    this.limits = limits
  }

  answer(from: PeerId, question: PullQuestion): void {
    if (question.kind !== 'records-wanted' && question.minEpoch > this.chain.epoch) return
    this.outbox.send(from, this.reply(question), 'nothing')
  }

  private reply(question: PullQuestion): Message {
    const { id } = question
    switch (question.kind) {
      case 'doubts-wanted': {
        const { keys, more } = this.collection.page(question.after, this.limits.keys)
        return { kind: 'doubts', id, keys, more }
      }
      case 'hashes-wanted': {
        const { group } = question
        const { tree } = this.collection
        return { kind: 'hashes', id, group, hashes: group === undefined ? tree.groupHashes() : tree.leafHashes(group) }
      }
      case 'leaves-wanted':
        return this.leaves(question)
      case 'records-wanted':
        return this.records(question)
    }
  }

  private leaves({ id, leaves, after }: Wanted<'leaves-wanted'>): Message {
    const entries: LeafEntry[] = []
    let leavesDone = 0
    let cut = after
    for (const leaf of leaves) {
      const room = this.limits.keys - entries.length
      const found = this.collection.leaf(leaf, cut, room)
      // A record that is not served is not listed either: whoever asked for it would wait for it in vain.
      entries.push(...found.filter(({ key }) => !this.collection.isWithheld(key)))
      if (found.length === room) return { kind: 'leaves', id, entries, leavesDone, after: found.at(-1)?.key ?? cut }
      leavesDone += 1
      cut = undefined
    }
    return { kind: 'leaves', id, entries, leavesDone, after: undefined }
  }

  private records({ id, keys }: Wanted<'records-wanted'>): Message {
    const records: { key: RegisterKey; record: ValueRecord }[] = []
    let bytes = 0
    let keysDone = 0
    for (const key of keys) {
      const record = this.collection.held(key)
      if (record !== undefined && records.length > 0 && bytes + record.value.length > this.limits.recordsBytes) break
      if (record !== undefined) records.push({ key, record })
      bytes += record?.value.length ?? 0
      keysDone += 1
    }
    return { kind: 'records', id, records, keysDone }
  }
}
