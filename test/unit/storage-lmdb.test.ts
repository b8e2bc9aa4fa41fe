import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../../src/bytes.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { storageContract } from '../contract/storage.ts'

let directory = ''

storageContract(
  'the store on disk',
  async () => {
    directory = await mkdtemp(join(tmpdir(), 'replicator-storage-'))
    return openLmdbStorage(directory, new Codec(utf8))
  },
  async (storage) => {
    await storage.close()
    await rm(directory, { recursive: true, force: true })
  },
)
