/**
 * Whether what clients were told can be true, in O(n) a key: a key is written once, so all records
 * shown must be one; it was put before it was shown (S2); nothing reads absent that was shown
 * before (S5, S6); one put created it, and one did when all are answered (S3); what was called not
 * stored never shows (S4); and each outcome of a put says the truth about its writeId.
 */
import { equalContents, equalRecords } from '../../../../protocols/base/record.ts'
import type { ValueRecord } from '../../../../protocols/base/record.ts'
import { isHiddenKey } from '../../../../protocols/base/register.ts'
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import type { Outcome } from '../../../../protocols/effects.ts'
import { describeOutcome, describeRecord } from '../../describe.ts'
import { shownBy } from './history.ts'
import type { GetOperation, History, PutOperation } from './history.ts'
import type { KeyLedger } from './ledger.ts'
import { check } from '../../checkers/violation.ts'

/** An answer is given. @throws Violation when it shows what is not chosen (S7) */
export function checkAnswer(ledger: KeyLedger, key: RegisterKey, outcome: Outcome): void {
  const shown = shownBy(outcome)
  if (shown === undefined) return
  const chosen = ledger.chosen(key)
  const detail = (): string =>
    `${key}: ${describeOutcome(outcome)}, but ${chosen === undefined ? 'nothing' : describeRecord(chosen.record)} is chosen`
  check(chosen !== undefined && equalRecords(chosen.record, shown), 'S7', detail)
}

/** The whole history, at the end. @throws Violation */
export function checkHistory(history: History, ledger: KeyLedger): void {
  for (const [key, { puts, gets }] of history.byKey) {
    const chosen = ledger.chosen(key)?.record
    checkShown(key, puts, gets)
    checkPuts(key, puts, chosen)
    checkOrder(key, puts, gets)
  }
  for (const [key, { record }] of ledger.keys()) checkSource(key, history.byKey.get(key)?.puts ?? [], record)
}

function checkSource(key: RegisterKey, puts: readonly PutOperation[], record: ValueRecord): void {
  const isPut = puts.some((put) => equalRecords(put.record, record))
  check(isPut || isHiddenKey(key), 'S2', () => `${key} is ${describeRecord(record)}, which nobody put`)
}

function checkShown(key: RegisterKey, puts: readonly PutOperation[], gets: readonly GetOperation[]): void {
  let first: ValueRecord | undefined
  for (const { outcome } of [...puts, ...gets]) {
    const shown = shownBy(outcome)
    if (shown === undefined) continue
    first ??= shown
    const other = first
    check(equalRecords(shown, other), 'S1', () => `${key} was shown as ${describeRecord(other)} and as ${describeRecord(shown)}`)
  }
}

function checkPuts(key: RegisterKey, puts: readonly PutOperation[], chosen: ValueRecord | undefined): void {
  const creators = new Set<string>()
  let areFinal = puts.length > 0
  for (const { record, outcome, isGiven } of puts) {
    if (outcome === undefined || !('record' in outcome)) {
      areFinal = false
      const isNowhere = outcome?.kind !== 'not-stored' || chosen === undefined || !equalRecords(chosen, record)
      check(isNowhere, 'S4', () => `${key}: ${describeRecord(record)} was called not stored, and it is`)
      check(
        outcome?.kind !== 'not-stored' || !isGiven,
        'S4',
        () => `${key}: a retried writeId was called not stored: ${describeRecord(record)}`,
      )
      continue
    }
    const shown = outcome.record
    const said = `${key}: put of ${describeRecord(record)} was answered ${describeOutcome(outcome)}`
    const isMine = shown.writeId === record.writeId
    const isEqual = equalContents(shown, record)
    if (outcome.kind === 'created') {
      creators.add(record.writeId)
      check(isMine && isEqual && equalRecords(shown, record), 'S3', () => said)
    } else if (outcome.kind === 'stored-before') check(isMine && isEqual, 'S3', () => said)
    else if (outcome.kind === 'conflict') check(!isMine, 'S3', () => said)
    else if (outcome.kind === 'reused') check(isMine && !isEqual, 'S3', () => said)
    else check(false, 'S3', () => said)
  }
  check(creators.size <= 1, 'S3', () => `${key} was created by ${[...creators].join(' and ')}`)
  check(!areFinal || creators.size === 1, 'S3', () => `all ${puts.length} rivals of ${key} are answered, and nobody created it`)
}

function checkOrder(key: RegisterKey, puts: readonly PutOperation[], gets: readonly GetOperation[]): void {
  let shownMs = Number.POSITIVE_INFINITY
  for (const { outcome, endedMs } of [...puts, ...gets]) if (shownBy(outcome) !== undefined) shownMs = Math.min(shownMs, endedMs)
  for (const { outcome, beganMs, consistency } of gets) {
    if (outcome?.kind !== 'absent') continue
    check(outcome.consistency === consistency, 'S6', () => `${key}: a ${consistency} get was answered ${outcome.consistency}`)
    const isEarly = consistency === 'local' || beganMs <= shownMs
    check(isEarly, 'S6', () => `${key} was absent in a get begun at ${beganMs.toFixed(1)}, and was shown at ${shownMs.toFixed(1)}`)
  }
  for (const { record, outcome, beganMs } of puts) {
    const isTrue = outcome?.kind !== 'created' || beganMs <= shownMs
    check(isTrue, 'S5', () => `${key}: ${describeRecord(record)} created it after it had been shown`)
  }
}
