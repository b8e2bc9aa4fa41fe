/**
 * Registers as repair sees them: merging takes the higher entry, and what a change must carry over
 * are those in doubt. A source tells with each answer what it has swept; whoever has pulled all of
 * it knows that what it lacks of that is gone.
 */
import type { Ballot } from '../base/ballot.ts'
import { compareBallots } from '../base/ballot.ts'
import type { Utf8 } from '../base/bytes.ts'
import { LEAVES } from '../base/hash-tree.ts'
import { dataKey } from '../base/register.ts'
import type { RegisterKey } from '../base/register.ts'
import type { RowCollection, Visit } from '../repair/collection.ts'
import { MalformedBytes } from '../wire/malformed.ts'
import { ByteReader } from '../wire/reader.ts'
import { ByteWriter } from '../wire/writer.ts'
import { readBallot, writeBallot } from '../wire/fields.ts'
import type { Swept } from './cells.ts'
import { readEntry, readIfAny, readSwept, writeIfAny, writeSwept } from './fields.ts'
import type { RegistersCore } from './registers.ts'

/** What a source tells of itself. */
interface Mark {
  readonly swept: Swept | undefined
  /** The lowest ballot at which it has accepted something above what it holds. */
  readonly lowest: Ballot | undefined
}

export function registerCollection(core: RegistersCore, utf8: Utf8): RowCollection {
  const { index } = core.cells
  return {
    isCarriedOver: true,
    tree: index.tree,
    leaf: (leaf, after, limit) => index.leaf(leaf, after, limit),
    lacks: (name, digest) => index.lacks(name, digest),
    // One under a divergence alarm is listed and not delivered, which fails the pull: else it would
    // look gone.
    held: (name) => (core.isDiverged(dataKey(name)) ? undefined : index.get(name)),
    isWithheld: () => false,
    take(rows) {
      let learned = 0
      for (const { key, record: bytes } of rows) {
        const entry = read(bytes, utf8, readEntry)
        if (entry === undefined) continue
        if (core.learn(dataKey(key), entry.ballot, entry.record.version, entry.record) === 'learned') learned += 1
      }
      return learned
    },
    page: (after, limit) => core.doubts.page(after === undefined ? undefined : dataKey(after), limit),
    settle: (name, settled) => core.finisher.finish(dataKey(name), settled),
    mark: () => writeMark(core, utf8),
    visit: () => new Following(core, utf8),
  }
}

/** A pull, and what follows from what its source lacks. */
class Following implements Visit<string> {
  private readonly core: RegistersCore
  private readonly utf8: Utf8
  /** What the source had swept when it answered first. */
  private first: Mark | undefined
  private number = 0
  /** It showed something that it has not settled, at or below that. */
  private isUnsettled = false
  /** What is held here, in leaves that were listed, and not there. */
  private readonly lacking: RegisterKey[] = []

  constructor(core: RegistersCore, utf8: Utf8) {
    this.core = core
    this.utf8 = utf8
  }

  told(bytes: Uint8Array): boolean {
    const mark = read(bytes, this.utf8, readMark)
    if (mark === undefined) return false
    this.first ??= mark
    // A source may forget while it is read: what it forgot last counts as well.
    this.number = Math.max(this.number, mark.swept?.number ?? 0)
    const { swept } = this.first
    if (swept !== undefined && mark.lowest !== undefined && compareBallots(mark.lowest, swept.ballot) <= 0) this.isUnsettled = true
    return this.core.sweep.observe(mark.swept?.number ?? 0, mark.lowest)
  }

  listed(leaf: number, keys: ReadonlySet<string>): void {
    for (const { key } of this.core.cells.index.leaf(leaf, undefined, LEAVES)) if (!keys.has(key)) this.lacking.push(dataKey(key))
  }

  ended(isDone: boolean): void {
    const swept = this.first?.swept
    if (!isDone || this.isUnsettled || swept === undefined || this.core.cells.isSwept(swept.ballot)) return
    this.core.forgetAt({ ballot: swept.ballot, number: this.number }, this.lacking)
  }
}

function writeMark(core: RegistersCore, utf8: Utf8): Uint8Array {
  const writer = new ByteWriter(utf8)
  writeIfAny(writer, core.cells.swept, writeSwept)
  writeIfAny(writer, core.cells.lowestAccepted(), writeBallot)
  return writer.finish()
}

function readMark(reader: ByteReader): Mark {
  const swept = readIfAny(reader, readSwept)
  return { swept, lowest: readIfAny(reader, readBallot) }
}

/** Undefined for what no peer writes. */
function read<Value>(bytes: Uint8Array, utf8: Utf8, reading: (reader: ByteReader) => Value): Value | undefined {
  try {
    return reading(new ByteReader(bytes, utf8))
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}
