/**
 * What a message of the topic of requests asks for. It is read by the one replica that has its
 * partition: it answers a command that was ordered by the other topic, or a query.
 */
import { indexOf, fieldsIn, partitionIn, submitIdOf, textOf } from './record.ts'
import type { Asker, Fields, KafkaRecord, Tools } from './record.ts'
import type { SubmitId } from '../entry.ts'
import { MESSAGE_VERSION } from './limits.ts'

export type Asks =
  /** What became of the command at this place, which has this name. */
  | { readonly kind: 'outcome'; readonly index: number; readonly submitId: SubmitId }
  /** As above, of a message that names no place; where nothing was ordered by that name it is a query. */
  | { readonly kind: 'by-name'; readonly submitId: SubmitId; readonly query: string }
  | { readonly kind: 'query'; readonly query: string; readonly isLinearizable: boolean; readonly afterIndex: number }
  /** Of a later version, or nothing at all. */
  | { readonly kind: 'nothing' }

export interface ReadRequest {
  readonly asks: Asks
  readonly asker: Asker
}

export function readRequest({ key, value, offset }: KafkaRecord, tools: Tools): ReadRequest {
  const text = textOf(value, tools.utf8)
  const fields = text === undefined ? undefined : fieldsIn(text)
  const asker = { key, partition: partitionIn(fields), text: fields === undefined ? (text ?? '') : undefined }
  const submitId = submitIdOf(key, offset, tools)
  if (text === undefined || text === '') return { asks: { kind: 'nothing' }, asker }
  return { asks: fields === undefined ? { kind: 'by-name', submitId, query: text } : asksOf(fields, submitId), asker }
}

function asksOf(fields: Fields, submitId: SubmitId): Asks {
  const { replicator: version, ordered, query, params, after, linearizable } = fields
  if (version !== MESSAGE_VERSION) return { kind: 'nothing' }
  if (isOffset(ordered)) return { kind: 'outcome', index: indexOf(ordered), submitId }
  if (typeof query !== 'string') return { kind: 'nothing' }
  const text = params === undefined ? query : JSON.stringify({ command: query, params })
  return { kind: 'query', query: text, isLinearizable: linearizable === true, afterIndex: isOffset(after) ? indexOf(after) : 0 }
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
