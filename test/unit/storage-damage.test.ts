import { ceilingWrite, divergedWrite } from '../../protocols/base/persist.ts'
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { configKey, dataKey } from '../../protocols/base/register.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../../src/bytes.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { StorageFailed, UnknownFormat, isDamage } from '../../src/storage/errors.ts'
import { findDamage, noteDamage, noteOpened, noteOpening } from '../../src/storage/examine.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { asides, finishPutAside, putAside } from '../../src/storage/put-aside.ts'
import { accepted, chosen, recordOf } from '../contract/storage.ts'

const PAGE_BYTES = 4_096
const KEYS = 2_000
/** Where a page says what it is, and the bits for a branch and a leaf. */
const FLAGS_AT = 18
const BRANCH = 1
const LEAF = 2

const codec = new Codec(utf8)

describe('a damaged store', () => {
  let directory: string
  let store: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'replicator-damage-'))
    store = join(directory, 'store')
    await mkdir(store)
  })
  afterEach(async () => rm(directory, { recursive: true, force: true }))

  async function opened<T>(look: (storage: Storage) => T | Promise<T>): Promise<T> {
    const storage = await openLmdbStorage(store, codec)
    try {
      return await look(storage)
    } finally {
      await storage.close()
    }
  }

  /** Configs 0 to 2, keys, a doubt, a divergence and a ceiling. @returns the incarnation */
  async function filled(): Promise<string> {
    return opened(async (storage) => {
      await storage.write([0, 1, 2].map((epoch) => chosen(configKey(epoch), `config ${epoch}`)))
      await storage.write(Array.from({ length: KEYS }, (_, index) => chosen(dataKey(`key/${index}`), `value of ${index}.`)))
      await storage.write([
        accepted(dataKey('doubt'), 'accepted', 9),
        divergedWrite(dataKey('key/1'), recordOf('another')),
        ceilingWrite({ epoch: 2, round: 65_536 }),
      ])
      return storage.facts.incarnation
    })
  }

  async function change(how: (bytes: Buffer, pages: (flag: number) => number[]) => void): Promise<void> {
    const path = join(store, 'data.mdb')
    const bytes = await readFile(path)
    const pages = (flag: number): number[] => {
      const found: number[] = []
      for (let at = 2 * PAGE_BYTES; at < bytes.length; at += PAGE_BYTES) if (((bytes[at + FLAGS_AT] ?? 0) & flag) !== 0) found.push(at)
      return found
    }
    how(bytes, pages)
    await writeFile(path, bytes)
  }

  it('is told from a sound one, from none, from a full disk and from another version', async () => {
    assert.equal(await findDamage(store), undefined)
    await filled()
    assert.equal(await findDamage(store), undefined)
    await change((bytes) => bytes.write('value og 7.', bytes.indexOf('value of 7.')))
    assert.match((await findDamage(store)) ?? '', /"key\/7".*checksum/)
    assert.equal(isDamage(new UnknownFormat('x')), false)
    assert.equal(isDamage(new StorageFailed('x', { cause: Object.assign(new Error('y'), { code: -30_782 }) })), false)
  })

  it('is found without being read by this process when a page would end it', async () => {
    await filled()
    await change((bytes, pages) => {
      for (const page of pages(BRANCH)) bytes.fill(0, page, page + PAGE_BYTES)
    })
    assert.match((await findDamage(store)) ?? '', /ends with SIG|cannot open|MDB_|lacks rows|lost its/)
  })

  it('is found when a page hides the rows behind it', async () => {
    await filled()
    const hidden = await opened((storage) => storage.facts.incarnation)
    assert.ok(hidden)
    await change((bytes, pages) => {
      // The rows of a leaf begin behind its header and the places of its rows; without places it
      // has none.
      const [, page] = pages(LEAF).filter((at) => bytes.subarray(at, at + PAGE_BYTES).includes('value of 1'))
      assert.ok(page !== undefined)
      bytes.writeUInt16LE(0, page + FLAGS_AT + 2)
    })
    assert.notEqual(await findDamage(store), undefined)
  })

  it('is put aside whole, and what is sound of it is in a new one, of another incarnation, that never promised or accepted', async () => {
    const before = await filled()
    await change((bytes) => {
      for (let at = bytes.indexOf('value of 7.'); at >= 0; at = bytes.indexOf('value of 7.', at + 1)) bytes.write('value og', at)
    })
    const evidence = await readFile(join(store, 'data.mdb'))
    assert.deepEqual(await putAside(directory, codec), { path: join(directory, 'damaged-1'), keyCount: KEYS - 1, epoch: 2 })
    assert.ok(evidence.equals(await readFile(join(directory, 'damaged-1', 'data.mdb'))))
    assert.equal(await findDamage(store), undefined)
    await opened((storage) => {
      assert.notEqual(storage.facts.incarnation, before)
      assert.deepEqual(storage.facts.ceiling(), { epoch: 0, round: 0 })
      assert.deepEqual([...storage.registers.inDoubt()], [])
      assert.deepEqual(
        [...storage.registers.diverged()].map(({ key }) => key),
        ['key/1'],
      )
      assert.equal(storage.registers.read(dataKey('key/7')), undefined)
      assert.equal(utf8.decode(storage.registers.read(dataKey('key/8'))?.chosen?.value as Uint8Array), 'value of 8.')
      assert.equal(utf8.decode(storage.registers.read(configKey(2))?.chosen?.value as Uint8Array), 'config 2')
    })
    assert.deepEqual(await asides(directory), [1])
  })

  it('keeps what lies before and behind a page that cannot be read', async () => {
    await filled()
    await change((bytes, pages) => {
      const rows = pages(LEAF).filter((at) => bytes.subarray(at, at + PAGE_BYTES).includes('value of 10'))
      const page = rows[Math.floor(rows.length / 2)]
      assert.ok(page !== undefined)
      bytes.fill(0, page, page + PAGE_BYTES)
    })
    assert.notEqual(await findDamage(store), undefined)
    const { keyCount, epoch } = await putAside(directory, codec)
    assert.equal(epoch, 2)
    assert.ok(keyCount < KEYS && keyCount > KEYS / 2, `${keyCount} of ${KEYS} keys`)
  })

  it('leaves only configs without a gap, and no key at all when none is left', async () => {
    await filled()
    await change((bytes) => {
      for (let at = bytes.indexOf('config 1'); at >= 0; at = bytes.indexOf('config 1', at + 1)) bytes.write('confit', at)
    })
    assert.equal((await putAside(directory, codec)).epoch, 0)
    await change((bytes) => {
      for (let at = bytes.indexOf('config 0'); at >= 0; at = bytes.indexOf('config 0', at + 1)) bytes.write('confit', at)
    })
    assert.deepEqual(await putAside(directory, codec), { path: join(directory, 'damaged-2'), keyCount: 0, epoch: -1 })
  })

  it('is given up by a note, which goes aside with it', async () => {
    await filled()
    noteDamage(store, 'it was read so')
    assert.equal(await findDamage(store), 'it was read so')
    await putAside(directory, codec)
    assert.equal(await findDamage(store), undefined)
    assert.ok((await readdir(join(directory, 'damaged-1'))).includes('damage'))
  })

  it('stays as it is through an opening that ends on the way, and through a putting aside that does', async () => {
    const before = await filled()
    await noteOpening(store)
    assert.equal(await findDamage(store), undefined)
    await noteOpened(store)
    const draft = join(directory, 'store.draft')
    await mkdir(draft)
    await finishPutAside(directory)
    assert.deepEqual(await readdir(directory), ['store'])
    assert.equal(await opened((storage) => storage.facts.incarnation), before)
    await rename(store, draft)
    await finishPutAside(directory)
    assert.equal(await opened((storage) => storage.facts.incarnation), before)
  })
})
