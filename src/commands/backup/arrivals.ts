/**
 * What changes at a peer while it is listed. A watch is opened before the list is begun,
 * and read to where it is when the list has ended: so both together are what the peer held at one
 * moment.
 */
import type { RegisterEvent, Watched } from '../../client/client.ts'
import { CommandFailed } from '../failed.ts'

/** Tells of changes from now on, until the signal. The first event says where that is. */
export type Watch = (signal: AbortSignal) => AsyncGenerator<Watched | RegisterEvent, void, undefined>

/** Keys that wait to be taken; the watch is not read while there are more. */
const WAITING_MAX = 50_000
/** A watch that is silent for so long has told all that it had to tell. */
const SILENCE_MS = 5_000
/** The part of a cursor that rises. */
const PLACE = /(\d+)$/

export class Arrivals {
  readonly #watch: Watch
  readonly #end: AbortController
  #waiting = new Set<string>()
  #place: number
  #reading: Promise<void>
  #failure: Error | undefined
  #isWanted: (() => void) | undefined
  #hasCome: (() => void) | undefined

  private constructor(watch: Watch, end: AbortController, events: ReturnType<Watch>, place: number) {
    this.#watch = watch
    this.#end = end
    this.#place = place
    this.#reading = this.#read(events)
  }

  /** From now on. @throws ClientFailed when the peer does not let it be watched */
  static async from(watch: Watch): Promise<Arrivals> {
    const end = new AbortController()
    const events = watch(end.signal)
    return new Arrivals(watch, end, events, await placeNow(events))
  }

  /** What has come since the last time. @throws CommandFailed when some of it is lost */
  take(): string[] {
    if (this.#failure !== undefined)
      throw new CommandFailed(`keys arrive faster than they can be read, or the peer ended: ${this.#failure.message}; begin again`, {
        cause: this.#failure,
      })
    const taken = this.#waiting
    this.#waiting = new Set()
    this.#isWanted?.()
    return [...taken]
  }

  /** All that had come when it is called, and nothing is read any more. */
  async *rest(): AsyncGenerator<string[], void, undefined> {
    const end = new AbortController()
    const last = await placeNow(this.#watch(end.signal)).finally(() => end.abort())
    for (let isSilent = false; this.#place < last && !isSilent;) {
      yield this.take()
      if (this.#place < last) isSilent = await this.#isSilent()
    }
    yield this.take()
  }

  async close(): Promise<void> {
    this.#end.abort()
    this.#isWanted?.()
    await this.#reading
  }

  /** Until something comes, or for so long that nothing will. */
  async #isSilent(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => resolve(true), SILENCE_MS)
    this.#hasCome = () => resolve(false)
    const isSilent = await promise
    clearTimeout(timer)
    return isSilent
  }

  async #read(events: ReturnType<Watch>): Promise<void> {
    try {
      for await (const event of events) {
        if (event.kind === 'put' || event.kind === 'delete') this.#waiting.add('stored' in event ? event.stored.key : event.key)
        this.#place = placeOf(event) ?? this.#place
        this.#hasCome?.()
        if (this.#waiting.size >= WAITING_MAX) await new Promise<void>((resolve) => (this.#isWanted = resolve))
        if (this.#end.signal.aborted) return
      }
    } catch (error) {
      this.#failure = error as Error
      this.#hasCome?.()
    }
  }
}

/** Where a watch begins. */
async function placeNow(events: ReturnType<Watch>): Promise<number> {
  const { value } = await events.next()
  return value === undefined ? 0 : (placeOf(value) ?? 0)
}

/** Undefined for what has no place of its own. */
function placeOf(event: Watched | RegisterEvent): number | undefined {
  const cursor = 'cursor' in event ? event.cursor : undefined
  return cursor === undefined ? undefined : Number(PLACE.exec(cursor)?.[1] ?? 0)
}
