/**
 * Reads a backup to its end before anything of it is used: a file that was cut, or changed, must
 * not be found out half-way through a restore.
 */
import { createHash } from 'node:crypto'
import { CommandFailed } from '../failed.ts'
import { linesFrom } from '../lines.ts'
import { againOf, footOf, parseHead, sectionOf, SECTIONS } from './format.ts'
import type { Counts, Head, Section } from './format.ts'

export interface Verified {
  readonly head: Head
  readonly counts: Counts
  /** Of registers that have several lines: the number of the one that holds. */
  readonly lastLines: ReadonlyMap<string, number>
}

/**
 * @param stream of the whole file
 * @param told after each line, with where it ends in bytes
 * @throws CommandFailed when it is no backup, or not whole, or not as it was written
 */
export async function verify(stream: AsyncIterable<Uint8Array>, told: (endBytes: number) => void): Promise<Verified> {
  const hash = createHash('sha256')
  const counts: Record<Section, number> = { keys: 0, kv: 0, sets: 0 }
  const lastLines = new Map<string, number>()
  let head: Head | undefined
  let section: Section | undefined
  for await (const { text, number, endBytes } of linesFrom(stream, 0, 0)) {
    if (head === undefined) head = parseHead(text)
    else {
      const foot = footOf(text)
      if (foot !== undefined) return judge({ head, counts, lastLines }, foot.counts, hash.digest('hex') === foot.sha256)
      const begun = sectionOf(text)
      section = begun ?? section
      if (begun === undefined && section !== undefined) counts[section] += 1
      const again = section === 'kv' ? againOf(text) : undefined
      if (again !== undefined) lastLines.set(again, number)
    }
    hash.update(text).update('\n')
    told(endBytes)
  }
  throw new CommandFailed(
    head === undefined ? 'this is an empty file' : 'the backup is cut: its last line is missing. Nothing was restored',
  )
}

function judge(found: Verified, counts: Counts, isSame: boolean): Verified {
  if (isSame && SECTIONS.every((section) => found.counts[section] === counts[section])) return found
  throw new CommandFailed('the backup is not as it was written: its SHA-256 is another. Nothing was restored')
}
