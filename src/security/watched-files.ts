/**
 * Files that are read again while the peer runs: on SIGHUP, and when they change. Whatever is wrong
 * with them, what was read last and was good stays in force; one warning says so, and goes when the
 * files are good again.
 *
 * The folder of a file is watched, not the file: editors and secret stores put another file in its
 * place, and a watch of the file would stay with the old one. A look at intervals finds what a
 * watch misses (network file systems, links into folders that nobody watches).
 */
import { createHash } from 'node:crypto'
import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Logger } from 'pino'

/**
 * From the first sign of a change to the look: what is written in several steps should be whole by
 * then.
 */
const SETTLE_MS = 250
/** Between looks that nothing called for. */
const LOOK_MS = 10_000
/** Bytes above which a file is surely something else. */
const FILE_BYTES_MAX = 16_777_216
/** Hexadecimal digits of a fingerprint: enough to see that two differ. */
const FINGERPRINT_DIGITS = 16

export interface WatchedFilesInit<T> {
  /** What they are, for people: `the token file`. */
  readonly name: string
  /**
   * Read and parsed together, as a certificate and its key are. What is no plain file (a pipe) is
   * read once only.
   */
  readonly paths: readonly string[]
  /** Reads one of them; without it any file that can be read will do. @throws Error of one line */
  readonly read?: ((path: string) => Promise<Uint8Array>) | undefined
  /**
   * @param contents in the order of `paths`. @throws Error of one line, which says what is wrong
   * and shows nothing secret
   */
  readonly parse: (contents: readonly Uint8Array[]) => T
  /**
   * Puts a later value in force. It is not called for the first one. What it throws makes the files
   * bad.
   */
  readonly changed: (value: T) => void
  /** Says what is wrong, for as long as it is: undefined when nothing is any more. */
  readonly warn: (warning: string | undefined) => void
  readonly logger: Logger
  /** Between looks that nothing called for: 10 s unless given. */
  readonly lookMs?: number
}

/** A value that files hold. */
export class WatchedFiles<T> {
  readonly #init: WatchedFilesInit<T>
  #value: T
  #digest: string
  /** Of the files as they were read last, good or bad. */
  #stamp: string
  #isWarned = false
  #isClosed = false
  readonly #watchers = new Map<string, FSWatcher>()
  readonly #timer: NodeJS.Timeout
  #settling: NodeJS.Timeout | undefined
  /** The look under way; looks are made one at a time. */
  #looking: Promise<void> = Promise.resolve()

  private constructor(init: WatchedFilesInit<T>, value: T, digest: string, stamp: string) {
    this.#init = init
    this.#value = value
    this.#digest = digest
    this.#stamp = stamp
    this.#watch()
    this.#timer = setInterval(() => {
      this.#watch()
      void this.#look(false)
    }, init.lookMs ?? LOOK_MS).unref()
  }

  /**
   * Reads the files and goes on watching them.
   *
   * @throws Error of one line, when they cannot be read or are bad: there is no good value then
   */
  static async open<T>(init: WatchedFilesInit<T>): Promise<WatchedFiles<T>> {
    const stamp = await stampOf(init.paths)
    const contents = await readAll(init)
    return new WatchedFiles(init, init.parse(contents), digestOf(contents), stamp)
  }

  /** The last good one. */
  get value(): T {
    return this.#value
  }

  /** Tells apart what two files hold: hexadecimal digits of a hash over what is in force. */
  get fingerprint(): string {
    return this.#digest.slice(0, FINGERPRINT_DIGITS)
  }

  /**
   * Reads them again, changed or not. It resolves when what they hold is in force, or warned of.
   */
  reload(): Promise<void> {
    return this.#look(true)
  }

  /** Nothing is read, and nothing told, from now on. */
  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    clearTimeout(this.#settling)
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  #watch(): void {
    for (const folder of new Set(this.#init.paths.map((path) => dirname(path)))) {
      if (this.#watchers.has(folder)) continue
      try {
        const watcher = watch(folder, { persistent: false }, () => this.#settle())
        // The folder is gone, or the system gives no more watches: the looks go on.
        watcher.on('error', () => this.#unwatch(folder))
        this.#watchers.set(folder, watcher)
      } catch {
        // Tried again at the next look.
      }
    }
  }

  #unwatch(folder: string): void {
    this.#watchers.get(folder)?.close()
    this.#watchers.delete(folder)
  }

  #settle(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined
      void this.#look(false)
    }, SETTLE_MS).unref()
  }

  #look(isForced: boolean): Promise<void> {
    this.#looking = this.#looking.then(() => this.#lookNow(isForced))
    return this.#looking
  }

  async #lookNow(isForced: boolean): Promise<void> {
    try {
      const stamp = await stampOf(this.#init.paths)
      if (stamp === PIPE || (stamp === this.#stamp && !isForced)) return
      // Taken before the files are read: a change in between is seen at the next look.
      this.#stamp = stamp
      const contents = await readAll(this.#init)
      if (!this.#isClosed) this.#take(contents)
    } catch (error) {
      this.#warn(error)
    }
  }

  #take(contents: readonly Uint8Array[]): void {
    const digest = digestOf(contents)
    if (digest !== this.#digest) {
      const value = this.#init.parse(contents)
      this.#init.changed(value)
      this.#value = value
      this.#digest = digest
      this.#init.logger.info({ fingerprint: this.fingerprint }, `${this.#init.name} was read again and is in force`)
    }
    if (!this.#isWarned) return
    this.#isWarned = false
    this.#init.warn(undefined)
  }

  #warn(error: unknown): void {
    if (this.#isClosed) return
    const { name, logger, warn, paths } = this.#init
    const reason = error instanceof Error ? error.message : String(error)
    const warning = `${name} (${paths.join(', ')}) is bad, and what it held before stays in force: ${reason}`
    if (!this.#isWarned) logger.warn(warning)
    this.#isWarned = true
    warn(warning)
  }
}

/**
 * The stamp of what is no plain file: reading it again would give something else, or wait for ever.
 */
const PIPE = 'pipe'

/**
 * Changes whenever one of the files is written or replaced. @throws Error of the system when one is
 * missing
 */
async function stampOf(paths: readonly string[]): Promise<string> {
  const stamps: string[] = []
  for (const path of paths) {
    const found = await stat(path, { bigint: true })
    if (!found.isFile()) return PIPE
    stamps.push([found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' '))
  }
  return stamps.join(', ')
}

async function readAll<T>({ paths, read = readWhole }: WatchedFilesInit<T>): Promise<readonly Uint8Array[]> {
  const contents: Uint8Array[] = []
  for (const path of paths) {
    contents.push(await read(path))
  }
  return contents
}

/**
 * A file that is no larger than such files are. @throws Error of one line when it is, or cannot be
 * read
 */
export async function readWhole(path: string): Promise<Uint8Array> {
  const { size } = await stat(path)
  if (size > FILE_BYTES_MAX) throw new Error(`${path} holds more than ${FILE_BYTES_MAX} bytes`)
  return readFile(path)
}

function digestOf(contents: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  // With its length before it, so that what ends one file cannot pass for the beginning of the
  // next.
  for (const bytes of contents) hash.update(`${bytes.length} `).update(bytes)
  return hash.digest('hex')
}
