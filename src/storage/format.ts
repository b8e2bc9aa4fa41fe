/** The format of a store on disk: which versions can read it rightly. */
import { randomBytes } from 'node:crypto'
import type { RowChange } from '../commit.ts'
import { ALL_FROM } from './environment.ts'
import type { Environment } from './environment.ts'
import { DamagedStore, UnknownFormat } from './errors.ts'
import { syncDirectory } from './files.ts'
import { factRow, readFactRow } from './rows.ts'

/**
 * The format that a store begins with. It rises when an older version could no longer read the
 * store rightly.
 */
const FORMAT = 2
/**
 * That of a store with rows of further types: a version that passes over them would speak for a
 * store that it half knows.
 */
const FORMAT_WITH_TYPES = 3
const INCARNATION_BYTES = 16

/**
 * Checks the format, and begins an empty store: it is on disk, with its incarnation, before this
 * resolves.
 *
 * @throws UnknownFormat when it was written by a version that this one does not know
 * @throws DamagedStore when it holds something and has no format
 */
export async function checkFormat(environment: Environment, directory: string): Promise<void> {
  const { root, facts } = environment
  const format = readFact(environment, 'format')
  if (format === FORMAT || format === FORMAT_WITH_TYPES) return
  if (format !== undefined)
    throw new UnknownFormat(
      `the store in ${directory} has format ${JSON.stringify(format)}; this version knows ${FORMAT} and ${FORMAT_WITH_TYPES}`,
    )
  if (isUsed(environment)) throw new DamagedStore(`the store in ${directory} has lost its format`)
  root.transactionSync(() => {
    facts.putSync('format', factRow('format', FORMAT))
    facts.putSync('incarnation', factRow('incarnation', randomBytes(INCARNATION_BYTES).toString('hex')))
  })
  await syncDirectory(directory)
}

/** What goes in one transaction with the first rows of further types. */
export function raiseFormat(environment: Environment): readonly RowChange[] {
  if (readFact(environment, 'format') === FORMAT_WITH_TYPES) return []
  const row = factRow('format', FORMAT_WITH_TYPES)
  return [() => environment.facts.put('format', row)]
}

/**
 * What a store knows of itself, by name; undefined for what was never written. @throws DamagedStore
 * when it is not as it was written
 */
export function readFact({ facts }: Environment, name: string): unknown {
  const row = facts.getBinary(name)
  return row === undefined ? undefined : readFactRow(name, row)
}

function isUsed({ chosen, accepted }: Environment): boolean {
  return [chosen, accepted].some((table) => [...table.getKeys({ start: ALL_FROM, limit: 1 })].length > 0)
}
