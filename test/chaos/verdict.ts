/** Both checkers over a whole history. */
import { describeOperations } from './history.ts'
import type { History, Operation } from './history.ts'
import { checkLinearizable } from './linearizability.ts'
import { checkWriteOnce } from './write-once.ts'

/**
 * The search takes keys in the order of how much was asked of them, the most first, for so long;
 * what is left is told.
 */
const SEARCH_MS = 20_000

export interface Verdict {
  readonly violations: readonly string[]
  readonly keys: number
  /** Keys that the search for a linear order was through with. */
  readonly searched: number
  readonly undecided: number
}

export function judge(history: History): Verdict {
  const violations = history.oddities.map((oddity) => `an answer that cannot be: ${oddity}`)
  const byLength = [...history.byKey].toSorted(([, a], [, b]) => b.length - a.length)
  const deadlineMs = performance.now() + SEARCH_MS
  let searched = 0
  let undecided = 0
  for (const [key, operations] of byLength) {
    const wrong = checkWriteOnce(operations)
    const verdict = performance.now() < deadlineMs ? checkLinearizable(operations) : undefined
    if (verdict !== undefined) searched += 1
    if (verdict === 'undecided') undecided += 1
    if (verdict === 'not linearizable') wrong.push('there is no linear order of what was answered')
    if (wrong.length > 0) violations.push(describe(key, wrong, operations))
  }
  return { violations, keys: byLength.length, searched, undecided }
}

function describe(key: string, wrong: readonly string[], operations: readonly Operation[]): string {
  return `${key}: ${wrong.join('; ')}\n${describeOperations(operations)
    .map((line) => `    ${line}`)
    .join('\n')}`
}
