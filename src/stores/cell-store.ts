/**
 * A store upon cells: it keeps the position, what became of each command, and backups, so that a
 * machine has to say only what commands and queries mean. What other stores must do is what this
 * one does, in the shortest way.
 */
import type { Entry } from '../../protocols/log/entry.ts'
import type { StoreOutcome } from '../../protocols/log/outcome.ts'
import { sha256, utf8 } from '../bytes.ts'
import { OUTCOME_KEPT_MS, OUTCOMES_KEPT_MAX, STORE_SLICES, StoreBehind, StoreRefused, StoreUnavailable } from '../ports/log-store.ts'
import type { LogStore, StoreAnswer, StoreBackup, StoreBatch, StoreClaim, StorePosition } from '../ports/log-store.ts'
import { backupOf, cellsIn } from './cell-backup.ts'
import { StagedCells } from './cells.ts'
import type { Cells, CellView, CellWrites, Picture } from './cells.ts'
import { checkOrder, claimedHead, concluded, concludedAlone, emptyHead, hashOf, headAt, isTooOld, storedOutcome } from './heads.ts'
import type { Concluded } from './heads.ts'
import { readHead, readRemembered, RESULT_KEPT_MAX, TRUNCATED, writeHead, writeRemembered } from './kv-rows.ts'
import type { Head, Remembered } from './kv-rows.ts'
import { checkKey, checkValue, Rejected } from './machine.ts'
import type { Machine, MachineState, MachineView } from './machine.ts'

/** The first character of a cell's name says what it is. */
const HEAD = 'h'
/** There while the store is being filled or emptied: what else is there is not whole. */
const FILLING = 'f'
const KEY = 'k'
/** Names of commands, and the same by index. */
const NAME = 'n'
const BY_INDEX = 'i'
const INDEX_DIGITS = 14
/** Cells that are restored, or removed, in one transaction. */
const WRITTEN_TOGETHER = 1_000
const NOTHING = new Uint8Array()

/**
 * Opens the store for a log, and claims it for one replica.
 *
 * @throws StoreRefused
 */
export async function openCellStore(cells: Cells, machine: Machine, claim: StoreClaim): Promise<LogStore> {
  const head = await headIn(cells, claim)
  const isKept = head !== undefined
  if (!isKept) await empty(cells)
  const claimed = isKept ? head : emptyHead(claim)
  // The claim holds from now on, whether or not anything is ever applied.
  await cells.write(
    new Map<string, Uint8Array | undefined>([[HEAD, writeHead(claimed)], ...(isKept ? [] : [[FILLING, undefined] as const])]),
  )
  return new CellStore(cells, machine, claim, claimed)
}

/**
 * @returns undefined where nothing is kept: it is new, was not whole, or is to be dropped
 * @throws StoreRefused for what is not the claimant's
 */
async function headIn(cells: Cells, claim: StoreClaim): Promise<Head | undefined> {
  return pictured(cells, async (picture) => {
    const isWhole = (await picture.get(FILLING)) === undefined
    const bytes = await picture.get(HEAD)
    if (bytes !== undefined) {
      const head = claimedHead(bytes, claim)
      return isWhole ? head : undefined
    }
    if (!isWhole) return undefined
    for await (const { name } of picture.range('')) throw new StoreRefused('store-not-empty', `it holds ${name}, and no position`)
    return undefined
  })
}

/** Removes all but the marks, which say until the next write that it is not whole. */
async function empty(cells: Pick<Cells, 'picture' | 'write'>): Promise<void> {
  await cells.write(new Map([[FILLING, NOTHING]]))
  await pictured(cells, async (picture) => {
    let names: string[] = []
    const remove = async (): Promise<void> => {
      await cells.write(new Map(names.map((name) => [name, undefined])))
      names = []
    }
    for await (const { name } of picture.range('')) {
      if (!isMark(name)) names.push(name)
      if (names.length >= WRITTEN_TOGETHER) await remove()
    }
    await remove()
  })
}

class CellStore implements LogStore {
  readonly warnings: readonly string[] = []
  private readonly cells: Cells
  private readonly machine: Machine
  private readonly claim: StoreClaim
  private head: Head
  private durableIndex: number
  private isClosed = false
  private isFilling = false
  private forgetting: Forgetting = neverLooked()
  /** What reads at this moment, so that nothing is closed below it. */
  private readonly reading = new Set<Promise<unknown>>()

  constructor(cells: Cells, machine: Machine, claim: StoreClaim, head: Head) {
    this.cells = cells
    this.machine = machine
    this.claim = claim
    this.head = head
    this.durableIndex = head.position.index
  }

  get at(): StorePosition {
    const { head, durableIndex } = this
    const { position, members, atMs, outcomeDigest, recordHash } = head
    return { position, members, atMs, durableIndex, outcomeDigest: Buffer.from(outcomeDigest).toString('hex'), recordHash }
  }

  async apply({ entries, verdicts }: StoreBatch): Promise<readonly StoreOutcome[]> {
    this.checkWhole()
    checkOrder(this.head.position.index, entries)
    try {
      const { staged, head, outcomes } = await this.read((picture) => this.staged(picture, entries, verdicts))
      staged.put(HEAD, writeHead(head))
      await this.keep(staged.writes, head)
      return outcomes
    } catch (error) {
      // Names that were dropped are there still.
      this.forgetting = neverLooked()
      throw error
    }
  }

  /** What the entries do, not written yet. */
  private async staged(
    picture: Picture,
    entries: readonly Entry[],
    verdicts: ReadonlyMap<number, string>,
  ): Promise<{ readonly staged: StagedCells; readonly head: Head; readonly outcomes: StoreOutcome[] }> {
    const staged = new StagedCells(picture)
    const outcomes: StoreOutcome[] = []
    let { head } = this
    for (const entry of entries) {
      if (entry.index <= head.position.index) outcomes.push(storedOutcome(entry, await knownIn(staged, entry)))
      else {
        const applied = await applyEntry(this.machine, staged, head, entry, verdicts.get(entry.index), this.forgetting)
        head = applied.head
        outcomes.push(applied.outcome)
      }
    }
    return { staged, head, outcomes }
  }

  async query(query: Uint8Array, indexMin: number): Promise<StoreAnswer> {
    this.checkWhole()
    const { position } = this.head
    if (position.index < indexMin) throw new StoreBehind(`it is at ${position.index}, and ${indexMin} is asked for`)
    const result = await this.read((picture) => this.machine.query(query, viewOf(picture)))
    return { position, result: utf8.encode(jsonOf(result)) }
  }

  async backup(signal: AbortSignal): Promise<StoreBackup> {
    this.checkWhole()
    return { position: this.head.position, stream: backupOf(this.cells.picture(), signal) }
  }

  async restore(stream: AsyncIterable<Uint8Array>): Promise<StorePosition> {
    this.checkOpen()
    this.isFilling = true
    this.forgetting = neverLooked()
    this.head = emptyHead(this.claim)
    await empty(this.guarded)
    this.durableIndex = 0
    let head: Head | undefined
    const some: [string, Uint8Array][] = []
    try {
      for await (const { name, bytes } of cellsIn(stream)) {
        if (name === HEAD) head = readHead(bytes)
        else if (!isMark(name)) some.push([name, bytes])
        if (some.length >= WRITTEN_TOGETHER) await this.write(new Map(some.splice(0)))
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
    this.durableIndex = claimed.position.index
    this.isFilling = false
    return this.at
  }

  async digest(slice: number): Promise<string> {
    this.checkWhole()
    return this.read(async (picture) => {
      const parts: Uint8Array[] = []
      for await (const { name, bytes } of picture.range(KEY)) {
        const hash = sha256(utf8.encode(name.slice(KEY.length)))
        if ((hash[0] as number) % STORE_SLICES === slice) parts.push(hash, sha256(bytes))
      }
      return Buffer.from(sha256(Buffer.concat(parts))).toString('hex')
    })
  }

  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    await Promise.allSettled(this.reading)
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

  private async read<T>(run: (picture: Picture) => Promise<T> | T): Promise<T> {
    const running = pictured(this.cells, run)
    this.reading.add(running)
    try {
      return await running
    } finally {
      this.reading.delete(running)
    }
  }

  /** Whatever the cells throw is not known to be deterministic. */
  private async write(writes: CellWrites): Promise<void> {
    try {
      await this.cells.write(writes)
    } catch (error) {
      throw new StoreUnavailable('not-written', { cause: error })
    }
  }

  /** What a crash takes of it the log has: nobody waits for a disk here. */
  private async keep(writes: CellWrites, head: Head): Promise<void> {
    const { later } = this.cells
    const landed = (): void => void (this.durableIndex = head.position.index)
    if (later === undefined) {
      await this.write(writes)
      this.head = head
      return landed()
    }
    try {
      await later.room()
    } catch (error) {
      throw new StoreUnavailable('not-written', { cause: error })
    }
    later.lay(writes, landed)
    this.head = head
  }

  private get guarded(): Pick<Cells, 'picture' | 'write'> {
    return { picture: () => this.cells.picture(), write: (writes) => this.write(writes) }
  }
}

async function pictured<T>(cells: Pick<Cells, 'picture'>, run: (picture: Picture) => Promise<T> | T): Promise<T> {
  const picture = cells.picture()
  try {
    return await run(picture)
  } finally {
    await picture.end()
  }
}

function isMark(name: string): boolean {
  return name === HEAD || name === FILLING
}

/** Nothing is old enough to be forgotten until the log's clock has passed this. */
interface Forgetting {
  untilMs: number
}

function neverLooked(): Forgetting {
  return { untilMs: Number.NEGATIVE_INFINITY }
}

/** One entry, its effects and its outcome, staged. */
async function applyEntry(
  machine: Machine,
  staged: StagedCells,
  before: Head,
  entry: Entry,
  verdict: string | undefined,
  forgetting: Forgetting,
): Promise<Concluded> {
  const { index, atMs, body } = entry
  const forgotten = await forget(staged, headAt(before, entry), forgetting)
  const alone = concludedAlone(forgotten, entry, await knownIn(staged, entry))
  if (alone !== undefined || body.kind !== 'command') return alone as Concluded
  const { submitId, command } = body
  const hash = hashOf(command)
  const effects = new StagedCells(staged)
  const outcome =
    verdict === undefined
      ? await outcomeOf(() => machine.apply(command, stateOf(effects), { index, atMs }))
      : rejectedBy('constraint', verdict)
  const rows = outcome.kind === 'done' ? effects.writes.size : 0
  if (outcome.kind === 'done') staged.join(effects)
  staged.put(NAME + submitId, writeRemembered({ index, atMs, hash, outcome }))
  staged.put(BY_INDEX + indexText(index), utf8.encode(submitId))
  return concluded({ ...forgotten, remembered: forgotten.remembered + 1 }, outcome, rows)
}

/** @throws whatever is no fault of the command */
async function outcomeOf(run: () => unknown): Promise<StoreOutcome> {
  try {
    // A bare array, as results are when they are read back.
    const result = Uint8Array.from(utf8.encode(jsonOf(await run())))
    return { kind: 'done', result: result.length <= RESULT_KEPT_MAX ? result : TRUNCATED }
  } catch (error) {
    if (error instanceof Rejected) return rejectedBy(error.class, error.code)
    throw error
  }
}

function rejectedBy(named: string, code: string): StoreOutcome {
  return { kind: 'rejected', class: named, code, isPartial: false }
}

function jsonOf(result: unknown): string {
  return JSON.stringify(result ?? null)
}

/**
 * Drops names that are too old by the log's clock, and the oldest of too many: the same at every
 * replica.
 */
async function forget(staged: StagedCells, head: Head, forgetting: Forgetting): Promise<Head> {
  let { remembered, forgottenIndex } = head
  // The oldest name is looked for when it may be due, not at each entry.
  if (head.atMs <= forgetting.untilMs && remembered < OUTCOMES_KEPT_MAX) return head
  forgetting.untilMs = head.atMs + OUTCOME_KEPT_MS
  for await (const { name, bytes } of staged.range(BY_INDEX)) {
    const submitId = utf8.decode(bytes)
    const known = await rememberedIn(staged, submitId)
    if (known !== undefined && !isTooOld(known, { ...head, remembered })) {
      forgetting.untilMs = known.atMs + OUTCOME_KEPT_MS
      break
    }
    staged.put(name, undefined)
    staged.put(NAME + submitId, undefined)
    remembered -= 1
    forgottenIndex = known?.index ?? forgottenIndex
  }
  return { ...head, remembered, forgottenIndex }
}

async function knownIn(cells: CellView, { body }: Entry): Promise<Remembered | undefined> {
  return body.kind === 'command' ? rememberedIn(cells, body.submitId) : undefined
}

async function rememberedIn(cells: CellView, submitId: string): Promise<Remembered | undefined> {
  const bytes = await cells.get(NAME + submitId)
  return bytes === undefined ? undefined : readRemembered(bytes)
}

function viewOf(cells: CellView): MachineView {
  return {
    get: (key) => cells.get(KEY + key),
    async *range(prefix) {
      for await (const { name, bytes } of cells.range(KEY + prefix)) yield { key: name.slice(KEY.length), value: bytes }
    },
  }
}

function stateOf(cells: StagedCells): MachineState {
  return {
    ...viewOf(cells),
    put: (key, value) => {
      checkKey(key)
      checkValue(value?.length ?? 0)
      cells.put(KEY + key, value)
    },
  }
}

function indexText(index: number): string {
  return index.toString(16).padStart(INDEX_DIGITS, '0')
}
