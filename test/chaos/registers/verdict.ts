/** All that is checked of the registers of a run. */
import { describeRegister, isWrite } from './history.ts'
import type { RegisterHistory, RegisterOperation } from './history.ts'
import { checkOrder } from './linear.ts'
import { checkVersions } from './versions.ts'

/**
 * The search takes registers in the order of how little was asked of them, for so long; what is left
 * is told.
 */
const SEARCH_MS = 30_000
const SECOND_MS = 1_000

export interface RegisterVerdict {
  readonly violations: readonly string[]
  readonly registers: number
  readonly searched: number
  readonly undecided: number
}

/** @param expiring of the registers that expire, which are looked at by their times alone */
export function judgeRegisters(history: RegisterHistory, expiring: RegisterHistory): RegisterVerdict {
  const violations = [...history.oddities, ...expiring.oddities].map((oddity) => `an answer that cannot be: ${oddity}`)
  const deadlineMs = performance.now() + SEARCH_MS
  let [searched, undecided] = [0, 0]
  for (const [key, operations] of [...history.byKey].toSorted(([, a], [, b]) => a.length - b.length)) {
    const wrong = checkVersions(operations)
    const verdict = performance.now() < deadlineMs ? checkOrder(operations) : undefined
    if (verdict !== undefined) searched += 1
    if (verdict === 'undecided') undecided += 1
    if (verdict === 'not linearizable') wrong.push('there is no linear order of what was answered')
    if (wrong.length > 0) violations.push(describe(key, wrong, operations))
  }
  for (const [key, operations] of expiring.byKey) {
    const wrong = checkExpiry(operations)
    if (wrong.length > 0) violations.push(describe(key, wrong, operations))
  }
  return { violations, registers: history.byKey.size, searched, undecided }
}

/**
 * A register that was written once, for as many seconds as its value says. Nobody deletes it, so it
 * is there until then; when exactly it is gone is the peers' affair.
 */
export function checkExpiry(operations: readonly RegisterOperation[]): string[] {
  const write = operations.find(isWrite)
  if (write === undefined || write.call.kind !== 'put') return []
  const untilMs = write.beganMs + Number(write.call.value) * SECOND_MS
  return operations.flatMap(({ call, answer, beganMs, endedMs }) => {
    if (call.kind !== 'get' || call.consistency === 'local') return []
    const isMissed = answer.kind === 'absent' && write.answer.kind === 'applied' && beganMs > write.endedMs && endedMs < untilMs
    return isMissed ? [`it expired early: absent by ${endedMs.toFixed(1)} ms, and it lives until ${untilMs.toFixed(1)} ms`] : []
  })
}

function describe(key: string, wrong: readonly string[], operations: readonly RegisterOperation[]): string {
  return `register ${key}: ${wrong.join('; ')}\n${describeRegister(operations)
    .map((line) => `    ${line}`)
    .join('\n')}`
}
