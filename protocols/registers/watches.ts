/**
 * Clients that watch a prefix. Of each register that has changed they are told what is held when
 * they are told, so that its versions come in order, those in between may be missing, and nothing
 * is missed for good. Whoever does not read is cut, with the cursor to go on from.
 */
import type { RegisterKey } from '../base/register.ts'
import type { ClientId } from '../events.ts'
import type { Changes } from './changes.ts'
import { live } from './judge.ts'
import { isStub } from './record.ts'
import type { Entry } from './record.ts'
import type { WatchAnswer, WatchEvent, WatchRequest } from './requests.ts'

/** Bytes of events that a client has not taken yet before it is cut. */
const UNREAD_BYTES_MAX = 1_048_576
/** While it is told what was there at the beginning, it is waited for instead, at fewer. */
const LISTED_BYTES_MAX = 262_144
/** Bytes that an event takes without its key and value, rather too many than too few. */
const EVENT_BYTES = 96
/** Events in one telling. */
const EVENTS_MAX = 512

export interface WatchesContext {
  readonly changes: Changes
  /** Drawn at each start. */
  readonly run: string
  readonly held: (key: RegisterKey) => Entry | undefined
  /** Live registers by keys that begin with a prefix, behind a key. */
  readonly live: (prefix: string, after: string) => Iterable<readonly [RegisterKey, Entry]>
  /** What is told is on disk first. */
  readonly tell: (client: ClientId, answer: WatchAnswer) => void
  readonly end: (client: ClientId, answer: WatchAnswer) => void
}

interface Watch {
  readonly client: ClientId
  readonly prefix: string
  readonly values: boolean
  /** The key behind which the list of what is live goes on; undefined when it is told. */
  listed: string | undefined
  /** The number of the last change that was told, or passed over. */
  told: number
  unreadBytes: number
}

interface Batch {
  readonly events: readonly WatchEvent[]
  /** The number of the last change that is in it, or passed over. */
  readonly told: number
  readonly bytes: number
}

export class Watches {
  private readonly context: WatchesContext
  private readonly watches = new Map<ClientId, Watch>()
  /** What was worked out in this look, by how far watches were and what they watch. */
  private readonly batches = new Map<string, Batch>()

  constructor(context: WatchesContext) {
    this.context = context
  }

  get size(): number {
    return this.watches.size
  }

  /** Something waits to be told. */
  get isBusy(): boolean {
    const { last } = this.context.changes
    for (const { told, listed, unreadBytes } of this.watches.values()) {
      if (listed === undefined ? told < last : unreadBytes < LISTED_BYTES_MAX) return true
    }
    return false
  }

  begin(client: ClientId, { prefix, from, values }: WatchRequest): void {
    const { changes, end } = this.context
    const told = typeof from === 'string' ? changes.last : this.numberOf(from.cursor)
    if (told === undefined || !changes.reaches(told)) return end(client, { kind: 'cursor-gone' })
    const watch: Watch = { client, prefix, values, listed: from === 'start' ? '' : undefined, told, unreadBytes: 0 }
    this.watches.set(client, watch)
    if (from !== 'start') this.context.tell(client, { kind: 'watching', cursor: this.cursorOf(told) })
  }

  /** The client has taken so many bytes. */
  taken(client: ClientId, bytes: number): void {
    const watch = this.watches.get(client)
    if (watch !== undefined) watch.unreadBytes = Math.max(0, watch.unreadBytes - bytes)
  }

  cancel(client: ClientId): void {
    this.watches.delete(client)
  }

  tick(): void {
    for (const watch of this.watches.values()) {
      if (watch.listed === undefined) this.tellChanges(watch)
      else this.tellListed(watch, watch.listed)
    }
    if (this.batches.size > 0) this.batches.clear()
  }

  private tellListed(watch: Watch, after: string): void {
    if (watch.unreadBytes >= LISTED_BYTES_MAX) return
    const events: WatchEvent[] = []
    for (const [key, entry] of this.context.live(watch.prefix, after)) {
      if (events.length >= EVENTS_MAX || watch.unreadBytes >= LISTED_BYTES_MAX) {
        watch.listed = events.at(-1)?.key ?? after
        return this.context.tell(watch.client, { kind: 'events', events })
      }
      const event = this.eventOf(watch.values, key, entry, watch.told, 0)
      watch.unreadBytes += watchedBytes(event)
      events.push(event)
    }
    watch.listed = undefined
    if (events.length > 0) this.context.tell(watch.client, { kind: 'events', events })
    this.context.tell(watch.client, { kind: 'watching', cursor: this.cursorOf(watch.told) })
  }

  private tellChanges(watch: Watch): void {
    const { changes, tell } = this.context
    if (watch.told >= changes.last) return
    if (!changes.reaches(watch.told)) return this.cut(watch, { kind: 'cursor-gone' })
    const { events, told, bytes } = this.batchFor(watch)
    watch.told = told
    watch.unreadBytes += bytes
    if (events.length > 0) tell(watch.client, { kind: 'events', events })
    if (watch.unreadBytes > UNREAD_BYTES_MAX) this.cut(watch, { kind: 'watch-ended', cursor: this.cursorOf(told) })
  }

  /**
   * What comes next for a watch. Those that are as far and watch the same are told the same, worked
   * out once.
   */
  private batchFor({ told, prefix, values }: Watch): Batch {
    const name = `${told} ${values} ${prefix}`
    let batch = this.batches.get(name)
    if (batch === undefined) this.batches.set(name, (batch = this.batchAfter(told, prefix, values)))
    return batch
  }

  private batchAfter(after: number, prefix: string, values: boolean): Batch {
    const events: WatchEvent[] = []
    const keys = new Set<RegisterKey>()
    let [told, bytes] = [after, 0]
    const { changes } = this.context
    for (const change of changes.after(after)) {
      const { number, key, before } = change
      if (events.length >= EVENTS_MAX || bytes > UNREAD_BYTES_MAX) break
      told = number
      if (!key.startsWith(prefix) || keys.has(key)) continue
      keys.add(key)
      const held = this.context.held(key)
      // It came and was forgotten again: whoever knew it before was told that it was deleted.
      if (held === undefined && before === 0) continue
      const isGone = held === undefined || isStub(held.record)
      const event = this.eventOf(values, key, held, number, isGone ? changes.highest(change) : 0)
      bytes += watchedBytes(event)
      events.push(event)
    }
    return { events, told, bytes }
  }

  private cut({ client }: Watch, answer: WatchAnswer): void {
    this.watches.delete(client)
    this.context.end(client, answer)
  }

  private eventOf(values: boolean, key: RegisterKey, held: Entry | undefined, number: number, gone: number): WatchEvent {
    const cursor = this.cursorOf(number)
    const record = live(held?.record)
    if (record !== undefined) {
      const { version, value } = record
      return { kind: 'put', key, version, size: value.length, record: values ? record : undefined, cursor }
    }
    const version = held === undefined || isStub(held.record) ? gone : held.record.version
    return { kind: 'delete', key, version, size: 0, record: undefined, cursor }
  }

  private cursorOf(number: number): string {
    return `${this.context.run}-${number}`
  }

  /** Undefined for a cursor of another run, or of another peer. */
  private numberOf(cursor: string): number | undefined {
    const { run } = this.context
    const digits = cursor.slice(run.length + 1)
    return cursor.startsWith(`${run}-`) && /^\d{1,15}$/.test(digits) ? Number(digits) : undefined
  }
}

/** What an event counts for until its client has taken it. */
export function watchedBytes({ key, record }: WatchEvent): number {
  return EVENT_BYTES + key.length + (record?.value.length ?? 0)
}
