/**
 * How questions and answers about one collection travel: keys have messages of their own, further
 * types two for all of them.
 */
import type { PeerId } from '../base/identity.ts'
import type { ValueRecord } from '../base/record.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Outbox } from '../outbox.ts'
import type { PullAnswer, PullQuestion } from '../wire/pull-messages.ts'

/**
 * Questions under way at one time: enough to hide the round trip, few enough to leave the line to
 * others.
 */
const WINDOW_OF_KEYS = 4
/**
 * Rows are small, so that a page of them is taken in a few milliseconds: where both peers are busy,
 * an answer waits for its turn far longer than it takes.
 */
const WINDOW_OF_ROWS = 8

export interface Speech<Key extends string, Row> {
  /** Questions under way at one time. */
  readonly window: number
  ask(to: PeerId, question: PullQuestion<Key>): void
  answer(to: PeerId, answer: PullAnswer<Key, Row>): void
  /** What a row takes of the bytes that one answer may have. */
  bytesOf(row: Row): number
}

const NO_MARK = new Uint8Array(0)

export function speechOfKeys(outbox: Outbox): Speech<RegisterKey, ValueRecord> {
  return {
    window: WINDOW_OF_KEYS,
    ask: (to, question) => outbox.send(to, question, 'nothing'),
    answer: (to, answer) => outbox.send(to, answer, 'nothing'),
    bytesOf: ({ value }) => value.length,
  }
}

/** @param mark what goes with each answer */
export function speechOfRows(outbox: Outbox, type: number, mark: () => Uint8Array = () => NO_MARK): Speech<string, Uint8Array> {
  return {
    window: WINDOW_OF_ROWS,
    ask: (to, question) => outbox.send(to, { kind: 'rows-wanted', type, question }, 'nothing'),
    answer: (to, answer) => outbox.send(to, { kind: 'rows-told', type, mark: mark(), answer }, 'nothing'),
    bytesOf: (bytes) => bytes.length,
  }
}
