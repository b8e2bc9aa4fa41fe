/**
 * What becomes of a write on a given state of its register: pure, so that every coordinator comes
 * to the same.
 */
import type { RecentWrite } from './recent.ts'
import { MARK_NONE, isSameWrite, memoryAfter } from './record.ts'
import type { Mark, RegisterRecord } from './record.ts'
import type { Condition, Contents } from './requests.ts'

export interface Write {
  readonly contents: Contents
  readonly condition: Condition | undefined
  readonly writeId: string
  readonly mark: Mark
  readonly writtenAtMs: number
  /**
   * An earlier try of it may have been committed: the client named its writeId, or a commit with it
   * was sent from here.
   */
  readonly isMaybeRetry: boolean
  /**
   * What was current at its first try: every version that it may have made is above. Undefined when
   * nobody knows.
   */
  readonly after: number | undefined
}

/** A write on its way to the owner of a ballot: it counts as one that may have been tried before. */
export interface ForwardedWrite extends Omit<Write, 'isMaybeRetry'> {
  readonly after: number
}

/** What a write is judged on. */
export interface State {
  readonly base: RegisterRecord | undefined
  /** Not below the version of the base. */
  readonly number: number
}

export type Verdict =
  | { readonly kind: 'apply' }
  /**
   * Applied before, and made this version; `wasAbsent`: of nothing that was live; `writtenAtMs`: as
   * the try of it said that was applied.
   */
  | { readonly kind: 'repeated'; readonly version: number; readonly wasAbsent: boolean; readonly writtenAtMs: number }
  /** The writeId made this version, of other contents or under other conditions. */
  | { readonly kind: 'reused'; readonly version: number }
  /** Whether it was applied before is no longer known. */
  | { readonly kind: 'forgotten' }
  | { readonly kind: 'refused' }

const APPLY: Verdict = { kind: 'apply' }
const FORGOTTEN: Verdict = { kind: 'forgotten' }
const REFUSED: Verdict = { kind: 'refused' }
const NO_VALUE = new Uint8Array()

export function judge(write: Write, { base, number }: State): Verdict {
  const earlier = base === undefined ? undefined : earlierOf(write.mark, base)
  if (earlier !== undefined) return verdictOf(write, earlier)
  if (write.isMaybeRetry && write.after !== undefined && write.after < (base?.since ?? number)) return FORGOTTEN
  return isAllowed(write, base) ? APPLY : REFUSED
}

/**
 * The record that a write makes. Its number is above all that were seen, and above all that its
 * earlier tries may be confused with.
 */
export function made(write: Write, { base, number }: State): RegisterRecord {
  const { contents, writeId, mark, writtenAtMs, after } = write
  const isValue = contents.kind === 'value'
  return {
    version: Math.max(number, after ?? 0) + 1,
    value: isValue ? contents.value : NO_VALUE,
    contentType: isValue ? contents.contentType : '',
    isDeleted: !isValue,
    ttlMs: isValue ? contents.ttlMs : undefined,
    writeId,
    mark,
    writtenAtMs,
    wasAbsent: live(base) === undefined,
    ...memoryAfter(base, number, writtenAtMs),
  }
}

/**
 * A deletion that only settles a register: nobody asked for it, so no retry can be taken for it.
 * @param writeId fresh
 */
export function tombstone(writeId: string, number: number): RegisterRecord {
  const write: Write = {
    contents: { kind: 'deleted' },
    condition: undefined,
    writeId,
    mark: MARK_NONE,
    writtenAtMs: 0,
    isMaybeRetry: false,
    after: undefined,
  }
  return made(write, { base: undefined, number })
}

/** What of a register clients see. */
export function live(record: RegisterRecord | undefined): RegisterRecord | undefined {
  return record?.isDeleted === false ? record : undefined
}

/** What a record or one of the writes before it says of itself. */
type Earlier = Pick<RecentWrite, 'version' | 'mark' | 'wasAbsent' | 'writtenAtMs'>

function verdictOf({ mark }: Write, { version, mark: earlierMark, wasAbsent, writtenAtMs }: Earlier): Verdict {
  return earlierMark === mark ? { kind: 'repeated', version, wasAbsent, writtenAtMs } : { kind: 'reused', version }
}

function earlierOf(mark: Mark, base: RegisterRecord): Earlier | undefined {
  return isSameWrite(base.mark, mark) ? base : base.recent.find(mark)
}

function isAllowed({ contents, condition }: Write, base: RegisterRecord | undefined): boolean {
  const current = live(base)
  if (contents.kind === 'deleted' && current === undefined) return false
  switch (condition?.kind) {
    case 'versions':
      return current !== undefined && condition.versions.includes(current.version)
    case 'live':
      return current !== undefined
    case 'absent':
      return current === undefined
    default:
      return true
  }
}
