/**
 * A look at the store's file before lmdb has it: lmdb ends the process without a word when it
 * cannot open what it is given.
 */
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { endianness } from 'node:os'
import { join } from 'node:path'
import { DamagedStore } from './errors.ts'

/** Where lmdb keeps all that it keeps. */
export const STORE_FILE = 'data.mdb'
/** What lmdb begins both its root pages with, in the byte order of the machine, and where. */
const MAGIC = 0xbeef_c0de
const MAGIC_AT = 24
/** The version of lmdb's own format, behind it. */
const VERSION = 2
/** Where the first root page says how large pages are. */
const PAGE_BYTES_AT = 48
const HEADER_BYTES = 52
const PAGE_BYTES_MAX = 65_536

/**
 * @throws DamagedStore when there is a file and lmdb would not take it for its own
 * @throws Error of the system when it cannot be opened for reading and writing
 */
export async function checkHeader(directory: string): Promise<void> {
  let file: FileHandle
  try {
    file = await open(join(directory, STORE_FILE), 'r+')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return
    throw error
  }
  try {
    if ((await file.stat()).size === 0) return
    const first = await rootPage(file, 0)
    const pageBytes = first === undefined ? 0 : readNumber(first, PAGE_BYTES_AT)
    const second = pageBytes > 0 && pageBytes <= PAGE_BYTES_MAX ? await rootPage(file, pageBytes) : undefined
    if (second === undefined) throw new DamagedStore(`${join(directory, STORE_FILE)} is damaged, or no store`)
  } finally {
    await file.close()
  }
}

/** The beginning of a root page; undefined when there is none at that place. */
async function rootPage(file: FileHandle, at: number): Promise<Buffer | undefined> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, at)
  const sound = bytesRead === HEADER_BYTES && readNumber(buffer, MAGIC_AT) === MAGIC && readNumber(buffer, MAGIC_AT + 4) === VERSION
  return sound ? buffer : undefined
}

function readNumber(bytes: Buffer, at: number): number {
  return endianness() === 'LE' ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
}
