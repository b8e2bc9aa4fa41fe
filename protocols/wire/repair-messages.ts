/**
 * Messages of repair and transfer: questions about what another peer holds, and their answers.
 * Those of keys are messages of their own. Further types say the same inside two messages that name
 * the type.
 */
import { MARK_BYTES_MAX, ROW_BYTES_MAX } from '../base/limits.ts'
import type { ValueRecord } from '../base/record.ts'
import type { RegisterKey } from '../base/register.ts'
import { ROW_NAME_BYTES_MAX } from '../base/rows.ts'
import { readKey, readRecord, writeKey, writeRecord } from './fields.ts'
import { refuse } from './malformed.ts'
import { MessageTable } from './message-rows.ts'
import type { MessageRows } from './message-rows.ts'
import { pullRows } from './pull-messages.ts'
import type { PullAnswer, PullQuestion } from './pull-messages.ts'

/** What is asked of the rows of a further type. */
export type RowQuestion = PullQuestion<string>
/** What is told of them: names, and rows as the type writes them. */
export type RowAnswer = PullAnswer<string, Uint8Array>

export type RepairMessage =
  | PullQuestion<RegisterKey>
  | PullAnswer<RegisterKey, ValueRecord>
  | { readonly kind: 'rows-wanted'; readonly type: number; readonly question: RowQuestion }
  /**
   * `mark`: what the sender's rows are known by as a whole, as the type says; no bytes where it
   * says nothing.
   */
  | { readonly kind: 'rows-told'; readonly type: number; readonly mark: Uint8Array; readonly answer: RowAnswer }

const OF_ROWS: MessageRows<RowQuestion | RowAnswer> = pullRows<string, Uint8Array>({
  writeKey: (writer, name) => writer.text(name),
  readKey: (reader) => {
    const name = reader.text(ROW_NAME_BYTES_MAX)
    return name.length > 0 ? name : refuse('a row without a name')
  },
  writeRow: (writer, bytes) => writer.sized(bytes),
  readRow: (reader) => reader.sized(ROW_BYTES_MAX),
  valueOf: (bytes) => bytes,
})
const ROWS = new MessageTable<RowQuestion | RowAnswer>(OF_ROWS)

export const REPAIR: MessageRows<RepairMessage> = {
  ...pullRows<RegisterKey, ValueRecord>({ writeKey, readKey, writeRow: writeRecord, readRow: readRecord, valueOf: ({ value }) => value }),
  'rows-wanted': {
    code: 22,
    way: 'votes',
    write(writer, { type, question }) {
      writer.u8(type)
      ROWS.write(writer, question)
    },
    read(reader) {
      const type = reader.u8()
      const question = ROWS.read(reader)
      return isAnswer(question) ? refuse('an answer where a question is due') : { kind: 'rows-wanted', type, question }
    },
  },
  'rows-told': {
    code: 23,
    way: 'bulk',
    write(writer, { type, mark, answer }) {
      writer.u8(type)
      writer.sized(mark)
      ROWS.write(writer, answer)
    },
    read(reader) {
      const type = reader.u8()
      const mark = reader.sized(MARK_BYTES_MAX)
      const answer = ROWS.read(reader)
      return isAnswer(answer) ? { kind: 'rows-told', type, mark, answer } : refuse('a question where an answer is due')
    },
    bytes: ({ mark, answer }) => mark.length + ROWS.bulkBytes(answer),
    values: ({ answer }) => ROWS.values(answer),
  },
}

function isAnswer(message: RowQuestion | RowAnswer): message is RowAnswer {
  return ROWS.isBulk(message)
}
