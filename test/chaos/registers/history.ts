/**
 * What clients asked of registers, when, and what they were told. A write is asked under one name
 * as often as it takes: its tries are operations of their own here.
 */
import { Operations } from '../operations.ts'
import type { Asked } from '../operations.ts'

/** What must be there for a write to be made: a version, anything live, nothing live. */
export type When = number | 'live' | 'absent' | undefined

export interface WriteCall {
  readonly kind: 'put' | 'delete'
  /** The Idempotency-Key; where none was sent, a name that nobody else has. */
  readonly writeId: string
  readonly isNamed: boolean
  /** No two writes have the same; empty for a delete. */
  readonly value: string
  readonly when: When
}

export interface ReadCall {
  readonly kind: 'get'
  readonly consistency: 'linearizable' | 'local'
}

export type RegisterAnswer =
  | { readonly kind: 'applied'; readonly version: number; readonly isRepeated: boolean }
  /** What is live is not what was asked for; 0 for nothing live. */
  | { readonly kind: 'mismatch'; readonly current: number }
  /** There was nothing to delete. */
  | { readonly kind: 'nothing' }
  /** It may have been applied once, long ago. */
  | { readonly kind: 'forgotten' }
  | { readonly kind: 'not-applied' }
  | { readonly kind: 'in-doubt' }
  /** Nothing was begun. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'found'; readonly version: number; readonly value: string }
  | { readonly kind: 'absent'; readonly number: number }
  /** A get that was not answered. */
  | { readonly kind: 'unknown' }

export type RegisterOperation = Asked<WriteCall | ReadCall, RegisterAnswer>
export type Write = Asked<WriteCall, RegisterAnswer>
export type Read = Asked<ReadCall, RegisterAnswer>

export class RegisterHistory extends Operations<RegisterOperation> {
  constructor() {
    super('register')
  }
}

export function isWrite(operation: RegisterOperation): operation is Write {
  return operation.call.kind !== 'get'
}

/** Each was asked before the other had ended: which of them was judged first nobody knows. */
export function areAtOnce(a: Write, b: Write): boolean {
  return a.beganMs <= b.endedMs && b.beganMs <= a.endedMs
}

/** The writes of a register, each with its tries in the order in which they began. */
export function writesOf(operations: readonly RegisterOperation[]): Map<string, Write[]> {
  const writes = new Map<string, Write[]>()
  for (const write of operations.filter(isWrite).toSorted((a, b) => a.beganMs - b.beganMs)) {
    const tries = writes.get(write.call.writeId)
    if (tries === undefined) writes.set(write.call.writeId, [write])
    else tries.push(write)
  }
  return writes
}

/** One line an operation, in the order they began. */
export function describeRegister(operations: readonly RegisterOperation[]): string[] {
  return operations
    .toSorted((a, b) => a.beganMs - b.beganMs)
    .map(({ peer, call, beganMs, endedMs, told, answer: { kind, ...facts } }) => {
      const asked = call.kind === 'get' ? `${call.consistency} get` : `${call.kind} ${call.writeId} when ${call.when ?? 'anything'}`
      return `${beganMs.toFixed(1)} to ${endedMs.toFixed(1)} ms  ${peer}  ${asked}: ${kind} ${JSON.stringify(facts)} (${told})`
    })
}
