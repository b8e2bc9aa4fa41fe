/** All that is checked of the lists of a run. */
import { describeList } from './history.ts'
import type { LogHistory } from './history.ts'
import { checkLinearList } from './linear.ts'
import { checkList } from './rules.ts'

/** The search takes the shortest lists first, for so long; what is left is told. */
const SEARCH_MS = 30_000

export interface LogVerdict {
  readonly violations: readonly string[]
  readonly lists: number
  readonly searched: number
  readonly undecided: number
}

export function judgeLogs(history: LogHistory): LogVerdict {
  const violations = history.oddities.map((oddity) => `an answer that cannot be: ${oddity}`)
  const deadlineMs = performance.now() + SEARCH_MS
  let [searched, undecided] = [0, 0]
  for (const [key, operations] of [...history.byKey].toSorted(([, a], [, b]) => a.length - b.length)) {
    const wrong = checkList(operations)
    const verdict = performance.now() < deadlineMs ? checkLinearList(operations) : undefined
    if (verdict !== undefined) searched += 1
    if (verdict === 'undecided') undecided += 1
    if (verdict === 'not linearizable') wrong.push('there is no linear order of what was answered')
    if (wrong.length > 0) violations.push(describe(key, wrong, describeList(operations)))
  }
  return { violations, lists: history.byKey.size, searched, undecided }
}

function describe(key: string, wrong: readonly string[], lines: readonly string[]): string {
  return `list ${key}: ${wrong.join('; ')}\n${lines.map((line) => `    ${line}`).join('\n')}`
}
