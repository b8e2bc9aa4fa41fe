/**
 * From a data directory to a store that can be relied on: a damaged one is put aside, and said to
 * be.
 */
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Codec } from '../../protocols/wire/codec.ts'
import type { Storage } from '../ports/storage.ts'
import type { DataDirectory } from '../storage/directory.ts'
import { isDamage } from '../storage/errors.ts'
import { findDamage, noteDamage, noteOpening } from '../storage/examine.ts'
import { openLmdbStorage } from '../storage/lmdb.ts'
import { asides, putAside } from '../storage/put-aside.ts'
import type { Warnings } from './warnings.ts'

export interface StoreOpening {
  readonly directory: DataDirectory
  readonly codec: Codec
  readonly logger: Logger
  readonly warnings: Warnings
}

/**
 * Opens the store of a data directory; a damaged one is put aside first, and a new one opened that
 * holds what was sound.
 *
 * @throws Error of the system or of lmdb when it cannot be opened
 */
export async function openStore({ directory, codec, logger, warnings }: StoreOpening): Promise<Storage> {
  const damage = await findDamage(directory.storePath)
  if (damage !== undefined) {
    const { path, keyCount, epoch } = await putAside(directory.path, codec)
    const kept =
      epoch < 0
        ? 'none of its configs could be read, so nothing of it was kept'
        : `${keyCount} keys and its configs up to epoch ${epoch} were kept`
    const warning = `the store was damaged and is put aside as ${path}: ${damage}; ${kept}; this peer is a learner until it is complete again`
    logger.warn({ path, keyCount, epoch }, warning)
    warnings.add(warning)
  }
  await noteOpening(directory.storePath)
  return openLmdbStorage(directory.storePath, codec)
}

/**
 * Says why a peer ends, and sees to it that its next start puts a store aside that turned out to be
 * damaged.
 *
 * @returns what to end with
 */
export function givenUp(directory: DataDirectory, error: Error): Error {
  if (!isDamage(error)) return error
  noteDamage(directory.storePath, error.message)
  return new Error(`${error.message}; start the peer again: it puts this store aside and fills another`, { cause: error })
}

/**
 * @throws Error when a store was put aside: then this was a member of a network, and must not start
 * another
 */
export async function assertMayFound(directory: DataDirectory): Promise<void> {
  const [number] = await asides(directory.path)
  if (number === undefined) return
  const aside = join(directory.path, `damaged-${number}`)
  throw new Error(
    `the store was damaged (see ${aside}) and does not tell its network any more; name a -peer of it, or another -data to start a new one`,
  )
}
