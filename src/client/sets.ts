/**
 * One set, for programs. Changes are sent with stamps of the client's own: so a retry, at whatever
 * peer, is the same change again, and never undoes what others did in between. The peer is told
 * what the client's clock shows, and moves the stamps by the difference; a clock that is wrong does
 * no harm.
 */
import { detailOf } from './answer.ts'
import type { Answer } from './answer.ts'
import { readJson, writeElement } from './elements.ts'
import type { Element, Entry } from './elements.ts'
import { ClientFailed } from './outcomes.ts'
import type { Refused, Unavailable } from './outcomes.ts'
import { queryOf } from './paths.ts'
import { isTransient, refusedOf } from './refusals.ts'
import type { Sent, Tried, Tries } from './tries.ts'
import { watchSet } from './watching-sets.ts'
import type { SetWatchOptions, SetWatched } from './watching-sets.ts'

/** What one peer is given before another is asked. */
const TRY_MS = 5_000
/** The same, where a whole set is read. */
const READ_MS = 60_000
const OK = 200

export type ChangeOutcome =
  /** On the disk of a peer at least, and where it was waited for. */
  | { readonly kind: 'stored' }
  /**
   * On the disk of a peer, and spreading; or sent, and nobody said what became of it. The same
   * change may be made again.
   */
  | { readonly kind: 'in-doubt'; readonly detail: string }
  | Unavailable
  | Refused

export type Updates =
  | { readonly kind: 'updates'; readonly entries: readonly Entry[]; readonly cursor: string }
  /**
   * Another peer was asked than the one that gave the cursor, or it has forgotten: ask without one.
   */
  | { readonly kind: 'start-over' }

export interface ChangeOptions {
  readonly signal?: AbortSignal
  /**
   * Where it is to be on disk: at most voters of the peer's cluster, or at one voter in most
   * clusters.
   */
  readonly wait?: 'cluster' | 'network'
}

type Pair = readonly [Element, number]

export class SetClient {
  readonly #tries: Tries
  readonly #path: string
  readonly #signalOf: (signal: AbortSignal | undefined) => AbortSignal
  #last = 0

  /** @param signalOf the deadline of a call that was given none */
  constructor(tries: Tries, name: string, signalOf: (signal: AbortSignal | undefined) => AbortSignal) {
    this.#tries = tries
    this.#path = `/sets/${encodeURIComponent(name)}`
    this.#signalOf = signalOf
  }

  insert(elements: readonly Element[], options: ChangeOptions = {}): Promise<ChangeOutcome> {
    return this.#change('add-set', elements, options)
  }

  delete(elements: readonly Element[], options: ChangeOptions = {}): Promise<ChangeOutcome> {
    return this.#change('del-set', elements, options)
  }

  /**
   * The members that a peer holds; none of a set that nobody has changed yet. @throws ClientFailed
   * when no peer tells
   */
  async members(options: { readonly signal?: AbortSignal } = {}): Promise<readonly Element[]> {
    const answer = await this.#read('/', options.signal)
    return answer.status === OK ? (readJson(textOf(answer)) as readonly Element[]) : []
  }

  /**
   * What changed behind a cursor, everything without one. @throws ClientFailed when no peer tells
   */
  async updates(cursor?: string, options: { readonly signal?: AbortSignal } = {}): Promise<Updates> {
    const answer = await this.#read(`/updates?after=${encodeURIComponent(cursor ?? '')}`, options.signal)
    if (answer.problem === 'cursor-gone') return { kind: 'start-over' }
    if (answer.status !== OK) return { kind: 'updates', entries: [], cursor: '' }
    const told = readJson(textOf(answer)) as Readonly<Record<'add-set' | 'del-set', readonly Pair[]>>
    return { kind: 'updates', entries: entriesOf(told), cursor: answer.headers.get('replicator-cursor') ?? '' }
  }

  /**
   * Changes as they become known at one peer, from now on or from a cursor. When the connection is
   * lost the watch goes on where it was, at the same peer; each change comes once at least. A set
   * that is not there yet is waited for.
   *
   * @param options its signal ends the watch; without one it goes on for ever
   * @throws ClientFailed when the cursor leads nowhere (`cursor-gone`): read the members and watch
   * anew. And when it is refused
   */
  watch(options: SetWatchOptions = {}): AsyncGenerator<SetWatched, void, undefined> {
    return watchSet(this.#tries, this.#path, options)
  }

  /**
   * What was held elsewhere, with the stamps that it had there. Nothing is lost that is newer here,
   * and merging the same again changes nothing.
   */
  merge(entries: readonly Entry[], options: ChangeOptions = {}): Promise<ChangeOutcome> {
    const pairsOf = (field: 'added' | 'removed'): string[] =>
      entries.flatMap((entry) => (entry[field] === null ? [] : [`[${writeElement(entry.element)},${entry[field]}]`]))
    const body = `{"add-set":[${pairsOf('added').join(',')}],"del-set":[${pairsOf('removed').join(',')}]}`
    return this.#update(body, () => ({ 'Content-Type': 'application/json' }), options)
  }

  #change(field: 'add-set' | 'del-set', elements: readonly Element[], options: ChangeOptions): Promise<ChangeOutcome> {
    this.#last = Math.max(Date.now(), this.#last + 1)
    const pairs = elements.map((element) => `[${writeElement(element)},${this.#last}]`)
    // Of each try its own clock: time goes on between them.
    const headers = (): Record<string, string> => ({ 'Content-Type': 'application/json', 'Replicator-Clock': String(Date.now()) })
    return this.#update(`{"${field}":[${pairs.join(',')}]}`, headers, options)
  }

  #update(body: string, headers: () => Record<string, string>, { signal, wait }: ChangeOptions): Promise<ChangeOutcome> {
    const path = `${this.#path}/update${queryOf({ wait, timeout: wait && TRY_MS })}`
    const sent: Sent = { path, method: 'POST', headers, body: new TextEncoder().encode(body), tryMs: TRY_MS }
    let isSent = false
    return this.#tries.until<ChangeOutcome>(
      sent,
      this.#signalOf(signal),
      (tried) => {
        isSent ||= tried.kind === 'lost'
        return judgeChange(tried)
      },
      (detail) => ({ kind: isSent ? 'in-doubt' : 'unavailable', detail }),
    )
  }

  async #read(path: string, signal: AbortSignal | undefined): Promise<Answer> {
    const sent: Sent = { path: this.#path + path, method: 'GET', headers: { Accept: 'application/json' }, tryMs: READ_MS }
    const judge = (tried: Tried): Answer | Refused | undefined => {
      if (tried.kind !== 'answered' || isTransient(tried.answer)) return undefined
      const { answer } = tried
      return answer.status === OK || answer.problem === 'unknown-set' || answer.problem === 'cursor-gone' ? answer : refusedOf(answer)
    }
    const read = await this.#tries.until<Answer | Refused | Unavailable>(sent, this.#signalOf(signal), judge, (detail) => ({
      kind: 'unavailable',
      detail,
    }))
    if ('kind' in read) throw new ClientFailed(read)
    return read
  }
}

function judgeChange(tried: Tried): ChangeOutcome | undefined {
  if (tried.kind !== 'answered') return undefined
  const { answer } = tried
  if (answer.status === OK) return { kind: 'stored' }
  if (answer.problem === 'in-doubt') return { kind: 'in-doubt', detail: detailOf(answer) }
  if (isTransient(answer)) return undefined
  const { least } = answer.facts
  return { ...refusedOf(answer), ...(typeof least === 'number' && { least }) }
}

function textOf({ body }: Answer): string {
  return new TextDecoder().decode(body)
}

function entriesOf(told: Readonly<Record<'add-set' | 'del-set', readonly Pair[]>>): Entry[] {
  const entries = new Map<string, Entry>()
  for (const [element, added] of told['add-set']) entries.set(writeElement(element), { element, added, removed: null })
  for (const [element, removed] of told['del-set']) {
    entries.set(writeElement(element), { element, added: entries.get(writeElement(element))?.added ?? null, removed })
  }
  return [...entries.values()]
}
