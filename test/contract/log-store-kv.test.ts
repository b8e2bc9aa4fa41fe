/**
 * The reference store of logs, in memory and in lmdb, held to the contract; and what only lmdb can
 * show.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { MemoryCells, StagedCells } from '../../src/stores/cells.ts'
import { openKvStore } from '../../src/stores/kv-store.ts'
import { LmdbCells } from '../../src/stores/lmdb-cells.ts'
import { storeContract } from './log-store.ts'

storeContract('in memory', async () => {
  const cells = new MemoryCells()
  return {
    open: async (claim) => openKvStore(cells, claim),
    spoil: async () => cells.write(new Map([['x', new Uint8Array([1])]])),
    remove: async () => cells.clear(),
  }
})

storeContract('in lmdb', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'replicator-log-store-'))
  return {
    open: async (claim) => {
      const cells = new LmdbCells(directory)
      try {
        return await openKvStore(cells, claim)
      } catch (error) {
        await cells.close()
        throw error
      }
    },
    spoil: async () => {
      const cells = new LmdbCells(directory)
      await cells.write(new Map([['x', new Uint8Array([1])]]))
      await cells.close()
    },
    remove: async () => rmSync(directory, { recursive: true, force: true }),
  }
})

test('writes that are not made yet are seen over the cells below, in order', () => {
  const below = new MemoryCells(['a', 'b', 'd', 'e'].map((name) => [name, new Uint8Array([1])] as const))
  const staged = new StagedCells(below)
  staged.put('c', new Uint8Array([2]))
  staged.put('b', undefined)
  staged.put('d', new Uint8Array([3]))
  staged.put('f', new Uint8Array([4]))
  const shown = [...staged.range('')].map(({ name, bytes }) => `${name}${bytes[0]}`)
  assert.deepEqual(shown, ['a1', 'c2', 'd3', 'e1', 'f4'])
  assert.equal(staged.get('b'), undefined)
})
