/**
 * Whether the history of a list is linearizable: whether there is an order of its operations that
 * one list could have gone through. All tries of one append are one operation, because they carry
 * one name. It shares nothing with the rules of `rules.ts` but the history.
 */
import { searchOrder, STEPS_MAX } from '../linear-order.ts'
import type { Call, Verdict } from '../linear-order.ts'
import { appendsOf, isRead, mayTakeEffect } from './history.ts'
import type { Append, ListOperation, Read } from './history.ts'
import { longestRead } from './rules.ts'

const SEPARATOR = ';'

/** @param operations all of one list, in any order */
export function checkLinearList(operations: readonly ListOperation[], stepsMax: number = STEPS_MAX): Verdict {
  const longest = longestRead(operations)
  // A list grows only, and was once what that read showed: on the way there is no other.
  const path = joined(longest)
  const shown = new Set(longest)
  const appends = appendsOf(operations).flatMap((tries) => appendCall(tries, shown, path))
  return searchOrder<string>([...appends, ...operations.filter(isRead).flatMap(readCall)], '', (state) => state, stepsMax)
}

/** None for one that cannot have had an effect, or need not have had one. */
function appendCall(tries: readonly Append[], shown: ReadonlySet<string>, path: string): Call<string>[] {
  const telling = tries.filter(mayTakeEffect)
  const [first] = telling
  if (first === undefined) return []
  const ends = telling.flatMap(({ answer, endedMs }) => (answer.kind === 'done' ? [endedMs] : []))
  const { item } = first.call
  if (ends.length === 0 && !shown.has(item)) return []
  const step = (state: string): { readonly state: string } | undefined => {
    const next = `${state}${item}${SEPARATOR}`
    return next.length > path.length || path.startsWith(next) ? { state: next } : undefined
  }
  return [{ beganMs: first.beganMs, endedMs: ends.length === 0 ? undefined : Math.min(...ends), step }]
}

/** A read of one store, or behind a position, may be old: it has no place in the order. */
function readCall({ call, answer, beganMs, endedMs }: Read): Call<string>[] {
  if (call.consistency !== 'linearizable' || answer.kind !== 'found') return []
  const items = joined(answer.items)
  return [{ beganMs, endedMs, step: (state) => (state === items ? { state } : undefined) }]
}

function joined(items: readonly string[]): string {
  return items.map((item) => item + SEPARATOR).join('')
}
