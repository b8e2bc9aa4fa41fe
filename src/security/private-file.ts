/**
 * Files that hold secrets, and files that say who may do what. A file of the first kind is refused
 * when other users of the machine can read or write it, one of the second kind when they can write
 * it: nobody notices a lax mode by himself, so the refusal says how to mend it. Where a volume
 * knows no modes, or gives its own, `-secret-mode any` takes a file as it is.
 */
import { statSync } from 'node:fs'
import { open, readFile, rm } from 'node:fs/promises'
import { readWhole } from './watched-files.ts'

export const SECRET_MODES = ['private', 'any'] as const
export type SecretMode = (typeof SECRET_MODES)[number]

/** Reading and writing, or writing alone, by the group and by others. */
const OTHERS = 0o066
const OTHERS_WRITE = 0o022
const PERMISSIONS = 0o777
const OWNER_ONLY = 0o600
const BY_FLAG = '-secret-mode any'

/**
 * Why a file may hold no secret, and how to mend it; undefined when it may, or is not there.
 *
 * @param path of a file; a pipe or a device belongs to whoever handed it over
 * @param waiver how whoever names the file has it taken all the same
 */
export function exposure(path: string, waiver: string = BY_FLAG): string | undefined {
  const mode = laxMode(path, OTHERS)
  return mode && `other users of this machine can get at the file (mode ${mode}); run "chmod 600 ${path}", ${orGive(waiver)}`
}

/**
 * Why a file may not say who may do what, and how to mend it; undefined when it may, or is not
 * there. It holds no secret, so others may read it.
 *
 * @param path as of `exposure`
 */
export function tampering(path: string): string | undefined {
  const mode = laxMode(path, OTHERS_WRITE)
  return mode && `other users of this machine can write the file (mode ${mode}); run "chmod go-w ${path}", ${orGive(BY_FLAG)}`
}

function orGive(waiver: string): string {
  return `or give ${waiver} where that is impossible`
}

/** The mode of a file that others may do any of this with. */
function laxMode(path: string, forbidden: number): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  // Windows has no modes, and Node makes some up.
  if (process.platform === 'win32' || found === undefined || !found.isFile() || (found.mode & forbidden) === 0) return undefined
  return octal(found.mode)
}

/**
 * Reads a file that holds a secret.
 *
 * @param waiver as of `exposure`
 * @throws Error of one line when others can read it and may not, or it cannot be read
 */
export async function readPrivateFile(path: string, mode: SecretMode, waiver?: string): Promise<Uint8Array> {
  const why = mode === 'any' ? undefined : exposure(path, waiver)
  if (why !== undefined) throw new Error(`${path}: ${why}`)
  return readFile(path)
}

/**
 * Reads a password: what a file holds, without the end of its line.
 *
 * @param waiver as of `exposure`
 * @throws Error as of `readPrivateFile`
 */
export async function readPassword(path: string, mode: SecretMode, waiver?: string): Promise<string> {
  return Buffer.from(await readPrivateFile(path, mode, waiver))
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

/**
 * Reads a file that says who may do what.
 *
 * @throws Error of one line when others can write it and may not, or it cannot be read
 */
export async function readOwnFile(path: string, mode: SecretMode): Promise<Uint8Array> {
  const why = mode === 'any' ? undefined : tampering(path)
  if (why !== undefined) throw new Error(why)
  return readWhole(path)
}

/**
 * Writes a new file that its owner alone can read. It is on disk when this resolves. When it cannot
 * be written whole, nothing is left of it: half a secret, or none, would be found by whoever needs
 * it next.
 *
 * @throws Error of one line when there is such a file, which is never overwritten, or it cannot be
 * made
 */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  try {
    const file = await open(path, 'wx', OWNER_ONLY)
    try {
      await file.writeFile(text)
      await file.sync()
    } catch (error) {
      await rm(path, { force: true })
      throw error
    } finally {
      await file.close()
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'it is there already, and is never overwritten; name another file' : message
    throw new Error(`cannot write ${path}: ${why}`, { cause: error })
  }
}

/** Permissions as `chmod` takes them: `644`. */
export function octal(mode: number): string {
  return (mode & PERMISSIONS).toString(8).padStart(3, '0')
}
