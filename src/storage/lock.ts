/**
 * Sees to it that one process at a time has a directory.
 *
 * The lock is an exclusive transaction on an empty SQLite file, held and never ended: underneath, a
 * lock of the kernel on the file itself. So it dies with its process however that ends, no process
 * id is written down that could be mistaken for another's, and containers that share a volume see
 * it, as do machines where the file system passes locks on. Node brings SQLite along.
 */
import { realpath } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'

/**
 * Who has what in this process: kernel locks of this kind do not keep a process from itself. It
 * also keeps each lock from being collected as garbage, and thereby released, while nobody speaks
 * of it.
 */
const heldHere = new Map<string, DatabaseSync | undefined>()

/** SQLite's code for a lock that another has. */
const SQLITE_BUSY = 5

export interface Lock {
  release(): void
}

/**
 * Takes the lock that a file stands for, and makes the file when it is missing. Nothing else in
 * this process may open that file: closing it would end the lock.
 *
 * @param directory an existing directory
 * @param name of the file in it
 * @returns undefined when somebody has it
 * @throws Error of SQLite when the file cannot be made or locked at all
 */
export async function takeLock(directory: string, name: string): Promise<Lock | undefined> {
  const path = `${await realpath(directory)}/${name}`
  if (heldHere.has(path)) return undefined
  heldHere.set(path, undefined)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    heldHere.set(path, database)
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    heldHere.delete(path)
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined
    throw error
  }
  const taken = database
  return {
    release(): void {
      if (!taken.isOpen) return
      taken.close()
      heldHere.delete(path)
    },
  }
}
