/**
 * The reference store: keys and values, upon cells that are changed in one transaction. What other
 * stores must do is what this one does, in the shortest way.
 */
import type { Entry } from '../../protocols/log/entry.ts'
import type { StoreOutcome } from '../../protocols/log/outcome.ts'
import { equalBytes } from '../../protocols/base/record.ts'
import { sha256, utf8 } from '../bytes.ts'
import {
  NotAQuery,
  OUTCOME_KEPT_MS,
  OUTCOMES_KEPT_MAX,
  STORE_SLICES,
  StoreBehind,
  StoreRefused,
  StoreUnavailable,
} from '../ports/log-store.ts'
import type { LogStore, StoreAnswer, StoreBackup, StoreBatch, StoreClaim, StorePosition } from '../ports/log-store.ts'
import { ask, decide } from './kv-command.ts'
import type { KvDecision, KvView } from './kv-command.ts'
import { StagedCells } from './cells.ts'
import type { Cells, CellView, CellWrites } from './cells.ts'
import { claimedHead, concluded, DONE, emptyHead, hashOf } from './heads.ts'
import { backupOf, cellsIn } from './kv-backup.ts'
import { readHead, readRemembered, RESULT_KEPT_MAX, TRUNCATED, writeHead, writeRemembered } from './kv-rows.ts'
import type { Head, Remembered } from './kv-rows.ts'

/** The first character of a cell's name says what it is. */
const HEAD = 'h'
/** There while the store is being filled: what else is there is not whole. */
const FILLING = 'f'
const KEY = 'k'
/** Names of commands, and the same by index. */
const NAME = 'n'
const BY_INDEX = 'i'
const INDEX_DIGITS = 14
/** Cells that are restored in one transaction. */
const RESTORED_TOGETHER = 1_000
const NOTHING = new Uint8Array()

/**
 * Opens the store for a log, and claims it for one replica.
 *
 * @throws StoreRefused
 */
export async function openKvStore(cells: Cells, claim: StoreClaim): Promise<LogStore> {
  if (cells.get(FILLING) !== undefined) cells.clear()
  const bytes = cells.get(HEAD)
  if (bytes === undefined) {
    for (const { name } of cells.range('')) throw new StoreRefused('store-not-empty', `it holds ${name}, and no position`)
    return opened(cells, claim, emptyHead(claim))
  }
  const head = claimedHead(bytes, claim)
  if (claim.content !== 'dropped') return opened(cells, claim, head)
  cells.clear()
  return opened(cells, claim, emptyHead(claim))
}

/** The claim holds from now on, whether or not anything is ever applied. */
async function opened(cells: Cells, claim: StoreClaim, head: Head): Promise<LogStore> {
  await cells.write(new Map([[HEAD, writeHead(head)]]))
  return new KvStore(cells, claim, head)
}

class KvStore implements LogStore {
  readonly warnings: readonly string[] = []
  private readonly cells: Cells
  private readonly claim: StoreClaim
  private head: Head
  private isClosed = false
  private isFilling = false

  constructor(cells: Cells, claim: StoreClaim, head: Head) {
    this.cells = cells
    this.claim = claim
    this.head = head
  }

  get at(): StorePosition {
    const { position, members, atMs, outcomeDigest } = this.head
    return { position, members, atMs, durableIndex: position.index, outcomeDigest: Buffer.from(outcomeDigest).toString('hex') }
  }

  async apply({ entries, verdicts }: StoreBatch): Promise<readonly StoreOutcome[]> {
    this.checkWhole()
    const staged = new StagedCells(this.cells)
    let head = this.head
    const outcomes: StoreOutcome[] = []
    for (const entry of entries) {
      if (entry.index <= head.position.index) outcomes.push(storedOutcome(staged, entry))
      else {
        if (entry.index !== head.position.index + 1) throw new Error(`entry ${entry.index} applied upon ${head.position.index}`)
        const applied = applyEntry(staged, head, entry, verdicts.get(entry.index))
        head = applied.head
        outcomes.push(applied.outcome)
      }
    }
    staged.put(HEAD, writeHead(head))
    await this.write(staged.writes)
    this.head = head
    return outcomes
  }

  async query(query: Uint8Array, indexMin: number): Promise<StoreAnswer> {
    this.checkWhole()
    const { position } = this.head
    if (position.index < indexMin) throw new StoreBehind(`it is at ${position.index}, and ${indexMin} is asked for`)
    const result = ask(viewOf(this.cells), utf8.decode(query))
    if (result === undefined) throw new NotAQuery('a query is {"get": [key, …]} or {"list": prefix}')
    return { position, result: utf8.encode(JSON.stringify(result)) }
  }

  async backup(signal: AbortSignal): Promise<StoreBackup> {
    this.checkWhole()
    return { position: this.head.position, stream: backupOf(this.cells.picture(), signal) }
  }

  async restore(stream: AsyncIterable<Uint8Array>): Promise<StorePosition> {
    this.checkOpen()
    this.isFilling = true
    await this.write(new Map([[FILLING, NOTHING]]))
    this.head = emptyHead(this.claim)
    const isMark = (name: string): boolean => name === HEAD || name === FILLING
    const held = [...this.cells.range('')].map(({ name }) => name).filter((name) => !isMark(name))
    await this.write(new Map(held.map((name) => [name, undefined])))
    let head: Head | undefined
    const some: [string, Uint8Array][] = []
    try {
      for await (const { name, bytes } of cellsIn(stream)) {
        if (name === HEAD) head = readHead(bytes)
        else if (!isMark(name)) some.push([name, bytes])
        if (some.length >= RESTORED_TOGETHER) await this.write(new Map(some.splice(0)))
      }
    } catch (error) {
      throw new StoreUnavailable('backup-damaged', { cause: error })
    }
    const { logId, generation, owner } = this.claim
    if (head === undefined || head.logId !== logId || head.generation !== generation) throw new StoreUnavailable('backup-of-another-log')
    const claimed = { ...head, owner }
    // The position comes last, with the end of the mark.
    await this.write(new Map([...some, [HEAD, writeHead(claimed)], [FILLING, undefined]]))
    this.head = claimed
    this.isFilling = false
    return this.at
  }

  async digest(slice: number): Promise<string> {
    this.checkWhole()
    const parts: Uint8Array[] = []
    for (const { name, bytes } of this.cells.range(KEY)) {
      const key = utf8.encode(name.slice(KEY.length))
      if ((sha256(key)[0] as number) % STORE_SLICES === slice) parts.push(sha256(key), sha256(bytes))
    }
    return Buffer.from(sha256(Buffer.concat(parts))).toString('hex')
  }

  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    await this.cells.close()
  }

  private checkOpen(): void {
    if (this.isClosed) throw new StoreUnavailable('closed')
  }

  /** What a backup left half is neither applied upon nor shown. */
  private checkWhole(): void {
    this.checkOpen()
    if (this.isFilling) throw new StoreUnavailable('filling')
  }

  /** Whatever lmdb throws is not known to be deterministic. */
  private async write(writes: CellWrites): Promise<void> {
    try {
      await this.cells.write(writes)
    } catch (error) {
      throw new StoreUnavailable('not-written', { cause: error })
    }
  }
}

/** One entry, its effects and its outcome, staged. */
function applyEntry(
  staged: StagedCells,
  before: Head,
  entry: Entry,
  verdict: string | undefined,
): { readonly head: Head; readonly outcome: StoreOutcome } {
  const { term, index, atMs, body } = entry
  const position = { term, index }
  const forgotten = forget(staged, { ...before, position, atMs })
  if (body.kind === 'members') return concluded({ ...forgotten, members: body.members }, DONE, 0)
  if (body.kind !== 'command') return concluded(forgotten, DONE, 0)
  const known = rememberedIn(staged, body.submitId)
  const hash = hashOf(body.command)
  if (known !== undefined) return concluded(forgotten, equalBytes(known.hash, hash) ? known.outcome : { kind: 'reused' }, 0)
  if (body.since > 0 && body.since < forgotten.forgottenIndex) return concluded(forgotten, { kind: 'forgotten' }, 0)
  const decision: KvDecision =
    verdict === undefined ? decide(viewOf(staged), textOf(body.command)) : { kind: 'rejected', class: 'constraint', code: verdict }
  const writes = decision.kind === 'done' ? decision.writes : []
  for (const { key, value } of writes) staged.put(KEY + key, value === undefined ? undefined : utf8.encode(value))
  const outcome = outcomeOf(decision)
  staged.put(NAME + body.submitId, writeRemembered({ index, atMs, hash, outcome }))
  staged.put(BY_INDEX + indexText(index), utf8.encode(body.submitId))
  return concluded({ ...forgotten, remembered: forgotten.remembered + 1 }, outcome, writes.length)
}

function outcomeOf(decision: KvDecision): StoreOutcome {
  if (decision.kind === 'rejected') return { ...decision, isPartial: false }
  // A bare array, as results are when they are read back.
  const result = Uint8Array.from(utf8.encode(JSON.stringify(decision.result)))
  return { kind: 'done', result: result.length <= RESULT_KEPT_MAX ? result : TRUNCATED }
}

/**
 * Drops names that are too old by the log's clock, and the oldest of too many: the same at every
 * replica.
 */
function forget(staged: StagedCells, head: Head): Head {
  let { remembered, forgottenIndex } = head
  for (const { name, bytes } of staged.range(BY_INDEX)) {
    const submitId = utf8.decode(bytes)
    const known = rememberedIn(staged, submitId)
    if (known !== undefined && known.atMs >= head.atMs - OUTCOME_KEPT_MS && remembered < OUTCOMES_KEPT_MAX) break
    staged.put(name, undefined)
    staged.put(NAME + submitId, undefined)
    remembered -= 1
    forgottenIndex = known?.index ?? forgottenIndex
  }
  return { ...head, remembered, forgottenIndex }
}

/** What is remembered of an entry that was applied before. */
function storedOutcome(cells: CellView, { body }: Entry): StoreOutcome {
  if (body.kind !== 'command') return DONE
  const known = rememberedIn(cells, body.submitId)
  if (known === undefined) return { kind: 'forgotten' }
  return equalBytes(known.hash, hashOf(body.command)) ? known.outcome : { kind: 'reused' }
}

function rememberedIn(cells: CellView, submitId: string): Remembered | undefined {
  const bytes = cells.get(NAME + submitId)
  return bytes === undefined ? undefined : readRemembered(bytes)
}

function viewOf(cells: CellView): KvView {
  return {
    get: (key) => {
      const bytes = cells.get(KEY + key)
      return bytes === undefined ? undefined : utf8.decode(bytes)
    },
    *range(prefix) {
      for (const { name, bytes } of cells.range(KEY + prefix)) yield { key: name.slice(KEY.length), value: utf8.decode(bytes) }
    },
  }
}

/** What is not UTF-8 is no JSON either. */
function textOf(command: Uint8Array): string {
  try {
    return utf8.decode(command)
  } catch {
    return ''
  }
}

function indexText(index: number): string {
  return index.toString(16).padStart(INDEX_DIGITS, '0')
}
