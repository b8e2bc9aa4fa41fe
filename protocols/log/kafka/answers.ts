/** What clients are answered: JSON of ours, and the seed's texts to messages that are none. */
import { utf8Length } from '../../base/bytes.ts'
import type { Utf8 } from '../../base/bytes.ts'
import type { Applied } from '../events.ts'
import type { StoreOutcome } from '../outcome.ts'
import type { Response, StoreSaid } from './events.ts'
import { ANSWER_BYTES_MAX, MESSAGE_VERSION } from './limits.ts'
import { offsetOf } from './record.ts'
import type { Asker } from './record.ts'

/** Why a request has no outcome. */
export type NoOutcome = 'not-ordered' | 'in-doubt' | 'unavailable'

/** Of a command, from what the store made of it. */
export function outcomeResponse({ key, partition, text }: Asker, { position, outcome }: Applied, utf8: Utf8): Response {
  const value =
    text === undefined
      ? json({ position: { offset: offsetOf(position.index) }, ...outcomeFields(outcome, utf8) })
      : textOfOutcome(text, outcome, utf8)
  return { key, partition, value }
}

export function queryResponse({ key, partition, text }: Asker, said: StoreSaid): Response {
  if (text !== undefined) return { key, partition, value: textOfQuery(text, said) }
  switch (said.kind) {
    case 'answered': {
      const { result, isCut } = cut(said.result)
      const position = { offset: offsetOf(said.index) }
      return { key, partition, value: json({ position, outcome: 'answered', result, ...(isCut && { more: true }) }) }
    }
    case 'not-a-query':
      return { key, partition, value: json({ outcome: 'not-a-query', detail: said.detail }) }
    case 'unavailable':
      return noOutcome({ key, partition, text }, 'unavailable')
  }
}

export function noOutcome({ key, partition, text }: Asker, outcome: NoOutcome): Response {
  return { key, partition, value: text === undefined ? json({ outcome }) : errorText(text, outcome) }
}

function outcomeFields(outcome: StoreOutcome, utf8: Utf8): object {
  switch (outcome.kind) {
    case 'done':
      return { outcome: 'done', result: resultOf(outcome.result, utf8) }
    case 'rejected':
      return { outcome: 'rejected', class: outcome.class, code: outcome.code, ...(outcome.isPartial && { partial: true }) }
    case 'reused':
      return { outcome: 'idempotency-key-reused' }
    case 'forgotten':
      return { outcome: 'outcome-forgotten' }
  }
}

function json(fields: object): string {
  return JSON.stringify({ replicator: MESSAGE_VERSION, ...fields })
}

function resultOf(result: Uint8Array, utf8: Utf8): unknown {
  return result.length === 0 ? null : (JSON.parse(utf8.decode(result)) as unknown)
}

/** To the letter what the seed's adapters answer, its space at the end included. */
function textOfOutcome(sql: string, outcome: StoreOutcome, utf8: Utf8): string {
  switch (outcome.kind) {
    case 'done':
      return `Successfully executed query, rowsAffected=${rowsOf(resultOf(outcome.result, utf8))} `
    case 'rejected':
      return errorText(sql, `${outcome.class}, ${outcome.code}`)
    case 'reused':
      return errorText(sql, 'its key named another query')
    case 'forgotten':
      return errorText(sql, 'what became of its key is not remembered')
  }
}

function textOfQuery(sql: string, said: StoreSaid): string {
  if (said.kind !== 'answered') return errorText(sql, said.kind === 'not-a-query' ? said.detail : said.kind)
  return `Successfully executed query, rowsAffected=${rowsOf(JSON.parse(said.result) as unknown)} `
}

function errorText(sql: string, error: string): string {
  return `Error while executing query ${sql}, error: ${error}`
}

/** Rows changed, and of a query its rows: the seed's driver counts so. */
function rowsOf(result: unknown): number {
  if (typeof result !== 'object' || result === null) return 0
  const { rowsAffected, rows } = result as { readonly rowsAffected?: number; readonly rows?: readonly unknown[] }
  return rowsAffected === undefined || rowsAffected === 0 ? (rows?.length ?? 0) : rowsAffected
}

/** Rows at the end are left out of an answer that is too long for a message. */
function cut(text: string): { readonly result: unknown; readonly isCut: boolean } {
  const result = JSON.parse(text) as unknown
  if (utf8Length(text) <= ANSWER_BYTES_MAX || typeof result !== 'object' || result === null || !('rows' in result))
    return { result, isCut: false }
  const rows = result.rows as readonly unknown[]
  let bytes = utf8Length(JSON.stringify({ ...result, rows: [] }))
  const kept = rows.findIndex((row) => (bytes += utf8Length(JSON.stringify(row)) + 1) > ANSWER_BYTES_MAX)
  return { result: { ...result, rows: rows.slice(0, kept) }, isCut: true }
}
