/**
 * A damaged store is put aside whole, as evidence, and a new one takes its place, with what of the
 * old one is sound. The new store has an incarnation of its own, so its peer is somebody else from
 * now on: it begins as a learner and is filled by repair.
 *
 *     store/        the store
 *     store.draft/  the new one, for as long as it is not filled
 *     damaged-N/    what was put aside; N counts from 1
 *
 * At each instant the data directory holds one store or the other, or a whole draft and what was
 * put aside.
 */
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isHiddenKey } from '../../protocols/base/register.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import { runChild } from './child.ts'
import { syncDirectory } from './files.ts'
import { openLmdbStorage } from './lmdb.ts'

const STORE = 'store'
const DRAFT = 'store.draft'
const ASIDE = /^damaged-(\d+)$/
const DIRECTORY_MODE = 0o700

export interface PutAside {
  /** The absolute path of what was put aside. */
  readonly path: string
  /** How many clients' keys were copied. */
  readonly keyCount: number
  /**
   * Of the last config that was copied, -1 when none could be read. Then no key was copied either:
   * whose they are is unknown.
   */
  readonly epoch: number
}

/**
 * Puts the store of a data directory aside. It must be closed. @throws Error of the system; then
 * nothing has changed
 */
export async function putAside(dataDirectory: string, codec: Codec): Promise<PutAside> {
  const [store, draft] = [join(dataDirectory, STORE), join(dataDirectory, DRAFT)]
  await begin(draft)
  const forward = await runChild('salvager', [store, draft, 'forward'])
  if (forward.code !== 0) await runChild('salvager', [store, draft, 'backward'])
  let kept = await look(draft, codec)
  if (kept.epoch < 0) {
    await begin(draft)
    kept = await look(draft, codec)
  }
  await syncDirectory(draft)
  const path = join(dataDirectory, `damaged-${Math.max(0, ...(await asides(dataDirectory))) + 1}`)
  await rename(store, path)
  await rename(draft, store)
  await syncDirectory(dataDirectory)
  return { path, ...kept }
}

/** Ends what a process that was killed on the way left behind. */
export async function finishPutAside(dataDirectory: string): Promise<void> {
  const names = await readdir(dataDirectory)
  if (!names.includes(DRAFT)) return
  if (names.includes(STORE)) return rm(join(dataDirectory, DRAFT), { recursive: true })
  await rename(join(dataDirectory, DRAFT), join(dataDirectory, STORE))
  await syncDirectory(dataDirectory)
}

/** The numbers of the stores put aside in a data directory. */
export async function asides(dataDirectory: string): Promise<number[]> {
  return (await readdir(dataDirectory)).flatMap((name) => ASIDE.exec(name)?.[1] ?? []).map(Number)
}

async function begin(draft: string): Promise<void> {
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, DIRECTORY_MODE)
}

async function look(draft: string, codec: Codec): Promise<{ keyCount: number; epoch: number }> {
  const storage = await openLmdbStorage(draft, codec)
  try {
    let keyCount = 0
    for (const { key } of storage.registers.chosen()) if (!isHiddenKey(key)) keyCount += 1
    return { keyCount, epoch: storage.registers.newestEpoch() }
  } finally {
    await storage.close()
  }
}
