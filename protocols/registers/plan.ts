/**
 * What a coordinator does with the writes that wait, once it knows the state of their register:
 * each is judged on the outcome of the one before, and all that apply are committed as one record.
 * Versions in between exist in its memory of writes alone.
 */
import { judge, live, made, tombstone } from './judge.ts'
import type { State, Verdict, Write } from './judge.ts'
import type { RegisterRecord } from './record.ts'

/** What a write came to, once what it rests on is chosen. */
export type Judged =
  | { readonly kind: 'applied'; readonly version: number; readonly wasAbsent: boolean }
  | { readonly kind: 'refused'; readonly current: RegisterRecord | undefined; readonly number: number }
  | { readonly kind: 'forgotten'; readonly number: number }
  | Extract<Verdict, { readonly kind: 'repeated' | 'reused' }>

export interface Plan {
  /** One for each write, in their order. */
  readonly judged: readonly Judged[]
  /** What all that apply make together; undefined when none does. */
  readonly record: RegisterRecord | undefined
  /**
   * Nothing applies, and a refusal of a write that may have been sent before is among them. An
   * older try of it may be accepted where nobody looked; only a commit at this ballot keeps whoever
   * finishes that try from applying what was refused.
   */
  readonly needsCommit: boolean
}

/** Writes of one register that are committed as one record at most. */
export const BATCH_MAX = 64

export function planOf(writes: readonly Write[], { base, number }: State): Plan {
  let state: State = { base, number }
  let record: RegisterRecord | undefined
  const judged: Judged[] = []
  for (const write of writes) {
    const verdict = judge(write, state)
    judged.push(outcomeOf(write, verdict, state))
    if (verdict.kind !== 'apply') continue
    record = made(write, state)
    state = { base: record, number: record.version }
  }
  const isAnyRetryRefused = writes.some(({ isMaybeRetry }, place) => isMaybeRetry && judged[place]?.kind === 'refused')
  return { judged, record, needsCommit: record === undefined && isAnyRetryRefused }
}

/** What is committed where nothing is to change: what is there, or where nothing is, a deletion. */
export function settling({ base, number }: State, freshWriteId: () => string): RegisterRecord {
  return base ?? tombstone(freshWriteId(), number)
}

function outcomeOf(write: Write, verdict: Verdict, { base, number }: State): Judged {
  switch (verdict.kind) {
    case 'apply':
      return { kind: 'applied', version: Math.max(number, write.after ?? 0) + 1, wasAbsent: live(base) === undefined }
    case 'refused':
      return { kind: 'refused', current: live(base), number }
    case 'forgotten':
      return { kind: 'forgotten', number }
    default:
      return verdict
  }
}
