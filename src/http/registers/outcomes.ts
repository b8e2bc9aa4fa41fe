/**
 * From what became of a request of registers to its answer: total, so that a new outcome without a
 * status does not compile.
 */
import { unreachable } from '../../../protocols/base/assert.ts'
import type { RegisterRecord } from '../../../protocols/registers/record.ts'
import type { ReadAnswer, WriteAnswer, WriteRequest } from '../../../protocols/registers/requests.ts'
import { json } from '../answers.ts'
import type { Answer } from '../answers.ts'
import { listsTag } from '../etags.ts'
import { problem } from '../problems.ts'
import type { ProblemExtensions } from '../problems.ts'
import { versionTag } from './versions.ts'

/**
 * The answer to the end of a write.
 *
 * @param tellsFacts whether a refusal may tell facts of what is there
 */
export function writeAnswerTo(answer: WriteAnswer, request: WriteRequest, tellsFacts: boolean): Answer {
  switch (answer.kind) {
    case 'applied':
      return applied(answer, request)
    case 'refused':
      return refused(answer, request, tellsFacts)
    case 'forgotten':
      return problem(
        'outcome-forgotten',
        answer.commitSent
          ? 'An earlier try of this write may have been applied, once, so many writes ago that nobody remembers. It is not applied again.'
          : 'Whether an earlier try of this write was applied is not remembered. It is not applied now.',
        { number: answer.number, commitSent: answer.commitSent },
      )
    case 'reused':
      return problem(
        'idempotency-key-reused',
        'This Idempotency-Key wrote this register with other contents or conditions.',
        tellsFacts ? { version: answer.version } : undefined,
      )
    case 'not-applied':
      return problem('not-applied', 'No quorum could be reached in time. Nothing is written, and nothing of this request is under way.')
    case 'in-doubt':
      return problem(
        'in-doubt',
        'The time ran out while the write was under way. Send it again, at any peer, with the writeId as Idempotency-Key and after as Replicator-After.',
        { writeId: answer.writeId, after: answer.after },
      )
    case 'overloaded':
      return problem('overloaded', 'Too many writes wait for this register. Nothing of this one has begun.')
    case 'not-ready':
      return problem('not-ready', answer.detail)
    default:
      return unreachable(answer)
  }
}

/** What the answer to a read depends on, beside its outcome. */
export interface Asked {
  /** The request's `If-None-Match`. */
  readonly ifNoneMatch: string | undefined
  /** A version at or below this is none that the client wants. */
  readonly newer: number | undefined
  /** Only who was allowed to read it may keep it. */
  readonly isPrivate: boolean
}

export function readAnswerTo(answer: ReadAnswer, { ifNoneMatch, newer, isPrivate }: Asked): Answer {
  if (answer.kind === 'unavailable') return problem('unavailable', answer.detail)
  const { consistency } = answer
  if (answer.kind === 'absent') {
    const detail =
      consistency === 'local'
        ? 'This peer holds nothing live under this key; another may, for this answer is of the local copy only.'
        : 'Nothing live is stored under this key.'
    const absent = problem('unknown-key', detail, { consistency, number: answer.number })
    absent.headers.push('Replicator-Consistency', consistency)
    return absent
  }
  const { version, value, contentType } = answer.record
  const etag = versionTag(version)
  const headers = ['ETag', etag, 'Replicator-Version', String(version), 'Cache-Control', isPrivate ? 'private, no-cache' : 'no-cache']
  // A stored value comes from anyone and is served from our origin: no browser may run it, or show
  // it in a page.
  headers.push('Replicator-Consistency', consistency, 'Content-Security-Policy', 'sandbox', 'X-Frame-Options', 'DENY')
  const isKnown = (ifNoneMatch !== undefined && listsTag(ifNoneMatch, etag)) || (newer !== undefined && version <= newer)
  if (isKnown) return { status: 304, headers, body: undefined }
  headers.push('Content-Type', contentType, 'Content-Length', String(value.length))
  return { status: 200, headers, body: value }
}

/** To a cursor that leads nowhere any more. */
export function cursorGone(): Answer {
  return problem(
    'cursor-gone',
    'The cursor is of another peer or run, or older than what is remembered. List, and watch anew; from=start does both.',
  )
}

function applied(
  { version, wasAbsent, isRepeated }: Extract<WriteAnswer, { kind: 'applied' }>,
  { key, writeId, contents }: WriteRequest,
): Answer {
  if (contents.kind === 'deleted') return repeated(json(200, { key, version }), isRepeated)
  const answer = json(wasAbsent && !isRepeated ? 201 : 200, { key, version, size: contents.value.length, writeId })
  answer.headers.push('ETag', versionTag(version))
  return repeated(answer, isRepeated)
}

function repeated(answer: Answer, isRepeated: boolean): Answer {
  if (isRepeated) answer.headers.push('Replicator-Repeated', 'true')
  return answer
}

function refused(
  { current, number }: Extract<WriteAnswer, { kind: 'refused' }>,
  { contents, condition }: WriteRequest,
  tellsFacts: boolean,
): Answer {
  const asksForLive = condition !== undefined && condition.kind !== 'absent'
  if (contents.kind === 'deleted' && current === undefined && !asksForLive) {
    return problem(
      'unknown-key',
      'Nothing live is stored under this key, so there is nothing to delete. Nothing was changed.',
      tellsFacts ? { number } : undefined,
    )
  }
  const detail =
    current === undefined
      ? 'The write asks for a live register, and nothing live is there.'
      : 'What is there is not what the write asks for.'
  return problem('precondition-failed', `${detail} Nothing was changed.`, tellsFacts ? { ...factsOf(current), number } : undefined)
}

function factsOf(current: RegisterRecord | undefined): ProblemExtensions {
  if (current === undefined) return { version: 0 }
  return { version: current.version, etag: versionTag(current.version), size: current.value.length }
}
