/**
 * Run as a process of its own: writes numbered batches to the store in a directory as fast as it
 * can, and says on standard output which of them resolved, until it is killed or the disk takes no
 * more.
 *
 *     node storage-writer.ts DIRECTORY
 */
import { dataKey } from '../../protocols/base/register.ts'
import { ceilingWrite } from '../../protocols/base/persist.ts'
import type { Persist } from '../../protocols/base/persist.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../../src/bytes.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { chosen } from './storage.ts'

/**
 * Batches given and not resolved at any time: enough that some are always gathered while one is
 * under way.
 */
const UNDERWAY_MAX = 4
const KEYS_PER_BATCH = 8

/** The writes of a batch: some keys, and a ceiling that says which batch came last. */
export function batchOf(number: number): Persist[] {
  const writes: Persist[] = []
  for (let index = 0; index < KEYS_PER_BATCH; index += 1) {
    const key = `${number * 7_919}/${index}`
    writes.push(chosen(dataKey(key), valueOf(key)))
  }
  return [...writes, ceilingWrite({ epoch: 0, round: number })]
}

function valueOf(key: string): string {
  return `value of ${key} `.repeat(10)
}

async function work(directory: string): Promise<void> {
  const storage = await openLmdbStorage(directory, new Codec(utf8))
  let number = storage.facts.ceiling().round
  const give = async (): Promise<void> => {
    for (;;) {
      const mine = ++number
      await storage.write(batchOf(mine))
      process.stdout.write(`${mine}\n`)
    }
  }
  try {
    await Promise.all(Array.from({ length: UNDERWAY_MAX }, give))
  } catch (error) {
    const later = await storage.write([]).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    let read: unknown
    try {
      storage.registers.read(dataKey('a'))
    } catch (reason) {
      read = reason
    }
    process.stdout.write(
      `${JSON.stringify({ name: (error as Error).name, message: (error as Error).message, sameLater: later === error && read === error })}\n`,
    )
    await storage.close()
  }
}

if (import.meta.main) await work(process.argv[2] as string)
