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
import type { Cells } from '../../src/stores/cells.ts'
import { openKvStore } from '../../src/stores/kv-store.ts'
import { LmdbCells } from '../../src/stores/lmdb-cells.ts'
import { claim, storeContract } from './log-store.ts'
import type { Speech } from './log-store.ts'

const utf8 = new TextEncoder()
const text = new TextDecoder()

const SPEECH: Speech = {
  set: (values) => JSON.stringify({ set: values }),
  wasSet: () => 'null',
  add: (key, by) => JSON.stringify({ add: { [key]: by } }),
  wasAdded: (key, sum) => JSON.stringify({ add: { [key]: sum } }),
  replace: (key, expected, value) => JSON.stringify({ cas: { [key]: [expected, value] } }),
  halfway: JSON.stringify({ set: { half: '1' }, add: { half: 'x' } }),
  isUndone: true,
  isLinked: true,
  nonsense: ['no json', '{}', '{"toString":1}'],
  noQueries: ['{"set":{"a":"9"}}', 'no json', '{"get":["a"],"delete":["a"]}'],
  query: '{"list":""}',
  read: async (store, keys) => {
    const { result } = await store.query(utf8.encode(JSON.stringify({ get: keys })), 0)
    return JSON.parse(text.decode(result)) as Record<string, string | null>
  },
}

/** Cells that can be told to fail. */
function hindered(cells: Cells): { readonly cells: Cells; readonly hinder: () => Promise<() => Promise<void>> } {
  const write = cells.write.bind(cells)
  return {
    cells,
    hinder: async () => {
      cells.write = async () => {
        throw new Error('ENOSPC')
      }
      return async () => void (cells.write = write)
    },
  }
}

storeContract('in memory', SPEECH, async () => {
  const { cells, hinder } = hindered(new MemoryCells())
  return {
    open: async (by) => openKvStore(cells, by),
    hinder,
    spoil: async () => cells.write(new Map([['x', new Uint8Array([1])]])),
    remove: async () => {},
  }
})

storeContract('in lmdb', SPEECH, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'replicator-log-store-'))
  let hinder: (() => Promise<() => Promise<void>>) | undefined
  return {
    hinder: async () => (hinder as () => Promise<() => Promise<void>>)(),
    open: async (by) => {
      const opened = hindered(new LmdbCells(directory))
      const { cells } = opened
      hinder = () => opened.hinder()
      try {
        return await openKvStore(cells, by)
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

test('writes that are not made yet are seen over the cells below, in order', async () => {
  const below = new MemoryCells(['a', 'b', 'd', 'e'].map((name) => [name, new Uint8Array([1])] as const))
  const staged = new StagedCells(below.picture())
  staged.put('c', new Uint8Array([2]))
  staged.put('b', undefined)
  staged.put('d', new Uint8Array([3]))
  staged.put('f', new Uint8Array([4]))
  const shown: string[] = []
  for await (const { name, bytes } of staged.range('')) shown.push(`${name}${bytes[0]}`)
  assert.deepEqual(shown, ['a1', 'c2', 'd3', 'e1', 'f4'])
  assert.equal(staged.get('b'), undefined)
})

test('a picture stays as it was, whatever is written', async () => {
  const cells = new MemoryCells([['a', new Uint8Array([1])]])
  const picture = cells.picture()
  await cells.write(new Map([['a', new Uint8Array([2])]]))
  assert.deepEqual([picture.get('a'), cells.picture().get('a')], [new Uint8Array([1]), new Uint8Array([2])])
})

test('a store that is being filled for another log is not taken', async () => {
  const cells = new MemoryCells()
  await openKvStore(cells, claim)
  await cells.write(new Map([['f', new Uint8Array()]]))
  await assert.rejects(openKvStore(cells, { ...claim, logId: 'f'.repeat(32) }), /store-of-another-log/)
  const store = await openKvStore(cells, claim)
  assert.equal(store.at.position.index, 0)
})
