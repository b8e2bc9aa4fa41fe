/** What a store knows of itself: the incarnation, the ceiling. Its format is in `../format.ts`. */
import { CEILING_NONE } from '../../../protocols/base/ballot.ts'
import type { Ceiling } from '../../../protocols/base/ballot.ts'
import type { Incarnation } from '../../../protocols/base/identity.ts'
import type { Persist } from '../../../protocols/base/persist.ts'
import type { Facts } from '../../ports/storage.ts'
import type { RowChange } from '../../commit.ts'
import { DamagedStore } from '../errors.ts'
import { readFact } from '../format.ts'
import { factRow } from '../rows.ts'
import type { Table, TableInit } from './table.ts'

const INCARNATION = /^[0-9a-f]{32}$/

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
