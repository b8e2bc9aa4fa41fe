/**
 * Changes of a set as server-sent events: each once, in the order in which it became visible here.
 * A watcher that does not read is cut once too much waits for it; it goes on from the last event
 * that it has.
 */
import type { SetAnswerOf, Sets, WatchAnswer } from '../../ports/sets.ts'
import { attend, beginEvents, lastEventIdOf } from '../event-stream.ts'
import type { Exchange } from '../exchange.ts'
import type { StreamedAnswer } from '../streamed-answer.ts'
import { queryOf } from '../target.ts'
import { cursorGone, entryJson, noSet } from './outcomes.ts'
import { parseWatchQuery } from './query.ts'

/** What may wait for a watcher that does not read. */
const BEHIND_BYTES_MAX = 1_048_576

export function watchSet(exchange: Exchange, sets: Sets, set: string): void {
  const query = parseWatchQuery(queryOf(exchange.request), lastEventIdOf(exchange))
  if ('parameter' in query) return exchange.refuse('bad-parameter', query.detail, { parameter: query.parameter })
  if (exchange.enter('waits')) new Watcher(exchange, sets, set, query.after)
}

class Watcher {
  readonly #exchange: Exchange
  readonly #set: string
  readonly #stop: () => void
  #stream: StreamedAnswer | undefined

  constructor(exchange: Exchange, sets: Sets, set: string, after: string | undefined) {
    this.#exchange = exchange
    this.#set = set
    this.#stop = sets.watch({ kind: 'watch', set, after }, (answer) => this.#told(answer))
    attend(exchange, { comment: () => this.#write(':\n\n'), end: () => this.#end(), closed: this.#stop })
  }

  #told(answer: WatchAnswer): void {
    if (answer.kind === 'changes') return this.#changed(answer)
    const refusal = answer.kind === 'no-set' ? noSet(this.#set) : cursorGone(answer)
    if (this.#stream === undefined) return this.#exchange.send(refusal)
    // What began as a stream is told as an event why it ends.
    this.#write(`event: ${answer.kind}\ndata: ${String(refusal.body)}\n\n`)
    this.#end()
  }

  #changed({ changes }: SetAnswerOf<'changes'>): void {
    if (this.#stream === undefined) {
      this.#stream = beginEvents(this.#exchange)
      if (this.#stream === undefined) return this.#stop()
    }
    let events = ''
    for (const { entry, cursor } of changes) {
      events += `id: ${cursor}\nevent: ${entry.added > entry.removed ? 'insert' : 'delete'}\ndata: ${entryJson(entry)}\n\n`
    }
    if (events !== '') this.#write(events)
  }

  #write(text: string): void {
    const stream = this.#stream
    if (stream === undefined || !stream.isOpen) return
    if (stream.waitingBytes + text.length > BEHIND_BYTES_MAX && stream.waitingBytes > 0) return stream.cut()
    stream.write(text)
  }

  #end(): void {
    this.#stop()
    if (this.#stream === undefined) this.#exchange.refuse('not-ready', 'This peer is shutting down.')
    else this.#stream.end()
  }
}
