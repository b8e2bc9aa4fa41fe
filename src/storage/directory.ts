/**
 * The data directory of a peer: its key, its store, and what it remembers. One process at a time
 * has it, and it belongs to one cluster.
 *
 *     lock             held for the life of the process
 *     directory.json   the format of the directory and the cluster id
 *     peer.key         the private key of the peer, readable by its owner only
 *     facts.json       see facts.ts
 *     store/           see environment.ts
 *     damaged-1/ …     see put-aside.ts
 */
import { mkdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { octal } from '../security/private-file.ts'
import { FACTS_NONE, parseFacts } from './facts.ts'
import type { Facts } from './facts.ts'
import { replaceFile, syncDirectory } from './files.ts'
import { HeldFiles } from './held-files.ts'
import { takeLock } from './lock.ts'
import type { Lock } from './lock.ts'
import { finishPutAside } from './put-aside.ts'

/**
 * The format written here. It rises when an older version could no longer use the directory
 * rightly.
 */
const FORMAT = 1
const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o600
const LOCK = 'lock'
/** All that the group and others may do. */
const OTHERS = 0o077
/** Where directories are made that nobody named, below the working directory. */
const UNNAMED = 'replicator-data'
/** How many peers of one cluster may run in one working directory without naming theirs. */
const UNNAMED_MAX = 1_000

/** Why a directory cannot be used: one sentence for people, and a word for code. */
export class DirectoryError extends Error {
  static override readonly name = 'DirectoryError'
  override readonly name = 'DirectoryError'
  readonly code: 'in-use' | 'other-cluster' | 'not-a-directory' | 'not-writable' | 'unknown-format'

  constructor(code: DirectoryError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export interface DataDirectory {
  /** Absolute. */
  readonly path: string
  /** An existing directory for the store alone. */
  readonly storePath: string
  /** The private key, as it was written; undefined when none was. */
  readKey(): Promise<Uint8Array | undefined>
  /** On disk when it resolves. */
  writeKey(key: Uint8Array): Promise<void>
  /** What was written last, or nothing known, with a warning when the file is damaged. */
  readFacts(): Promise<Facts>
  /** At each instant the file holds either the old facts or the new ones. */
  writeFacts(facts: Facts): Promise<void>
  /**
   * Looks at intervals whether all of it is still there. @param lost called once, when it is not
   * @returns ends it
   */
  watch(lost: (error: Error) => void): () => void
  /** Lets go of the lock. The store in it must be closed. */
  close(): Promise<void>
}

export interface DataDirectoryOptions {
  /**
   * As named by the user; undefined: `replicator-data/CID/PORT`, or without a port the first of
   * `…/N` that no running peer has.
   */
  readonly directory?: string | undefined
  /**
   * The HTTP port that the user named, so that the same line always finds the same peer; undefined
   * when it is a free one.
   */
  readonly httpPort?: number | undefined
  readonly clusterId: string
  readonly workingDirectory: string
  /** Told of what is ignored. */
  readonly warn?: (text: string) => void
}

/**
 * Opens a data directory, and makes it when it is missing.
 *
 * @throws DirectoryError when it cannot be used
 */
export async function openDataDirectory(options: DataDirectoryOptions): Promise<DataDirectory> {
  const { directory, clusterId, httpPort, workingDirectory, warn = (): void => {} } = options
  if (directory !== undefined) return openNamed(resolve(workingDirectory, directory), clusterId, warn)
  // A cluster may be called `.` or `..`; its directory may not.
  const base = join(
    workingDirectory,
    UNNAMED,
    clusterId.replace(/^\.{1,2}$/, (dots) => dots.replaceAll('.', '%2E')),
  )
  if (httpPort !== undefined) return openNamed(join(base, String(httpPort)), clusterId, warn)
  for (let number = 1; number <= UNNAMED_MAX; number += 1) {
    try {
      return await openNamed(join(base, String(number)), clusterId, warn)
    } catch (error) {
      if (!(error instanceof DirectoryError) || error.code !== 'in-use') throw error
    }
  }
  throw new DirectoryError('in-use', `all of ${base}/1 to ${UNNAMED_MAX} are in use by running peers`)
}

async function openNamed(path: string, clusterId: string, warn: (text: string) => void): Promise<DataDirectory> {
  const storePath = join(path, 'store')
  let lock: Lock | undefined
  try {
    await makeDirectory(path)
    const { mode } = await stat(path)
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0)
      warn(`other users of this machine can look into the data directory ${path} (mode ${octal(mode)}); run "chmod 700 ${path}"`)
    lock = await takeLock(path, LOCK)
    if (lock === undefined) throw new DirectoryError('in-use', `the data directory ${path} is in use by a running peer`)
    await claim(path, clusterId)
    await finishPutAside(path)
    await makeDirectory(storePath)
  } catch (error) {
    lock?.release()
    throw told(error, path)
  }
  return new OpenDirectory(path, storePath, lock, warn)
}

class OpenDirectory implements DataDirectory {
  readonly path: string
  readonly storePath: string
  #lock: Lock
  #warn: (text: string) => void

  constructor(path: string, storePath: string, lock: Lock, warn: (text: string) => void) {
    this.path = path
    this.storePath = storePath
    this.#lock = lock
    this.#warn = warn
  }

  readKey(): Promise<Uint8Array | undefined> {
    return readIfAny(join(this.path, 'peer.key'))
  }

  async writeKey(key: Uint8Array): Promise<void> {
    await replaceFile(join(this.path, 'peer.key'), key, FILE_MODE)
  }

  async readFacts(): Promise<Facts> {
    const path = join(this.path, 'facts.json')
    try {
      const bytes = await readIfAny(path)
      return bytes === undefined ? FACTS_NONE : parseFacts(bytes.toString('utf8'))
    } catch (error) {
      this.#warn(`${path} is ignored, for it cannot be read: ${(error as Error).message}`)
      return FACTS_NONE
    }
  }

  async writeFacts(facts: Facts): Promise<void> {
    await replaceFile(join(this.path, 'facts.json'), Buffer.from(`${JSON.stringify(facts, undefined, 2)}\n`), FILE_MODE)
  }

  watch(lost: (error: Error) => void): () => void {
    return new HeldFiles([this.path, join(this.path, LOCK), this.storePath]).watch(lost)
  }

  async close(): Promise<void> {
    this.#lock.release()
  }
}

/**
 * Makes a directory and those above it that are missing; their names are on disk when this
 * resolves. (Node's own way of making several never ends where a directory takes no new ones and
 * says that it is not there, as /proc does.)
 */
async function makeDirectory(path: string): Promise<void> {
  if (await isMade(path)) return
  await makeDirectory(dirname(path))
  if (!(await isMade(path))) throw new Error(`${dirname(path)} takes no directories`)
}

/** Makes one directory, unless it is there; false when the one above it is missing. */
async function isMade(path: string): Promise<boolean> {
  try {
    await mkdir(path, DIRECTORY_MODE)
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ENOENT' && dirname(path) !== path) return false
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return true
    throw error
  }
  await syncDirectory(dirname(path))
  return true
}

/** Writes down whose directory it is, or checks it. */
async function claim(path: string, clusterId: string): Promise<void> {
  const file = join(path, 'directory.json')
  const bytes = await readIfAny(file)
  if (bytes === undefined) {
    await replaceFile(file, Buffer.from(`${JSON.stringify({ format: FORMAT, clusterId })}\n`), FILE_MODE)
    return
  }
  const found = parsed(bytes)
  if (found?.format !== FORMAT)
    throw new DirectoryError('unknown-format', `${file} was written by another version, or is damaged; this version knows format ${FORMAT}`)
  if (found.clusterId !== clusterId) {
    throw new DirectoryError(
      'other-cluster',
      `the data directory ${path} belongs to cluster ${String(found.clusterId)}, not to ${clusterId}`,
    )
  }
}

function parsed(bytes: Buffer): { format?: unknown; clusterId?: unknown } | undefined {
  try {
    return JSON.parse(bytes.toString('utf8')) as { format?: unknown; clusterId?: unknown }
  } catch {
    return undefined
  }
}

async function readIfAny(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw error
  }
}

function told(error: unknown, path: string): unknown {
  if (error instanceof DirectoryError) return error
  const { code, message } = error as { code?: string; message: string }
  if (code === 'ENOTDIR' || code === 'EEXIST')
    return new DirectoryError('not-a-directory', `the data directory ${path} cannot be made: a file is in its place`, { cause: error })
  return new DirectoryError('not-writable', `the data directory ${path} cannot be written: ${message}`, { cause: error })
}
