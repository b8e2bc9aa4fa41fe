import { ceilingWrite, divergedWrite, rowsWrite } from '../../protocols/base/persist.ts'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { compareUtf8 } from '../../protocols/base/bytes.ts'
import { configKey, dataKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import { leafOf } from '../../protocols/base/hash-tree.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../../src/bytes.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { findDamage } from '../../src/storage/examine.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { factRow, readFactRow } from '../../src/storage/rows.ts'
import { openEnvironment } from '../../src/storage/environment.ts'
import { accepted, chosen, recordOf } from '../contract/storage.ts'
import { batchOf } from '../contract/storage-writer.ts'

const WRITER = join(import.meta.dirname, '../contract/storage-writer.ts')
const KILLS = 4
/** Batches that resolve before each kill. */
const BATCHES_PER_KILL = 60
const FILE_KIB_MAX = 2_048

const codec = new Codec(utf8)

describe('the store on disk', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'replicator-storage-'))
  })
  afterEach(async () => rm(directory, { recursive: true, force: true }))

  async function opened<T>(look: (storage: Storage) => T | Promise<T>): Promise<T> {
    const storage = await openLmdbStorage(directory, codec)
    try {
      return await look(storage)
    } finally {
      await storage.close()
    }
  }

  /** Puts other bytes in the place of these, wherever they stand in the stopped store. */
  async function damage(found: string, put: string): Promise<void> {
    const path = join(directory, 'data.mdb')
    const bytes = await readFile(path)
    let count = 0
    for (let at = bytes.indexOf(found); at >= 0; at = bytes.indexOf(found, at + 1)) {
      bytes.write(put, at)
      count += 1
    }
    assert.ok(count > 0, `${found} is in the file`)
    await writeFile(path, bytes)
  }

  it('shows after a reopening what was there before it', async () => {
    const before = await opened(async (storage) => {
      await storage.write([
        chosen(dataKey('a'), 'one'),
        accepted(dataKey('b'), 'two', 7),
        accepted(dataKey('c'), 'three', 8),
        chosen(configKey(0), 'zero'),
      ])
      await storage.write([
        chosen(dataKey('c'), 'three'),
        chosen(configKey(1), 'first'),
        divergedWrite(dataKey('c'), recordOf('another three')),
        ceilingWrite({ epoch: 1, round: 131_072 }),
      ])
      return contents(storage)
    })
    const after = await opened(contents)
    assert.deepEqual(after, before)
    assert.equal(after.newestEpoch, 1)
    assert.deepEqual(after.doubts, ['b'])
    assert.deepEqual(after.diverged, [['c', 'another three']])
    assert.deepEqual(
      after.leaf.map((entry) => entry.key),
      ['c'],
    )
  })

  it('numbers rows on from the last one after a reopening', async () => {
    for (let round = 0; round < 3; round += 1) {
      await opened((storage) => storage.write([chosen(dataKey(`${round}/a`), 'x'), chosen(dataKey(`${round}/b`), 'x')]))
    }
    assert.equal(await opened((storage) => storage.registers.list('', '', 100).entries.length), 6)
  })

  it('loses nothing that resolved when its process is killed, and keeps what it has in the order given', { timeout: 60_000 }, async () => {
    let resolved = 0
    for (let kill = 0; kill < KILLS; kill += 1) {
      const child = spawn(process.execPath, [WRITER, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
      resolved = await lastResolved(child, resolved + BATCHES_PER_KILL)
      await opened((storage) => {
        const last = storage.facts.ceiling().round
        assert.ok(last >= resolved, `batch ${resolved} had resolved, batch ${last} is the last on disk`)
        for (let number = 1; number <= last; number += 1) for (const write of batchOf(number)) assertHeld(storage, write)
        assert.equal([...storage.registers.chosen()].length, last * (batchOf(1).length - 1), 'nothing of a later batch is there')
      })
    }
  })

  it(
    'refuses everything, for one reason, once the disk took a write no more, and keeps what resolved before',
    { timeout: 60_000 },
    async () => {
      const child = spawn('sh', ['-c', `ulimit -f ${FILE_KIB_MAX * 2}; exec "$0" "$@"`, process.execPath, WRITER, directory], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const said: string[] = []
      for await (const line of createInterface({ input: child.stdout })) said.push(line)
      const failure = JSON.parse(said.pop() as string) as { name: string; message: string; sameLater: boolean }
      assert.equal(failure.name, 'StorageFailed')
      assert.match(failure.message, /input\/output error|too large|no space/i)
      assert.ok(failure.sameLater)
      await opened((storage) => {
        assert.ok(said.length > 0)
        for (const number of said) for (const write of batchOf(Number(number))) assertHeld(storage, write)
        assert.equal([...storage.registers.chosen()].length, storage.facts.ceiling().round * (batchOf(1).length - 1))
      })
    },
  )

  it('keeps its incarnation, and has another when it is emptied', async () => {
    const first = await opened((storage) => storage.facts.incarnation)
    assert.equal(await opened((storage) => storage.facts.incarnation), first)
    await rm(directory, { recursive: true })
    assert.notEqual(await opened((storage) => storage.facts.incarnation), first)
  })

  it('notices a damaged value, and serves the others', async () => {
    await opened((storage) =>
      storage.write([chosen(dataKey('a'), 'a marked value'), chosen(dataKey('b'), 'another value'), accepted(dataKey('c'), 'in doubt', 1)]),
    )
    await damage('a marked value', 'a market value')
    await damage('in doubt', 'in debut')
    await opened((storage) => {
      assert.throws(() => storage.registers.read(dataKey('a')), { name: 'DamagedStore' })
      assert.throws(() => storage.registers.list('', '', 10), { name: 'DamagedStore' })
      assert.equal(utf8.decode(storage.registers.read(dataKey('b'))?.chosen?.value as Uint8Array), 'another value')
      assert.throws(() => storage.registers.read(dataKey('c')), { name: 'DamagedStore' })
      assert.throws(() => [...storage.registers.inDoubt()], { name: 'DamagedStore' })
    })
  })

  it('notices a damaged key when the tree is rebuilt', async () => {
    await opened((storage) => storage.write([chosen(dataKey('a marked key'), 'one'), chosen(dataKey('b'), 'two')]))
    const path = join(directory, 'data.mdb')
    const sound = await readFile(path)
    const places: number[] = []
    for (let at = sound.indexOf('a marked key'); at >= 0; at = sound.indexOf('a marked key', at + 1)) places.push(at)
    assert.ok(places.length >= 2, 'the key stands in its row, and where it is looked up')
    for (const place of places) {
      const bytes = Buffer.from(sound)
      bytes.write('a market key', place)
      await writeFile(path, bytes)
      await opened((storage) => assert.throws(() => [...storage.registers.chosen()], { name: 'DamagedStore' }))
    }
  })

  it('lists all keys of a leaf, whether they came in one transaction, in several, or before it was opened', async () => {
    const [leaf, keys] = crowdedLeaf()
    const listed = (storage: Storage): RegisterKey[] => storage.registers.leaf(leaf, undefined, 100).map(({ key }) => key)
    const other = dataKey('in another leaf')
    await opened((storage) => storage.write([chosen(keys[0], 'v'), chosen(other, 'v'), chosen(keys[1], 'v')]))
    await opened(async (storage) => {
      // Nothing was looked at before this write, and it must follow what is there.
      await storage.write([chosen(keys[2], 'v'), chosen(configKey(0), 'v')])
      const written = storage.write([chosen(keys[3], 'v')])
      assert.deepEqual(listed(storage), keys.slice(0, 4))
      await written
      assert.deepEqual(listed(storage), keys.slice(0, 4))
    })
    await opened(async (storage) => {
      assert.equal([...storage.registers.chosen()].length, 5)
      await storage.write([chosen(keys[4], 'v')])
      assert.deepEqual(listed(storage), keys)
    })
    assert.deepEqual(await opened(listed), keys)
  })

  it('keeps rows of further types, and has the later format from the first of them on', async () => {
    const format = async (): Promise<unknown> => {
      const tables = openEnvironment(directory)
      const row = tables.facts.getBinary('format')
      await tables.root.close()
      return row === undefined ? undefined : readFactRow('format', row)
    }
    await opened((storage) => storage.write([chosen(dataKey('a'), 'one')]))
    assert.equal(await format(), 2)
    const slot = { type: 'sets', name: 's' }
    const row = { name: 'row', bytes: utf8.encode('x') }
    await opened((storage) =>
      storage.write([rowsWrite(slot, [row, { ...row, name: 'gone' }]), rowsWrite(slot, [{ name: 'gone', bytes: undefined }])]),
    )
    assert.equal(await format(), 3)
    const found = await opened((storage) => [...storage.rows('sets').range('')].map(({ name, bytes }) => [name, utf8.decode(bytes)]))
    assert.deepEqual(found, [['row', 'x']])
  })

  it('serves no row of a further type that is not as it was written, and a look at the whole store finds it', async () => {
    const rows = [
      { name: 'sound', bytes: utf8.encode('as written') },
      { name: 'row', bytes: utf8.encode('recognizable') },
    ]
    await opened((storage) => storage.write([rowsWrite({ type: 'sets', name: 's' }, rows)]))
    assert.equal(await findDamage(directory), undefined)
    await damage('recognizable', 'recogniZable')
    await opened((storage) => {
      assert.deepEqual(storage.rows('sets').get('sound'), utf8.encode('as written'))
      assert.throws(() => storage.rows('sets').get('row'), { name: 'DamagedStore' })
      assert.throws(() => [...storage.rows('sets').range('')], { name: 'DamagedStore' })
    })
    assert.match((await findDamage(directory)) ?? '', /checksum does not match/)
  })

  it('is not opened when it is no store, or of a format not known', async () => {
    const tables = openEnvironment(directory)
    await tables.facts.put('format', factRow('format', 4))
    await tables.root.close()
    await assert.rejects(openLmdbStorage(directory, codec), {
      name: 'UnknownFormat',
      message: `the store in ${directory} has format 4; this version knows 2 and 3`,
    })
    await writeFile(join(directory, 'data.mdb'), 'something else'.repeat(1_000))
    await assert.rejects(openLmdbStorage(directory, codec), { name: 'DamagedStore' })
    await writeFile(join(directory, 'data.mdb'), '')
    await opened((storage) => assert.equal(storage.registers.newestEpoch(), -1))
  })
})

/** A leaf, and five keys of it, in order. */
function crowdedLeaf(): [leaf: number, keys: [RegisterKey, RegisterKey, RegisterKey, RegisterKey, RegisterKey]] {
  const leaf = leafOf(dataKey('k0'))
  const keys: RegisterKey[] = []
  for (let index = 0; keys.length < 5; index += 1) if (leafOf(dataKey(`k${index}`)) === leaf) keys.push(dataKey(`k${index}`))
  return [leaf, keys.toSorted(compareUtf8) as [RegisterKey, RegisterKey, RegisterKey, RegisterKey, RegisterKey]]
}

function contents(storage: Storage): Record<
  'incarnation' | 'diverged' | 'ceiling' | 'newestEpoch' | 'listed' | 'summaries' | 'states',
  unknown
> & {
  doubts: string[]
  leaf: { key: string }[]
  newestEpoch: number
} {
  return {
    incarnation: storage.facts.incarnation,
    ceiling: storage.facts.ceiling(),
    newestEpoch: storage.registers.newestEpoch(),
    listed: storage.registers.list('', '', 100),
    summaries: [...storage.registers.chosen()],
    doubts: [...storage.registers.inDoubt()],
    diverged: [...storage.registers.diverged()].map(({ key, told }) => [key, utf8.decode(told.value)]),
    leaf: [...storage.registers.leaf(leafOf(dataKey('c')), undefined, 10)],
    states: [dataKey('a'), dataKey('b'), dataKey('c'), configKey(0), configKey(1)].map((key) =>
      // Bytes are bytes, whether they were read from the disk or are held since they were given.
      structuredClone(storage.registers.read(key)),
    ),
  }
}

function assertHeld(storage: Storage, write: ReturnType<typeof batchOf>[number]): void {
  if (write.kind !== 'chosen') return
  const held = storage.registers.read(write.key)?.chosen
  assert.ok(held !== undefined && Buffer.compare(held.value, write.record.value) === 0, `${write.key} is there`)
}

/** Kills the writer when a batch has resolved; gives the last that it said had. */
async function lastResolved(child: ChildProcess, enough: number): Promise<number> {
  let last = 0
  const gone = once(child, 'exit')
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    last = Math.max(last, Number(line))
    if (last >= enough) child.kill('SIGKILL')
  }
  await gone
  assert.ok(last >= enough, 'the writer went on until it was killed')
  return last
}
