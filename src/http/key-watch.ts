/**
 * `GET /store?watch`: keys as server-sent events, in the order in which they became known at this
 * peer. Nothing is kept for a watcher that does not read: it goes on from what the peer remembers,
 * and is told when that is not enough.
 */
import type { Feed } from '../ports/feed.ts'
import { opens } from '../security/grant.ts'
import { formatTime } from './dates.ts'
import { entityTag } from './etags.ts'
import { attend, beginEvents, lastEventIdOf } from './event-stream.ts'
import type { Exchange } from './exchange.ts'
import { problem } from './problems.ts'
import { isLongerThan, KEY_BYTES_MAX } from './keys.ts'
import { parse } from './query.ts'
import type { BadParameter } from './query.ts'
import type { StreamedAnswer } from './streamed-answer.ts'

/** What may wait to be read before no more is written. */
const WAITING_BYTES_MAX = 262_144
/** Between looks at whether it was read. */
const LOOK_MS = 20
/** Values hashed, and events looked at, before others get their turn. */
const BYTES_A_TURN_MAX = 1_048_576
const EVENTS_A_TURN_MAX = 256
const CURSOR_CHARACTERS_MAX = 128
const START_OVER = 'What follows it is remembered no more, or another peer gave it: list the keys, and watch from now on.'

export interface WatchQuery {
  readonly prefix: string
  readonly cursor: string | undefined
}

/** True where a list is asked for as it grows. */
export function isWatch(query: string): boolean {
  return /(?:^|&)watch(?:=|&|$)/.test(query)
}

/** @param lastEventId of the header, which counts before the cursor of the query */
export function parseWatchQuery(query: string, lastEventId: string | undefined): WatchQuery | BadParameter {
  const values = parse(query, ['watch', 'prefix', 'cursor'])
  if ('parameter' in values) return values
  const watch = values.found.get('watch') ?? ''
  if (watch !== '') return { parameter: 'watch', detail: 'watch has no value' }
  const prefix = values.found.get('prefix') ?? ''
  if (isLongerThan(prefix, KEY_BYTES_MAX) || prefix.includes('\u0000'))
    return { parameter: 'prefix', detail: `prefix must be at most ${KEY_BYTES_MAX} bytes without U+0000, as keys are` }
  const cursor = lastEventId ?? values.found.get('cursor')
  if (cursor !== undefined && cursor.length > CURSOR_CHARACTERS_MAX)
    return { parameter: 'cursor', detail: `a cursor has at most ${CURSOR_CHARACTERS_MAX} characters` }
  return { prefix, cursor: cursor === '' ? undefined : cursor }
}

export function watchKeys(exchange: Exchange, feed: Feed, base: string, query: string): void {
  const read = parseWatchQuery(query, lastEventIdOf(exchange))
  if ('parameter' in read) return exchange.refuse('bad-parameter', read.detail, { parameter: read.parameter })
  const position = read.cursor === undefined ? feed.next : feed.positionOf(read.cursor)
  if (position === undefined) return exchange.send(problem('cursor-gone', START_OVER))
  if (!exchange.enter('waits')) return
  const stream = beginEvents(exchange)
  if (stream !== undefined) new KeyWatcher(exchange, feed, stream, { base, prefix: read.prefix, position })
}

interface WatcherInit {
  readonly base: string
  readonly prefix: string
  readonly position: number
}

class KeyWatcher {
  readonly #exchange: Exchange
  readonly #feed: Feed
  readonly #stream: StreamedAnswer
  readonly #base: string
  readonly #prefix: string
  #position: number
  #isPlanned = false

  constructor(exchange: Exchange, feed: Feed, stream: StreamedAnswer, { base, prefix, position }: WatcherInit) {
    this.#exchange = exchange
    this.#feed = feed
    this.#stream = stream
    this.#base = base
    this.#prefix = prefix
    this.#position = position
    const stop = feed.follow(() => this.#plan())
    const comment = (): void => stream.write(`id: ${feed.cursorAt(this.#position)}\n:\n\n`)
    attend(exchange, { comment, end: () => stream.end(), closed: stop })
    stream.write(`id: ${feed.cursorAt(position)}\nevent: watching\ndata: {}\n\n`)
    this.#plan()
  }

  #plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    // What is not read by now is looked at again a little later.
    if (this.#stream.waitingBytes < WAITING_BYTES_MAX) setImmediate(() => this.#tell())
    else setTimeout(() => this.#tell(), LOOK_MS)
  }

  #tell(): void {
    this.#isPlanned = false
    const stream = this.#stream
    if (!stream.isOpen) return
    if (this.#position < this.#feed.first) {
      stream.write(`event: cursor-gone\ndata: ${JSON.stringify({ detail: START_OVER })}\n\n`)
      return stream.end()
    }
    let events = ''
    let bytes = 0
    for (let count = 0; this.#position < this.#feed.next && count < EVENTS_A_TURN_MAX && bytes < BYTES_A_TURN_MAX; count += 1) {
      const key = this.#feed.keyAt(this.#position)
      this.#position += 1
      if (!this.#isMeant(key)) continue
      const [listed] = this.#exchange.context.replicator.list(key, '', 1).keys
      // A key with two records is served no more.
      if (listed?.key !== key) continue
      const { record } = listed
      bytes += record.value.length
      const row = { key, size: record.value.length, etag: entityTag(record), writtenAt: formatTime(record.writtenAtMs) }
      events += `id: ${this.#feed.cursorAt(this.#position)}\nevent: put\ndata: ${JSON.stringify(row)}\n\n`
    }
    if (events !== '') stream.write(events)
    if (this.#position < this.#feed.next) this.#plan()
  }

  #isMeant(key: string): boolean {
    const { grant } = this.#exchange
    return key.startsWith(this.#prefix) && (grant === undefined || opens(grant, this.#base + key))
  }
}
