/**
 * One set, for programs. Changes are sent with stamps of the client's own: so a retry, at whatever
 * peer, is the same change again, and never undoes what others did in between. The peer is told
 * what the client's clock shows, and moves the stamps by the difference; a clock that is wrong does
 * no harm.
 */
import { detailOf } from './answer.ts'
import type { Answer } from './answer.ts'
import { readJson, writeElement } from './elements.ts'
import type { Element } from './elements.ts'
import { ClientFailed } from './outcomes.ts'
import type { Refused, Unavailable } from './outcomes.ts'
import { queryOf } from './paths.ts'
import type { Sent, Tried, Tries } from './tries.ts'

/** What one peer is given before another is asked. */
const TRY_MS = 5_000
const OK = 200
const SERVER_FAULT = 500
const TOO_MANY = 429

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

/**
 * An element with its stamps in milliseconds; null for none. It is a member when it was added later
 * than removed.
 */
export interface Entry {
  readonly element: Element
  readonly added: number | null
  readonly removed: number | null
}

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

  async #change(field: 'add-set' | 'del-set', elements: readonly Element[], { signal, wait }: ChangeOptions): Promise<ChangeOutcome> {
    this.#last = Math.max(Date.now(), this.#last + 1)
    const pairs = elements.map((element) => `[${writeElement(element)},${this.#last}]`)
    const sent: Sent = {
      path: `${this.#path}/update${queryOf({ wait, timeout: wait && TRY_MS })}`,
      method: 'POST',
      // Of each try its own: time goes on between them.
      headers: () => ({ 'Content-Type': 'application/json', 'Replicator-Clock': String(Date.now()) }),
      body: new TextEncoder().encode(`{"${field}":[${pairs.join(',')}]}`),
      tryMs: TRY_MS,
    }
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
    const sent: Sent = { path: this.#path + path, method: 'GET', headers: { Accept: 'application/json' }, tryMs: TRY_MS }
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
  return isTransient(answer) ? undefined : refusedOf(answer)
}

function isTransient({ status }: Answer): boolean {
  return status >= SERVER_FAULT || status === TOO_MANY
}

function refusedOf(answer: Answer): Refused {
  return { kind: 'refused', problem: answer.problem ?? 'unknown', status: answer.status, detail: detailOf(answer) }
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
