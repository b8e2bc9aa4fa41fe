/**
 * The rules of a write-once history, checked in one pass over each key (design of the protocol: a
 * write-once history is checked in O(n) a key). Says what is wrong in words; finds nothing that is
 * not plain from single answers and the times they came at.
 */
import { shownBy } from './history.ts'
import type { Operation, PutCall } from './history.ts'

type Put = Operation & { readonly call: PutCall }

interface Facts {
  readonly puts: readonly Put[]
  /** Every etag that an answer showed. */
  readonly etags: ReadonlySet<string>
  /** When the key was first known to be stored, by the end of an answer. */
  readonly shownMs: number
  /** The writeIds of puts that sent what was shown. */
  readonly writers: ReadonlySet<string>
}

/**
 * @param operations all of one key, in any order
 * @returns what is wrong, a sentence each
 */
export function checkWriteOnce(operations: readonly Operation[]): string[] {
  const facts = gather(operations)
  const wrong: string[] = []
  if (facts.etags.size > 1) wrong.push(`two values: ${[...facts.etags].join(' and ')}`)
  checkSource(facts, wrong)
  checkCreated(operations, facts, wrong)
  for (const put of facts.puts) checkPut(put, facts, wrong)
  for (const { call, answer, beganMs } of operations) {
    if (answer.kind !== 'absent' || call.kind !== 'get' || call.consistency === 'local') continue
    if (beganMs > facts.shownMs) wrong.push(`stale absent: a get begun at ${ms(beganMs)} missed what was shown by ${ms(facts.shownMs)}`)
  }
  return wrong
}

function gather(operations: readonly Operation[]): Facts {
  const puts = operations.filter((operation): operation is Put => operation.call.kind === 'put')
  const etags = new Set<string>()
  let shownMs = Number.POSITIVE_INFINITY
  for (const operation of operations) {
    const etag = shownBy(operation)
    if (etag !== undefined) etags.add(etag)
    if (etag !== undefined || operation.answer.kind === 'reused') shownMs = Math.min(shownMs, operation.endedMs)
  }
  const writers = new Set(puts.filter(({ call }) => etags.has(call.etag)).map(({ call }) => call.writeId))
  return { puts, etags, shownMs, writers }
}

/** What was shown was sent by somebody, before it was shown, in a put that may have stored it. */
function checkSource({ puts, etags, shownMs }: Facts, wrong: string[]): void {
  for (const etag of etags) {
    const isSource = ({ call, answer }: Put): boolean => call.etag === etag && (answer.kind === 'created' || answer.kind === 'in-doubt')
    const sources = puts.filter((put) => isSource(put))
    if (sources.length === 0) wrong.push(`nobody can have stored ${etag}, which was shown`)
    else if (sources.every(({ beganMs }) => beganMs > shownMs)) wrong.push(`${etag} was shown before anybody put it`)
  }
}

function checkCreated(operations: readonly Operation[], { puts, shownMs }: Facts, wrong: string[]): void {
  const created = puts.filter(({ answer }) => answer.kind === 'created')
  // Two tries of one put at the same time may both be told that they stored it.
  const creators = new Set(created.map(({ call }) => call.writeId))
  if (creators.size > 1) wrong.push(`created twice: by ${[...creators].join(' and ')}`)
  for (const put of created) {
    if (put.beganMs <= shownMs) continue
    const first = operations.find(({ endedMs }) => endedMs === shownMs)
    wrong.push(`${put.call.writeId} created it from ${ms(put.beganMs)}, after it was shown (${first?.answer.kind} by ${ms(shownMs)})`)
  }
}

function checkPut({ call, answer, endedMs }: Put, { puts, etags, writers }: Facts, wrong: string[]): void {
  const { writeId, etag } = call
  if ((answer.kind === 'created' || answer.kind === 'stored-before') && answer.etag !== etag)
    wrong.push(`${writeId} put ${etag} and was told that it stored ${answer.etag}`)
  if (answer.kind === 'stored-before') {
    const isEarlier = (other: Put): boolean =>
      other.call.writeId === writeId && other.beganMs <= endedMs && (other.answer.kind === 'created' || other.answer.kind === 'in-doubt')
    if (!puts.some((other) => isEarlier(other))) wrong.push(`${writeId} was stored before, by nobody`)
  }
  if (answer.kind === 'conflict' && writers.has(writeId)) wrong.push(`${writeId} was refused for what it stored itself`)
  if (answer.kind === 'reused' && (etags.has(etag) || (etags.size > 0 && !writers.has(writeId))))
    wrong.push(`${writeId} is said to have stored another value, and did not`)
  if (answer.kind !== 'not-stored') return
  if (call.isGiven) wrong.push(`a given Idempotency-Key was called not stored: ${writeId}`)
  if (etags.has(etag)) wrong.push(`${etag} was called not stored, and it shows`)
}

function ms(time: number): string {
  return `${time.toFixed(1)} ms`
}
