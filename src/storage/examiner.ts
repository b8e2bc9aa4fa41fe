/**
 * Run as a process of its own: looks through the store in a directory for damage. It has its own
 * process because lmdb trusts its pages: one that is not as it was written can end the process that
 * reads it with a signal.
 *
 *     node examiner.ts DIRECTORY pages|whole
 *
 * `pages` visits every page of every table, which takes a third of a second a million keys; `whole`
 * also checks every sum over what is stored, at some seconds a million keys. Exit code 0: sound.
 * DAMAGED_EXIT: damaged, and standard output says how.
 */
import { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../bytes.ts'
import { endChild } from './child.ts'
import { DAMAGED_EXIT } from './examine.ts'
import { DamagedStore, isDamage } from './errors.ts'
import { checkHeader } from './header.ts'
import { openLmdbStorage } from './lmdb.ts'
import { readChosenHead, readChosenRow, readTypedRow } from './rows.ts'
import { ALL_FROM, openEnvironment } from './environment.ts'
import type { Environment } from './environment.ts'

async function examine(directory: string, isWhole: boolean): Promise<void> {
  await checkHeader(directory)
  const tables = openEnvironment(directory)
  checkCounts(tables, directory)
  if (isWhole) checkRecords(tables)
  if (isWhole) for (const { key, value } of tables.typed.getRange({ start: ALL_FROM })) readTypedRow(key, value)
  await tables.root.close()
  if (!isWhole) return
  const storage = await openLmdbStorage(directory, new Codec(utf8))
  for (const entries of [storage.registers.chosen(), storage.registers.inDoubt(), storage.registers.diverged()]) for (const _ of entries);
  await storage.close()
}

/** What is found on the way through a table is as many rows as lmdb has noted for it. */
function checkCounts({ chosen, rows, accepted, diverged, typed, facts }: Environment, directory: string): void {
  const counts = { rows: rows.getKeysCount({ start: 1 }), chosen: 0, accepted: 0, diverged: 0, typed: 0, facts: 0 }
  const byKey = { chosen, accepted, diverged, typed, facts }
  for (const name of ['chosen', 'accepted', 'diverged', 'typed', 'facts'] as const)
    counts[name] = byKey[name].getKeysCount({ start: ALL_FROM })
  for (const [name, table] of Object.entries({ rows, ...byKey })) {
    const { entryCount } = table.getStats() as { entryCount: number }
    if (entryCount !== counts[name as keyof typeof counts])
      throw new DamagedStore(`the store in ${directory} is damaged: its table of ${name} lacks rows`)
  }
}

function checkRecords({ rows }: Environment): void {
  const codec = new Codec(utf8)
  for (const { value: row } of rows.getRange({ start: 1 })) readChosenRow(readChosenHead(row).key, row, codec)
}

try {
  await examine(process.argv[2] as string, process.argv[3] === 'whole')
} catch (error) {
  endChild(isDamage(error) ? DAMAGED_EXIT : 1, (error as Error).message)
}
endChild(0, '')
