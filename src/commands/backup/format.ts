/**
 * The file that `replicator backup` writes and `replicator restore` reads: a line of JSON each. It
 * begins with what it is, has a section for each type, and ends with what it counts and the SHA-256
 * of all that stands before. `docs/backups.md` describes it.
 */
import { CommandFailed } from '../failed.ts'
import { valueFields } from '../jsonl.ts'

/** Of the file. A reader refuses every other. */
export const BACKUP_VERSION = 1
/** Elements of a set on one line, so that a line stays short of what one update may carry. */
export const ENTRIES_A_LINE = 500

export const SECTIONS = ['keys', 'kv', 'sets'] as const
export type Section = (typeof SECTIONS)[number]

/** How many lines each section has. */
export type Counts = Readonly<Record<Section, number>>

/** The first line. */
export interface Head {
  readonly replicator: 'backup'
  readonly version: number
  readonly networkId: string | null
  readonly peerId: string
  readonly startedAt: string
}

/** The last line. */
export interface Foot {
  readonly end: 'backup'
  readonly counts: Counts
  /** In hexadecimal, over every byte before this line. */
  readonly sha256: string
}

export function headLine(head: Omit<Head, 'replicator' | 'version'>): string {
  return lineOf({ replicator: 'backup', version: BACKUP_VERSION, ...head })
}

export function footLine(counts: Counts, sha256: string): string {
  return lineOf({ end: 'backup', counts, sha256 })
}

/** What begins a section. */
export function sectionLine(section: Section): string {
  return lineOf({ section })
}

export function keyLine(key: string, value: Uint8Array, contentType: string): string {
  return lineOf({ key, ...valueFields(value), contentType })
}

interface RegisterContent {
  readonly value: Uint8Array
  readonly contentType: string
  /** Seconds; undefined for one that does not expire. */
  readonly ttl: number | undefined
}

/** What a second line of a register begins with. */
const AGAIN = '{"again":true,'

/**
 * @param content undefined for a register that was deleted meanwhile
 * @param isAgain it has a line before this one, perhaps
 */
export function registerLine(key: string, content: RegisterContent | undefined, isAgain: boolean): string {
  const again = isAgain ? { again: true } : {}
  if (content === undefined) return lineOf({ ...again, key, deleted: true })
  const { value, contentType, ttl } = content
  return lineOf({ ...again, key, ...valueFields(value), contentType, ...(ttl !== undefined && { ttl }) })
}

/** The register that a line names for the second time; undefined for any other line. */
export function againOf(text: string): string | undefined {
  return text.startsWith(AGAIN) ? (JSON.parse(text) as { readonly key: string }).key : undefined
}

function lineOf(fields: object): string {
  return `${JSON.stringify(fields)}\n`
}

/** @throws CommandFailed when it is not the first line of such a file, or of one that is newer */
export function parseHead(text: string): Head {
  const head: Partial<Head> | undefined = objectOf(text)
  if (head?.replicator !== 'backup') throw new CommandFailed('this is no file of replicator backup')
  if (head.version !== BACKUP_VERSION)
    throw new CommandFailed(`this is a backup of version ${head.version}, and this program reads version ${BACKUP_VERSION}`)
  return head as Head
}

/** The section that a line begins; undefined for any other line. */
export function sectionOf(text: string): Section | undefined {
  // Every other line begins otherwise, and most of them are long.
  if (!text.startsWith('{"section":')) return undefined
  const { section } = (objectOf(text) ?? {}) as { readonly section?: unknown }
  return SECTIONS.find((known) => known === section)
}

/** What the last line says; undefined for any other line. */
export function footOf(text: string): Foot | undefined {
  if (!text.startsWith('{"end":"backup"')) return undefined
  const foot: Partial<Foot> | undefined = objectOf(text)
  return typeof foot?.sha256 === 'string' && typeof foot.counts === 'object' ? (foot as Foot) : undefined
}

function objectOf(text: string): object | undefined {
  try {
    const said: unknown = JSON.parse(text)
    return typeof said === 'object' && said !== null ? said : undefined
  } catch {
    return undefined
  }
}
