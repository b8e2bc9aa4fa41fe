/** A type that moves in brings a table of its own: the store takes its writes in order with all others, and stays as it is. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { Placed } from '../../protocols/base/persist.ts'
import { dataKey } from '../../protocols/base/register.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../../src/bytes.ts'
import type { RowChange } from '../../src/storage/commit.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { factRow, readFactRow } from '../../src/storage/rows.ts'
import type { Table, TableInit } from '../../src/storage/tables/table.ts'
import { chosen } from '../contract/storage.ts'

interface Raise extends Placed {
  readonly total: number
}

/** A counter that only grows, kept among the facts. */
class CounterTable implements Table {
  readonly types: readonly string[] = ['counter']
  readonly #init: TableInit
  settledSerials: number[] = []
  total: number

  constructor(init: TableInit) {
    this.#init = init
    const row = init.environment.facts.getBinary('counter')
    this.total = row === undefined ? 0 : (readFactRow('counter', row) as number)
  }

  take({ total }: Raise): boolean {
    this.#init.assertGoing()
    if (total <= this.total) return false
    this.total = total
    return true
  }

  changes({ total }: Raise): readonly RowChange[] {
    const row = factRow('counter', total)
    return [() => this.#init.environment.facts.put('counter', row)]
  }

  settled(writes: readonly Raise[], serial: number): void {
    if (writes.length > 0) this.settledSerials.push(serial)
  }
}

function raise(total: number): Raise {
  return { slot: { type: 'counter', name: 'a' }, isBarrier: false, isLazy: false, total }
}

suite('a table of a further type', () => {
  test('takes its writes in one order with those of keys, and shows them after the store was opened again', async (context) => {
    const directory = await mkdtemp(join(tmpdir(), 'replicator-tables-'))
    context.after(() => rm(directory, { recursive: true, force: true }))
    const tables: CounterTable[] = []
    const open = (init: TableInit): CounterTable => {
      const table = new CounterTable(init)
      tables.push(table)
      return table
    }
    const key = dataKey('a')
    const storage = await openLmdbStorage(directory, new Codec(utf8), [open])
    await storage.write([raise(3), chosen(key, 'one'), raise(2)])
    await storage.write([raise(5)])
    assert.deepEqual(tables[0]?.settledSerials, [0, 1])
    await storage.close()

    const again = await openLmdbStorage(directory, new Codec(utf8), [open])
    assert.equal(tables[1]?.total, 5)
    assert.ok(again.registers.read(key)?.chosen)
    await again.close()
  })

  test('that the store does not have ends the store when something is written for it', async (context) => {
    const directory = await mkdtemp(join(tmpdir(), 'replicator-tables-'))
    context.after(() => rm(directory, { recursive: true, force: true }))
    const storage = await openLmdbStorage(directory, new Codec(utf8))
    await assert.rejects(storage.write([raise(1)]), /no table for a write of type counter/)
    await assert.rejects(storage.write([chosen(dataKey('a'), 'one')]), /no table/)
    await storage.close()
  })
})
