/**
 * Changes of registers as server-sent events. What waits for a watcher that does not read is
 * bounded where the events are made: this says what its client has taken, and tells it the cursor
 * to go on from when it is cut.
 */
import { watchedBytes } from '../../../protocols/registers/watches.ts'
import type { WatchAnswer, WatchEvent } from '../../../protocols/registers/requests.ts'
import type { Registers, Watching } from '../../ports/registers.ts'
import { opens } from '../../security/grant.ts'
import { attend, beginEvents } from '../event-stream.ts'
import type { Exchange } from '../exchange.ts'
import type { StreamedAnswer } from '../streamed-answer.ts'
import { REGISTERS_PREFIX } from './handlers.ts'
import { cursorGone } from './outcomes.ts'
import type { WatchQuery } from './query.ts'
import type { Unread } from './unread.ts'

export function watchRegisters(exchange: Exchange, registers: Registers, unread: Unread, query: WatchQuery): void {
  if (exchange.enter('waits')) new Watcher(exchange, registers, unread, query)
}

class Watcher {
  readonly #exchange: Exchange
  readonly #unread: Unread
  readonly #watching: Watching
  /** What was live at the beginning is being told. A client that is cut off meanwhile begins anew. */
  #isListing: boolean
  #stream: StreamedAnswer | undefined

  constructor(exchange: Exchange, registers: Registers, unread: Unread, query: WatchQuery) {
    this.#exchange = exchange
    this.#unread = unread
    this.#isListing = query.from === 'start'
    this.#watching = registers.watch({ kind: 'watch', ...query }, (answer) => this.#told(answer))
    const comment = (): void => this.#stream?.write(':\n\n')
    const closed = (): void => {
      unread.forget(this)
      this.#watching.end()
    }
    attend(exchange, { comment, end: () => this.#end(), closed })
  }

  /** Others need the room. Its client goes on from the last event that it read. */
  cut(): void {
    this.#watching.end()
    this.#stream?.cut()
  }

  #told(answer: WatchAnswer): void {
    switch (answer.kind) {
      case 'events':
        return this.#events(answer.events)
      case 'watching':
        this.#isListing = false
        // An id without data tells a client where to go on, and is no event for it.
        return this.#write(`id: ${answer.cursor}\n\n`, 0)
      case 'cursor-gone': {
        const gone = cursorGone()
        if (this.#stream === undefined) return this.#exchange.send(gone)
        return this.#last(`event: cursor-gone\ndata: ${String(gone.body)}\n\n`)
      }
      case 'watch-ended':
        return this.#last(`id: ${answer.cursor}\nevent: watch-ended\ndata: {}\n\n`)
    }
  }

  #events(events: readonly WatchEvent[]): void {
    const { grant } = this.#exchange
    const shown = events.filter(({ key }) => grant === undefined || opens(grant, REGISTERS_PREFIX + key))
    const bytes = events.reduce((sum, event) => sum + watchedBytes(event), 0)
    const isShared = shown.length === events.length && !this.#isListing
    this.#write(isShared ? sharedTextOf(events) : shown.map((event) => textOf(event, !this.#isListing)).join(''), bytes)
  }

  /** @param bytes what it counts for until it is taken */
  #write(text: string, bytes: number): void {
    this.#stream ??= beginEvents(this.#exchange)
    if (this.#stream === undefined) return this.#watching.end()
    if (!this.#stream.isOpen) return
    this.#unread.add(this, text.length)
    this.#stream.write(text, () => {
      this.#unread.taken(this, text.length)
      if (bytes > 0) this.#watching.taken(bytes)
    })
  }

  #last(text: string): void {
    this.#stream?.write(text)
    this.#stream?.end()
  }

  #end(): void {
    this.#watching.end()
    if (this.#stream === undefined) this.#exchange.refuse('not-ready', 'This peer is shutting down.')
    else this.#stream.end()
  }
}

/** Watches of the same are told the same events: their text is made once. */
const sharedTexts = new WeakMap<readonly WatchEvent[], string>()

function sharedTextOf(events: readonly WatchEvent[]): string {
  let text = sharedTexts.get(events)
  if (text === undefined) sharedTexts.set(events, (text = events.map((event) => textOf(event, true)).join('')))
  return text
}

/** @param hasCursor false where going on behind the event would pass over what was not told yet */
function textOf({ kind, key, version, size, record, cursor }: WatchEvent, hasCursor: boolean): string {
  const value = record === undefined ? {} : { contentType: record.contentType, value: Buffer.from(record.value).toString('base64') }
  return `${hasCursor ? `id: ${cursor}\n` : ''}event: ${kind}\ndata: ${JSON.stringify({ key, version, size, ...value })}\n\n`
}
