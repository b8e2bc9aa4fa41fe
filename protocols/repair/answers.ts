/**
 * Answers what pulls ask of one collection: from memory, in any epoch not below the one asked for.
 */
import { KEYS_PER_MESSAGE_MAX, RECORDS_BYTES_MAX } from '../base/limits.ts'
import type { PeerId } from '../base/identity.ts'
import type { InForce } from '../base/installed.ts'
import type { LeafEntry } from '../base/register.ts'
import type { PullAnswer, PullQuestion } from '../wire/pull-messages.ts'
import type { Collection } from './collection.ts'
import type { Speech } from './speech.ts'

type Wanted<Key extends string, Kind extends PullQuestion<Key>['kind']> = Extract<PullQuestion<Key>, { readonly kind: Kind }>

/** How much an answer holds at most, so that one fits a frame. */
export interface PageLimits {
  /** Of a page of keys or of a leaf's entries. */
  readonly keys: number
  /** Of the values in an answer with records; the first may be larger. */
  readonly recordsBytes: number
}

const PAGE_LIMITS: PageLimits = { keys: KEYS_PER_MESSAGE_MAX, recordsBytes: RECORDS_BYTES_MAX }

export class PullAnswers<Key extends string, Row> {
  private readonly chain: InForce
  private readonly collection: Collection<Key, Row>
  private readonly speech: Speech<Key, Row>
  private readonly limits: PageLimits

  constructor(chain: InForce, collection: Collection<Key, Row>, speech: Speech<Key, Row>, limits: PageLimits = PAGE_LIMITS) {
    this.chain = chain
    this.collection = collection
    this.speech = speech
    this.limits = limits
  }

  answer(from: PeerId, question: PullQuestion<Key>): void {
    if (question.kind !== 'records-wanted' && question.minEpoch > this.chain.epoch) return
    this.speech.answer(from, this.reply(question))
  }

  private reply(question: PullQuestion<Key>): PullAnswer<Key, Row> {
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

  private leaves({ id, leaves, after }: Wanted<Key, 'leaves-wanted'>): PullAnswer<Key, Row> {
    const entries: LeafEntry<Key>[] = []
    let leavesDone = 0
    let cut = after
    for (const leaf of leaves) {
      const room = this.limits.keys - entries.length
      const found = this.collection.leaf(leaf, cut, room)
      // A record that is not served is not listed either: whoever asked for it would wait for it in
      // vain.
      entries.push(...found.filter(({ key }) => !this.collection.isWithheld(key)))
      if (found.length === room) return { kind: 'leaves', id, entries, leavesDone, after: found.at(-1)?.key ?? cut }
      leavesDone += 1
      cut = undefined
    }
    return { kind: 'leaves', id, entries, leavesDone, after: undefined }
  }

  private records({ id, keys }: Wanted<Key, 'records-wanted'>): PullAnswer<Key, Row> {
    const records: { key: Key; record: Row }[] = []
    let bytes = 0
    let keysDone = 0
    for (const key of keys) {
      const record = this.collection.held(key)
      const recordBytes = record === undefined ? 0 : this.speech.bytesOf(record)
      if (record !== undefined && records.length > 0 && bytes + recordBytes > this.limits.recordsBytes) break
      if (record !== undefined) records.push({ key, record })
      bytes += recordBytes
      keysDone += 1
    }
    return { kind: 'records', id, records, keysDone }
  }
}
