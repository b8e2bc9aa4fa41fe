/**
 * How questions and answers about one collection travel: keys have messages of their own, further
 * types two for all of them.
 */
import type { PeerId } from '../base/identity.ts'
import type { ValueRecord } from '../base/record.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Outbox } from '../outbox.ts'
import type { PullAnswer, PullQuestion } from '../wire/pull-messages.ts'

export interface Speech<Key extends string, Row> {
  ask(to: PeerId, question: PullQuestion<Key>): void
  answer(to: PeerId, answer: PullAnswer<Key, Row>): void
  /** What a row takes of the bytes that one answer may have. */
  bytesOf(row: Row): number
}

const NO_MARK = new Uint8Array(0)

export function speechOfKeys(outbox: Outbox): Speech<RegisterKey, ValueRecord> {
  return {
    ask: (to, question) => outbox.send(to, question, 'nothing'),
    answer: (to, answer) => outbox.send(to, answer, 'nothing'),
    bytesOf: ({ value }) => value.length,
  }
}

/** @param mark what goes with each answer */
export function speechOfRows(outbox: Outbox, type: number, mark: () => Uint8Array = () => NO_MARK): Speech<string, Uint8Array> {
  return {
    ask: (to, question) => outbox.send(to, { kind: 'rows-wanted', type, question }, 'nothing'),
    answer: (to, answer) => outbox.send(to, { kind: 'rows-told', type, mark: mark(), answer }, 'nothing'),
    bytesOf: (bytes) => bytes.length,
  }
}
