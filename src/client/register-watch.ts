/**
 * A watch of registers over all peers. A cursor leads on at the peer that gave it, for as long as
 * that runs. Where it leads nowhere, what is live is listed, and the watch goes on from there: what
 * was told before is not told again, whatever an older copy holds, and what was deleted meanwhile is
 * told as deleted.
 */
import type { ServerEvent } from './events.ts'
import { ClientFailed } from './outcomes.ts'
import { queryOf } from './paths.ts'
import type { ReadOutcome } from './register-outcomes.ts'
import { streamFrom } from './streams.ts'
import type { Tries } from './tries.ts'

export interface RegisterWatchOptions {
  /** Only registers whose keys begin so; all of them unless given. */
  readonly prefix?: string
  /** `start`: what is live comes first. `now`, unless given: only what changes from now on. */
  readonly from?: 'start' | 'now'
  /** Where an earlier watch was, in the place of `from`. */
  readonly cursor?: string
  /** Puts come with their values. */
  readonly values?: boolean
  readonly signal?: AbortSignal
}

export type RegisterEvent =
  /**
   * All that is live follows as puts, until `watching`. Whoever brought a cursor of an earlier watch
   * drops what does not come. It comes again when the peer is lost; then only what is new follows.
   */
  | { readonly kind: 'listing' }
  /** Changes follow. */
  | { readonly kind: 'watching'; readonly cursor: string }
  | RegisterPut
  | { readonly kind: 'delete'; readonly key: string; readonly version: number; readonly cursor: string | undefined }

export interface RegisterPut {
  readonly kind: 'put'
  readonly key: string
  readonly version: number
  /** Bytes of the value. */
  readonly size: number
  /** Where to go on behind it; undefined within a listing, which cannot be gone on with. */
  readonly cursor: string | undefined
  /** Where values are asked for. */
  readonly value?: Uint8Array
  readonly contentType?: string
}

/** Deleted registers that are remembered, so that no older copy brings them back. */
const DELETED_MAX = 100_000
const NEVER = new AbortController().signal

/** @param read asks a quorum for what is there */
export async function* watchRegisters(
  tries: Tries,
  options: RegisterWatchOptions,
  read: (key: string, signal: AbortSignal) => Promise<ReadOutcome>,
): AsyncGenerator<RegisterEvent, void, undefined> {
  const { signal = NEVER } = options
  const told = new Told()
  let from: From = options.cursor === undefined ? (options.from ?? 'now') : { cursor: options.cursor }
  let peer = tries.current
  for (let round = 0; !signal.aborted; round += 1) {
    if (round > 1) peer = tries.next(peer)
    const isListing = from === 'start'
    let isWatching = false
    try {
      if (isListing) {
        told.list()
        yield { kind: 'listing' }
      }
      for await (const event of streamFrom(tries, pathOf(options, from), peer, signal)) {
        round = 0
        if (event.name === 'cursor-gone') from = 'start'
        if (event.name === 'put' || event.name === 'delete') {
          const change = changeOf(event, isWatching)
          if (told.isNews(change)) yield change
        } else if (event.name === '' && event.hasId && !isWatching) {
          if (isListing) yield* await missingOf(told, signal, read)
          isWatching = true
          yield { kind: 'watching', cursor: event.id ?? '' }
        }
        if (isWatching && event.hasId) from = { cursor: event.id ?? '' }
      }
    } catch (error) {
      const isGone = error instanceof ClientFailed && error.outcome.kind === 'refused' && error.outcome.problem === 'cursor-gone'
      if (error instanceof ClientFailed && !isGone) throw error
      // The peer runs, and lists at once.
      if (isGone) [from, round] = ['start', 0]
    }
    await tries.pause(round, signal)
  }
}

type From = 'start' | 'now' | { readonly cursor: string }
type Change = Extract<RegisterEvent, { readonly kind: 'put' | 'delete' }>

function pathOf({ prefix, values }: RegisterWatchOptions, from: From): string {
  const place = typeof from === 'string' ? { from } : from
  const query = queryOf({ prefix, ...place, ...(values === true && { values: 'true' }) })
  return `/kv?watch&${query.slice(1)}`
}

function changeOf({ name, data, id }: ServerEvent, isWatching: boolean): Change {
  const facts = JSON.parse(data) as { key: string; version: number; size: number; value?: string; contentType?: string }
  const { key, version, size, value, contentType } = facts
  const cursor = isWatching ? id : undefined
  if (name === 'delete') return { kind: 'delete', key, version, cursor }
  const bytes = value === undefined ? undefined : Uint8Array.from(atob(value), (character) => character.charCodeAt(0))
  return {
    kind: 'put',
    key,
    version,
    size,
    cursor,
    ...(bytes !== undefined && { value: bytes }),
    ...(contentType !== undefined && { contentType }),
  }
}

/** What was told as live, and was not in the listing: another peer may only not have it yet. */
async function missingOf(
  told: Told,
  signal: AbortSignal,
  read: (key: string, signal: AbortSignal) => Promise<ReadOutcome>,
): Promise<Change[]> {
  const missing: Change[] = []
  for (const [key, version] of told.unlisted()) {
    const outcome = await read(key, signal)
    if (outcome.kind === 'unavailable' || outcome.kind === 'refused') throw new Error(outcome.detail)
    if (outcome.kind === 'absent') missing.push({ kind: 'delete', key, version: Math.max(version, outcome.number), cursor: undefined })
  }
  return missing.filter((change) => told.isNews(change))
}

/** Which versions were told: they only rise, so what is not above them is old. */
class Told {
  readonly #live = new Map<string, { version: number; listing: number }>()
  readonly #deleted = new Map<string, number>()
  #listing = 0

  /** A listing begins. */
  list(): void {
    this.#listing += 1
  }

  /** False where it was told before, or something newer was. */
  isNews({ kind, key, version }: Change): boolean {
    const live = this.#live.get(key)
    if (live !== undefined) live.listing = this.#listing
    // A register that was forgotten is told as deleted with the version that it had.
    const before = kind === 'delete' && live !== undefined ? live.version - 1 : (live?.version ?? this.#deleted.get(key) ?? 0)
    if (version <= before) return false
    if (kind === 'put') {
      this.#deleted.delete(key)
      this.#live.set(key, { version, listing: this.#listing })
    } else {
      this.#live.delete(key)
      this.#deleted.set(key, version)
      this.#forget()
    }
    return true
  }

  /** What was told as live and did not come in this listing. */
  unlisted(): [key: string, version: number][] {
    const unlisted: [string, number][] = []
    for (const [key, { version, listing }] of this.#live) if (listing < this.#listing) unlisted.push([key, version])
    return unlisted
  }

  #forget(): void {
    const [oldest] = this.#deleted.keys()
    if (this.#deleted.size > DELETED_MAX && oldest !== undefined) this.#deleted.delete(oldest)
  }
}
