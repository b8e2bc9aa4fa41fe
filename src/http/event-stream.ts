/**
 * Server-sent events: how a stream of them begins, is kept in sight of whatever stands between, and
 * is looked after until its client is gone or the server begins to close.
 */
import type { Exchange } from './exchange.ts'
import type { StreamedAnswer } from './streamed-answer.ts'

export const EVENT_STREAM_TYPE = 'text/event-stream'
/** Between comments. */
const COMMENT_MS = 15_000

/** @returns undefined when there is nothing to write, as of `Exchange.stream` */
export function beginEvents(exchange: Exchange): StreamedAnswer | undefined {
  return exchange.stream({ status: 200, headers: ['Content-Type', EVENT_STREAM_TYPE, 'Cache-Control', 'no-store'] })
}

/** The cursor that a client goes on from by the header for that; undefined when it sent none. */
export function lastEventIdOf({ request }: Exchange): string | undefined {
  const id = request.headers['last-event-id']
  return typeof id === 'string' ? id : undefined
}

export interface Attending {
  /** Writes a comment: now and then, so that whatever stands between sees the stream live. */
  readonly comment: () => void
  /** The client hung up, or the server begins to close. */
  readonly end: () => void
  /** All is over. Called once. */
  readonly closed: () => void
}

/** Looks after an answer that would go on for as long as its client likes. */
export function attend(exchange: Exchange, { comment, end, closed }: Attending): void {
  const { endless } = exchange.context
  const comments = setInterval(comment, COMMENT_MS)
  endless.add(end)
  exchange.signal.addEventListener('abort', end)
  exchange.whenClosed(() => {
    endless.delete(end)
    clearInterval(comments)
    closed()
  })
}
