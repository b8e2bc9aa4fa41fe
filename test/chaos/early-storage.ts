/**
 * A planted bug: stands in front of `src/storage/lmdb.ts`, and says that writes are on disk before
 * they are handed on.
 */
import type { Codec } from '../../protocols/wire/codec.ts'
import { openLmdbStorage as open } from '../../src/storage/lmdb.ts'
import type { Storage } from '../../src/ports/storage.ts'

export async function openLmdbStorage(directory: string, codec: Codec): Promise<Storage> {
  const storage = await open(directory, codec)
  const write = storage.write.bind(storage)
  storage.write = async (writes) => void write(writes)
  return storage
}
