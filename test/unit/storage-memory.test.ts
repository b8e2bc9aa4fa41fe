import { MemoryStorage } from '../../src/storage/memory.ts'
import { storageContract } from '../contract/storage.ts'

storageContract(
  'the store in memory',
  async () => new MemoryStorage(),
  async (storage) => storage.close(),
)
