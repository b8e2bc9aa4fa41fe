/**
 * Keeps a set equal with a node of the system that `-lww` takes in, so that a running one can be
 * moved over: what changes here is posted to its `/update`, and its `/updates` are asked for. Both
 * are merges, so what goes round in a circle changes nothing.
 */
import type { Logger } from 'pino'
import { ELEMENTS_MAX, NO_STAMP } from '../../protocols/sets/requests.ts'
import type { Cut, Entry } from '../../protocols/sets/requests.ts'
import type { Sets } from '../ports/sets.ts'
import { readReplicaInTurns } from '../transit/documents.ts'
import { replicaDocument } from '../transit/writing.ts'
import { errorText } from './error-text.ts'

const LOOK_MS = 1_000
const ANSWER_MS = 30_000
const ASK_MS = 10_000
/** Elements of one post. */
const POSTED_MAX = 1_000
/** A replica of that node; what has more is refused whole. */
const TOLD_MAX = 10_000_000
/**
 * It tells what is above a stamp, and misses what came later with a lower one: so it is asked for
 * some time before as well,
 */
const OVERLAP_MS = 60_000
/** and for all of it after so many looks. */
const LOOKS_A_WHOLE = 300
/** It has forgotten nothing, and knows of no cuts. */
const NO_CUT: Cut = { number: 0, stamp: NO_STAMP, bar: NO_STAMP }
const TRANSIT_TYPE = 'application/transit+json'

export interface ExternalInit {
  /** Without a slash at its end. */
  readonly url: string
  readonly set: string
  readonly sets: Sets
  readonly logger: Logger
  /** For people; undefined takes it back. */
  readonly warn: (warning: string | undefined) => void
  /** Between looks; a second unless given. */
  readonly lookMs?: number
}

export class External {
  readonly #init: ExternalInit
  readonly #stopping = new AbortController()
  #sentUpTo: string | undefined
  /** The highest stamp that it has told. */
  #highest = 0
  #looks = 0
  #timer: NodeJS.Timeout | undefined
  #work: Promise<void> = Promise.resolve()

  constructor(init: ExternalInit) {
    this.#init = init
    this.#next(0)
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#stopping.abort()
    await this.#work
  }

  #next(inMs: number): void {
    if (this.#stopping.signal.aborted) return
    this.#timer = setTimeout(() => {
      this.#work = this.#look().then(() => this.#next(this.#init.lookMs ?? LOOK_MS))
    }, inMs)
    this.#timer.unref()
  }

  async #look(): Promise<void> {
    const { url, warn, logger } = this.#init
    try {
      await this.#receive()
      await this.#send()
      warn(undefined)
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      const { cause } = error as Error
      const warning = `the node of -lww-external ${url} cannot be kept equal: ${errorText(cause ?? error)}`
      logger.debug(warning)
      warn(warning)
    }
  }

  async #receive(): Promise<void> {
    const { set, sets } = this.#init
    const isWhole = this.#looks % LOOKS_A_WHOLE === 0
    const since = isWhole ? 0 : Math.max(0, this.#highest - OVERLAP_MS)
    const body = await this.#fetch(`/updates?since=${since}`)
    const { value: entries, fault } = await readReplicaInTurns(body, 'transit', TOLD_MAX)
    if (fault !== undefined) throw new Error(`what it told is no replica: ${fault.message}`)
    for (let start = 0; start < entries.length; start += ELEMENTS_MAX) {
      const page = entries.slice(start, start + ELEMENTS_MAX)
      const isLast = start + ELEMENTS_MAX >= entries.length
      const answer = await sets.ask<'restore'>({ kind: 'restore', set, entries: page, cut: NO_CUT, isLast }, ASK_MS)
      if (answer.kind !== 'stored') throw new Error(`it is not taken here: ${answer.kind}`)
    }
    for (const { added, removed } of entries) this.#highest = Math.max(this.#highest, added, removed)
    this.#looks += 1
  }

  async #send(): Promise<void> {
    const { set, sets } = this.#init
    const changed = await sets.ask<'updates-after'>({ kind: 'updates-after', set, after: this.#sentUpTo }, ASK_MS)
    if (changed.kind !== 'updates') {
      this.#sentUpTo = undefined
      return
    }
    let page: Entry[] = []
    for (const entry of changed.entries) {
      page.push(entry)
      if (page.length < POSTED_MAX) continue
      await this.#post(page)
      page = []
    }
    if (page.length > 0) await this.#post(page)
    this.#sentUpTo = changed.cursor
  }

  async #post(entries: readonly Entry[]): Promise<void> {
    await this.#fetch('/update', [...replicaDocument(entries, 'transit')].join(''))
  }

  /** @returns the body, read to its end in any case: else its connection is held */
  async #fetch(path: string, body?: string): Promise<Uint8Array> {
    const response = await fetch(this.#init.url + path, {
      ...(body !== undefined && { method: 'POST', body, headers: { 'Content-Type': TRANSIT_TYPE } }),
      redirect: 'error',
      signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(ANSWER_MS)]),
    })
    const told = new Uint8Array(await response.arrayBuffer())
    if (response.status !== 200) throw new Error(`${path.split('?')[0]} answered ${response.status}`)
    return told
  }
}
