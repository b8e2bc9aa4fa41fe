/**
 * What clients asked of the lists of logs, when, and what they were told. A command is asked under
 * one name as often as it takes: its tries are operations of their own here.
 */
import { Operations } from '../operations.ts'
import type { Asked } from '../operations.ts'

export interface AppendCall {
  readonly kind: 'append'
  /** The Idempotency-Key; where none was sent, a name that nobody else has. */
  readonly submitId: string
  /** No two appends have the same. */
  readonly item: string
}

export interface ReadCall {
  readonly kind: 'read'
  /** An index: what is found is at it or behind. */
  readonly consistency: 'linearizable' | 'local' | number
}

export type LogAnswer =
  | { readonly kind: 'done'; readonly index: number }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'reused' }
  /** It has no effect now; an earlier try may have had one. */
  | { readonly kind: 'forgotten' }
  | { readonly kind: 'not-ordered' }
  | { readonly kind: 'in-doubt' }
  /** Nothing was begun. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'found'; readonly index: number; readonly items: readonly string[] }
  /** A read that was not answered. */
  | { readonly kind: 'unknown' }

export type ListOperation = Asked<AppendCall | ReadCall, LogAnswer>
export type Append = Asked<AppendCall, LogAnswer>
export type Read = Asked<ReadCall, LogAnswer>

export class LogHistory extends Operations<ListOperation> {
  constructor() {
    super('log')
  }
}

export function isAppend(operation: ListOperation): operation is Append {
  return operation.call.kind === 'append'
}

export function isRead(operation: ListOperation): operation is Read {
  return operation.call.kind === 'read'
}

/** The appends to a list, each with its tries in the order in which they began. */
export function appendsOf(operations: readonly ListOperation[]): Append[][] {
  const sorted = operations.filter(isAppend).toSorted((a, b) => a.beganMs - b.beganMs)
  return [...Map.groupBy(sorted, ({ call }) => call.submitId).values()]
}

/** Whether a try may have had an effect, as far as its answer tells. */
export function mayTakeEffect({ answer }: Append): boolean {
  return answer.kind === 'done' || answer.kind === 'in-doubt'
}

/** One line an operation, in the order they began. */
export function describeList(operations: readonly ListOperation[]): string[] {
  return operations
    .toSorted((a, b) => a.beganMs - b.beganMs)
    .map(({ peer, call, beganMs, endedMs, told, answer: { kind, ...facts } }) => {
      const asked = call.kind === 'read' ? `${call.consistency} read` : `append ${call.item} as ${call.submitId}`
      return `${beganMs.toFixed(1)} to ${endedMs.toFixed(1)} ms  ${peer}  ${asked}: ${kind} ${JSON.stringify(facts)} (${told})`
    })
}
