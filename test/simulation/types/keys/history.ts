/**
 * What clients asked and what they were told, when. The history is all that the outcome checker
 * knows of a run.
 */
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import type { ValueRecord } from '../../../../protocols/base/record.ts'
import type { Outcome } from '../../../../protocols/effects.ts'
import type { Consistency } from '../../../../protocols/events.ts'

interface Operation {
  readonly key: RegisterKey
  readonly peerIndex: number
  readonly beganMs: number
  endedMs: number
  /** Undefined while it is under way, and for good when the client hung up or the peer died. */
  outcome: Outcome | undefined
}

export interface PutOperation extends Operation {
  readonly kind: 'put'
  readonly record: ValueRecord
  /** The client chose the writeId. */
  readonly isGiven: boolean
}

export interface GetOperation extends Operation {
  readonly kind: 'get'
  readonly consistency: Consistency
}

export class History {
  readonly puts: PutOperation[] = []
  readonly gets: GetOperation[] = []
  readonly byKey: Map<RegisterKey, { puts: PutOperation[]; gets: GetOperation[] }> = new Map()

  get size(): number {
    return this.puts.length + this.gets.length
  }

  addPut(operation: PutOperation): void {
    this.puts.push(operation)
    this.of(operation.key).puts.push(operation)
  }

  addGet(operation: GetOperation): void {
    this.gets.push(operation)
    this.of(operation.key).gets.push(operation)
  }

  /** Keys that more than one writeId was put to. */
  get contendedCount(): number {
    let count = 0
    for (const { puts } of this.byKey.values()) if (new Set(puts.map((put) => put.record.writeId)).size > 1) count += 1
    return count
  }

  private of(key: RegisterKey): { puts: PutOperation[]; gets: GetOperation[] } {
    let operations = this.byKey.get(key)
    if (operations === undefined) this.byKey.set(key, (operations = { puts: [], gets: [] }))
    return operations
  }
}

/** What an outcome shows the client of the key; undefined when it shows nothing. */
export function shownBy(outcome: Outcome | undefined): ValueRecord | undefined {
  return outcome !== undefined && 'record' in outcome ? outcome.record : undefined
}
