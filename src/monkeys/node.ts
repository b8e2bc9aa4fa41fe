/**
 * A node that serves a set, as monkeys see it: the port of `-lww`, or the path of a set at any
 * peer.
 */

/** What a node gets before it counts as gone. */
const ANSWER_MS = 10_000
const JSON_TYPE = 'application/json'

/** Both stamps of an element, by its text; -1 for none. */
export type Stamps = Map<string, { readonly added: number; readonly removed: number }>

export interface Replica {
  readonly entries: Stamps
  /** Behind what was told; undefined from a node that tells none. */
  readonly cursor: string | undefined
}

/** A node did not do what it was asked. */
export class NodeFailed extends Error {
  override readonly name = 'NodeFailed'
  /** Of the answer; undefined when there was none. */
  readonly status: number | undefined

  constructor(message: string, status?: number) {
    super(message)
    this.status = status
  }
}

export class SetNode {
  readonly url: string
  readonly #token: string | undefined

  /** @param url without a slash at its end; `/insert` and the like lie below it */
  constructor(url: string, token: string | undefined) {
    this.url = url
    this.#token = token
  }

  async change(kind: 'insert' | 'delete', elements: readonly number[]): Promise<void> {
    await this.#ask(`/${kind}`, JSON.stringify(elements))
  }

  /** Merges what was done elsewhere. @returns what the node added to the stamps */
  async update(entries: Stamps): Promise<number> {
    const stamped = (field: 'added' | 'removed'): unknown[] =>
      [...entries].filter(([, stamps]) => stamps[field] >= 0).map(([element, stamps]) => [JSON.parse(element) as unknown, stamps[field]])
    const body = JSON.stringify({ 'add-set': stamped('added'), 'del-set': stamped('removed') })
    const response = await this.#ask('/update', body, { 'Replicator-Clock': String(Date.now()) })
    return Number(response.headers.get('replicator-shift') ?? 0)
  }

  /**
   * How far the clock of the node is ahead of this one, at least, in milliseconds: the way there
   * may have taken all the time.
   */
  async clockAheadMs(): Promise<number> {
    const sentAt = performance.now()
    return (await this.update(new Map())) - Math.ceil(performance.now() - sentAt)
  }

  /**
   * What changed behind a cursor; everything without one. @throws NodeFailed of status 410 when the
   * cursor leads nowhere
   */
  async updates(after: string | undefined): Promise<Replica> {
    const response = await this.#ask(`/updates?after=${encodeURIComponent(after ?? '')}`)
    const replica = (await response.json()) as Readonly<Record<'add-set' | 'del-set', readonly (readonly [unknown, number])[]>>
    const entries: Stamps = new Map()
    for (const [element, added] of replica['add-set']) entries.set(JSON.stringify(element), { added, removed: -1 })
    for (const [element, removed] of replica['del-set']) {
      const text = JSON.stringify(element)
      entries.set(text, { added: entries.get(text)?.added ?? -1, removed })
    }
    return { entries, cursor: response.headers.get('replicator-cursor') ?? undefined }
  }

  /** The members, as text, in order. */
  async members(): Promise<string[]> {
    const response = await this.#ask('/')
    return ((await response.json()) as unknown[]).map((element) => JSON.stringify(element)).toSorted()
  }

  /** @throws NodeFailed when it is not answered by 200 */
  async #ask(path: string, body?: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    let response: Response
    try {
      response = await fetch(this.url + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          ...(body === undefined ? { Accept: JSON_TYPE } : { 'Content-Type': JSON_TYPE }),
          ...(this.#token !== undefined && { Authorization: `Bearer ${this.#token}` }),
          ...headers,
        },
        ...(body !== undefined && { body }),
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_MS),
      })
    } catch (error) {
      const { cause, message } = error as Error
      throw new NodeFailed(`${this.url}: ${(cause as NodeJS.ErrnoException | undefined)?.code ?? message}`)
    }
    if (response.status === 200) return response
    throw new NodeFailed(`${this.url}${path} answered ${response.status}: ${(await response.text()).slice(0, 400)}`, response.status)
  }
}
