/**
 * Whether a stopped store is damaged, found out before this process reads it. A store that is not
 * large is looked through whole at each start. In a larger one each page is visited, and its sums
 * are checked while the start reads it; the whole look is for one that the last start began to read
 * and did not come to the end of.
 */
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runChild } from './child.ts'
import { STORE_FILE } from './header.ts'

/** Exit code of a child that found damage. */
export const DAMAGED_EXIT = 3
/** Looked through whole in less than half a second. */
const WHOLE_BYTES_MAX = 67_108_864
/** There while a start reads the store, and after one that ended on the way. */
const OPENING = 'opening'
/** Says why the store was given up by the process that had it last. */
const DAMAGE = 'damage'

/**
 * @returns what is wrong with the store in a directory, in words; undefined when nothing is, or
 * when there is none
 */
export async function findDamage(directory: string): Promise<string | undefined> {
  const bytes = await sizeOf(join(directory, STORE_FILE))
  if (bytes === undefined) return undefined
  const known = await readIfAny(join(directory, DAMAGE))
  if (known !== undefined) return known
  const isWhole = bytes <= WHOLE_BYTES_MAX || (await sizeOf(join(directory, OPENING))) !== undefined
  const { code, fault, said } = await runChild('examiner', [directory, isWhole ? 'whole' : 'pages'])
  if (fault !== undefined) return `reading the store in ${directory} ends with ${fault}`
  // Any other code is no damage: the start will meet the same and say it.
  return code === DAMAGED_EXIT ? said : undefined
}

/** The store is about to be read as a whole. */
export async function noteOpening(directory: string): Promise<void> {
  await writeFile(join(directory, OPENING), '')
}

/** The store was read as a whole, and is as it should be. */
export async function noteOpened(directory: string): Promise<void> {
  await rm(join(directory, OPENING), { force: true })
}

/**
 * The store is given up: the next start is told why. It returns at once, for the process is about
 * to end.
 */
export function noteDamage(directory: string, reason: string): void {
  try {
    writeFileSync(join(directory, DAMAGE), reason)
  } catch {
    // Then the next start finds out by itself, or this happens again.
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw error
  }
}

async function readIfAny(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw error
  }
}
