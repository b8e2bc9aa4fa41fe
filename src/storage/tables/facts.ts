/** What a store knows of itself: the format, the incarnation, the ceiling. */
import { randomBytes } from 'node:crypto'
import { CEILING_NONE } from '../../../protocols/base/ballot.ts'
import type { Ceiling } from '../../../protocols/base/ballot.ts'
import type { Incarnation } from '../../../protocols/base/identity.ts'
import type { Persist } from '../../../protocols/base/persist.ts'
import type { Facts } from '../../ports/storage.ts'
import type { RowChange } from '../commit.ts'
import { ALL_FROM } from '../environment.ts'
import type { Environment } from '../environment.ts'
import { DamagedStore, UnknownFormat } from '../errors.ts'
import { syncDirectory } from '../files.ts'
import { factRow, readFactRow } from '../rows.ts'
import type { Table, TableInit } from './table.ts'

/** The format written here. It rises when an older version could no longer read the store rightly. */
const FORMAT = 2
const INCARNATION = /^[0-9a-f]{32}$/
const INCARNATION_BYTES = 16

/**
 * Checks the format, and begins an empty store: it is on disk, with its incarnation, before this resolves.
 *
 * @throws UnknownFormat when it was written by a version that this one does not know
 * @throws DamagedStore when it holds something and has no format
 */
export async function checkFormat(environment: Environment, directory: string): Promise<void> {
  const { root, facts } = environment
  const format = readFact(environment, 'format')
  if (format === FORMAT) return
  if (format !== undefined)
    throw new UnknownFormat(`the store in ${directory} has format ${JSON.stringify(format)}; this version knows ${FORMAT}`)
  if (isUsed(environment)) throw new DamagedStore(`the store in ${directory} has lost its format`)
  root.transactionSync(() => {
    facts.putSync('format', factRow('format', FORMAT))
    facts.putSync('incarnation', factRow('incarnation', randomBytes(INCARNATION_BYTES).toString('hex')))
  })
  await syncDirectory(directory)
}

export class LmdbFacts implements Facts, Table {
  readonly types: readonly string[] = ['facts']
  readonly incarnation: Incarnation
  readonly #init: TableInit
  #ceiling: Ceiling

  /** @throws DamagedStore when a fact is not as it was written */
  constructor(init: TableInit) {
    this.#init = init
    const incarnation = readFact(init.environment, 'incarnation')
    if (typeof incarnation !== 'string' || !INCARNATION.test(incarnation))
      throw new DamagedStore(`the store in ${init.directory} has lost its incarnation`)
    this.incarnation = incarnation as Incarnation
    this.#ceiling = (readFact(init.environment, 'ceiling') as Ceiling | undefined) ?? CEILING_NONE
  }

  ceiling(): Ceiling {
    this.#init.assertGoing()
    return this.#ceiling
  }

  take({ ceiling }: Extract<Persist, { kind: 'ceiling' }>): boolean {
    this.#ceiling = ceiling
    return true
  }

  changes({ ceiling }: Extract<Persist, { kind: 'ceiling' }>): readonly RowChange[] {
    const { facts } = this.#init.environment
    const row = factRow('ceiling', ceiling)
    return [() => facts.put('ceiling', row)]
  }

  settled(): void {
    // What is shown is what was given last, on disk or not.
  }
}

function isUsed({ chosen, accepted }: Environment): boolean {
  return [chosen, accepted].some((table) => [...table.getKeys({ start: ALL_FROM, limit: 1 })].length > 0)
}

function readFact({ facts }: Environment, name: string): unknown {
  const row = facts.getBinary(name)
  return row === undefined ? undefined : readFactRow(name, row)
}
