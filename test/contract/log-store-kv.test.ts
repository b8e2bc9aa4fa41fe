/**
 * The reference store of logs, in memory and in lmdb, held to the contract; and what only lmdb can
 * show.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { MemoryCells, StagedCells } from '../../src/stores/cells.ts'
import type { Cells, CellWrites, Picture } from '../../src/stores/cells.ts'
import { openKvStore } from '../../src/stores/kv-store.ts'
import { LaidCells } from '../../src/stores/laid-cells.ts'
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
  const { later } = cells
  const refuse = async (): Promise<void> => {
    throw new Error('ENOSPC')
  }
  const show = (shown: Pick<Cells, 'write' | 'later'>): void => {
    for (const [name, value] of Object.entries(shown)) Object.defineProperty(cells, name, { value, configurable: true })
  }
  return {
    cells,
    hinder: async () => {
      show({ write: refuse, ...(later !== undefined && { later: { room: refuse, lay: (...laid) => later.lay(...laid) } }) })
      return async () => show({ write, ...(later !== undefined && { later }) })
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

const IN_LMDB: Readonly<Record<string, (directory: string) => Cells>> = {
  'in lmdb': (directory) => new LmdbCells(directory),
  'in lmdb, as peers keep it': (directory) => new LaidCells(new LmdbCells(directory)),
}

for (const [name, openCells] of Object.entries(IN_LMDB))
  storeContract(name, SPEECH, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'replicator-log-store-'))
    let hinder: (() => Promise<() => Promise<void>>) | undefined
    return {
      hinder: async () => (hinder as () => Promise<() => Promise<void>>)(),
      open: async (by) => {
        const opened = hindered(openCells(directory))
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

suite('cells that reach the disk later', () => {
  const one = (name: string, byte: number): CellWrites => new Map([[name, new Uint8Array([byte])]])
  const shownOf = async (picture: Picture): Promise<string[]> => {
    const shown: string[] = []
    for await (const { name, bytes } of picture.range('')) shown.push(`${name}${bytes[0]}`)
    return shown
  }

  test('what is laid is shown at once and on disk later, in one write, and who laid it is told then', async () => {
    const below = new MemoryCells([['a', new Uint8Array([1])]])
    const written: number[] = []
    const cells = new LaidCells({
      picture: () => below.picture(),
      write: async (writes) => {
        written.push(writes.size)
        await below.write(writes)
      },
      close: () => below.close(),
    })
    const landed: number[] = []
    cells.lay(one('b', 2), () => landed.push(1))
    cells.lay(new Map([...one('c', 3), ['a', undefined]]), () => landed.push(2))
    assert.deepEqual(
      [await shownOf(cells.picture()), cells.picture().get('a'), await shownOf(below.picture())],
      [['b2', 'c3'], undefined, ['a1']],
    )
    assert.deepEqual([written, landed], [[], []])
    await cells.close()
    assert.deepEqual([await shownOf(below.picture()), written, landed], [['b2', 'c3'], [3], [1, 2]])
  })

  test('a picture stays as it was, whatever is laid or written', async () => {
    const cells = new LaidCells(new MemoryCells())
    cells.lay(one('a', 1), () => undefined)
    const before = cells.picture()
    cells.lay(one('a', 2), () => undefined)
    const between = cells.picture()
    await cells.write(one('b', 3))
    assert.deepEqual([await shownOf(before), await shownOf(between), await shownOf(cells.picture())], [['a1'], ['a2'], ['a2', 'b3']])
    await cells.close()
  })

  test('what the disk does not take is shown still, and nothing is laid upon it until the disk takes it', async () => {
    const { cells: below, hinder } = hindered(new MemoryCells())
    const cells = new LaidCells(below)
    const allow = await hinder()
    const landed: number[] = []
    cells.lay(one('a', 1), () => landed.push(1))
    await assert.rejects(cells.write(one('b', 2)), /ENOSPC/)
    await assert.rejects(async () => cells.room(), /ENOSPC/)
    assert.deepEqual([await shownOf(cells.picture()), landed], [['a1'], []])
    await allow()
    await cells.room()
    cells.lay(one('c', 3), () => landed.push(3))
    assert.deepEqual([await shownOf(cells.picture()), landed], [['a1', 'c3'], [1]])
    await cells.close()
    assert.deepEqual(await shownOf(below.picture()), ['a1', 'c3'])
  })
})
