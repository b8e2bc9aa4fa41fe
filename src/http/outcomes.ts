/**
 * The mappings from outcomes to HTTP. Together they are total: a new outcome without an answer does
 * not compile.
 */
import { unreachable } from '../../protocols/base/assert.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import type { ChangeOutcome } from '../../protocols/effects.ts'
import type { ConfigView, GetOutcome, PutOutcome } from '../ports/replicator.ts'
import { json } from './answers.ts'
import type { Answer } from './answers.ts'
import { formatHttpDate, formatTime } from './dates.ts'
import { entityTag, listsTag } from './etags.ts'
import type { EntityTags } from './etags.ts'
import { keyPath } from './keys.ts'
import { problem } from './problems.ts'
import type { ProblemExtensions } from './problems.ts'

/** A stored key keeps its value for ever. */
const KEPT = 'max-age=31536000, immutable'

/** What the answer to a read depends on, beside its outcome. */
export interface Asked {
  readonly key: string
  readonly tags: EntityTags
  /** The request's `If-None-Match`. */
  readonly ifNoneMatch: string | undefined
  /** The second that the answer's `Date` will show. */
  readonly nowSecond: number
  /** Only who was allowed to read it may keep it: no cache that others are served from. */
  readonly isPrivate: boolean
}

/**
 * The answer to the end of a put.
 *
 * @param tellsFacts whether a refusal may tell facts of the record that is there
 */
export function putAnswerTo(outcome: PutOutcome, key: string, tellsFacts: boolean): Answer {
  switch (outcome.kind) {
    case 'created':
      return stored(201, key, outcome.record)
    case 'stored-before':
      return stored(200, key, outcome.record)
    case 'conflict':
      return problem(
        'key-exists',
        'Another put stored this key first, and a key keeps its value for ever: choose another key.',
        tellsFacts ? factsOf(outcome.record) : undefined,
      )
    case 'reused':
      return problem('idempotency-key-reused', 'This Idempotency-Key stored this key with another value or content type.')
    case 'not-stored':
      return problem(
        'not-stored',
        'No quorum could be reached in time. Nothing is stored, and nothing of this request is under way: put again.',
      )
    case 'in-doubt':
      return problem(
        'in-doubt',
        'The time ran out while the value was under way. Put it again, at any peer, with the writeId as Idempotency-Key.',
        {
          writeId: outcome.writeId,
        },
      )
    case 'not-ready':
      return problem('not-ready', outcome.detail)
    default:
      return unreachable(outcome)
  }
}

/** The answer to the end of a get. */
export function getAnswerTo(outcome: GetOutcome, asked: Asked): Answer {
  switch (outcome.kind) {
    case 'found':
      return found(outcome, asked)
    case 'absent':
      return absent(outcome)
    case 'unavailable':
      return problem('unavailable', outcome.detail)
    default:
      return unreachable(outcome)
  }
}

/**
 * The answer to the end of a change, or to its time being over.
 *
 * @param view how the configuration stands now
 */
export function changeAnswerTo(outcome: ChangeOutcome, { change }: ConfigView): Answer {
  switch (outcome.kind) {
    case 'changed':
    case 'unchanged':
      return json(200, { outcome: outcome.kind, epoch: outcome.epoch })
    case 'changing':
      return json(202, { outcome: outcome.kind, epoch: outcome.epoch, covered: change?.covered ?? 0, needed: change?.needed ?? 0 })
    case 'change-refused':
    case 'change-expired':
    case 'not-ready':
      return problem(outcome.kind, outcome.detail)
    default:
      return unreachable(outcome)
  }
}

function factsOf(record: ValueRecord): ProblemExtensions {
  return { etag: entityTag(record), size: record.value.length, writtenAt: formatTime(record.writtenAtMs) }
}

function stored(status: 200 | 201, key: string, record: ValueRecord): Answer {
  const etag = entityTag(record)
  const writtenAt = formatTime(record.writtenAtMs)
  const answer = json(status, { key, writeId: record.writeId, size: record.value.length, etag, writtenAt })
  answer.headers.push('Location', keyPath(key), 'ETag', etag)
  return answer
}

function found(outcome: Extract<GetOutcome, { kind: 'found' }>, asked: Asked): Answer {
  const { record, consistency } = outcome
  const etag = asked.tags.of(asked.key, record)
  // The clock that wrote the record may be ahead of ours, but an answer must not come from before
  // its own contents (RFC 9110, 8.8.2.1).
  const modifiedSecond = Math.min(Math.floor(record.writtenAtMs / 1000), asked.nowSecond)
  const headers = [
    'ETag',
    etag,
    'Last-Modified',
    formatHttpDate(modifiedSecond),
    'Cache-Control',
    asked.isPrivate ? `private, ${KEPT}` : KEPT,
    'Replicator-Consistency',
    consistency,
    // A stored value comes from anyone and is served from our origin: no browser may run it, or
    // show it in a page.
    'Content-Security-Policy',
    'sandbox',
    'X-Frame-Options',
    'DENY',
  ]
  if (asked.ifNoneMatch !== undefined && listsTag(asked.ifNoneMatch, etag)) return { status: 304, headers, body: undefined }
  headers.push('Content-Type', record.contentType, 'Content-Length', String(record.value.length))
  return { status: 200, headers, body: record.value }
}

function absent(outcome: Extract<GetOutcome, { kind: 'absent' }>): Answer {
  const detail =
    outcome.consistency === 'local'
      ? 'This peer holds no value for this key; another may, for this answer is of the local copy only.'
      : 'No value is stored for this key. A put that is still under way may store one.'
  const answer = problem('unknown-key', detail, { consistency: outcome.consistency })
  answer.headers.push('Replicator-Consistency', outcome.consistency)
  return answer
}
