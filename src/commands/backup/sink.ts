/**
 * Where a backup goes: a file that bears its name only once it is whole, or standard output. What
 * is written is hashed on the way.
 */
import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { CommandFailed } from '../failed.ts'
import { write } from '../said.ts'

/** What is written at once. */
const WRITE_BYTES = 262_144
const OWNER_ALONE = 0o600

export class Sink {
  readonly #path: string | undefined
  readonly #handle: FileHandle | undefined
  readonly #hash: Hash = createHash('sha256')
  #waiting: string[] = []
  #waitingLength = 0

  private constructor(path: string | undefined, handle: FileHandle | undefined) {
    this.#path = path
    this.#handle = handle
  }

  /**
   * @param path undefined for standard output
   * @throws CommandFailed when it is there already, or cannot be made
   */
  static async open(path: string | undefined): Promise<Sink> {
    if (path === undefined) return new Sink(undefined, undefined)
    try {
      // Of the name itself, so that nothing that is there is replaced in the end.
      await (await open(path, 'wx', OWNER_ALONE)).close()
      return new Sink(path, await open(partOf(path), 'w', OWNER_ALONE))
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code === 'EEXIST' ? 'is there already; name another file' : (error as Error).message
      throw new CommandFailed(`${path} ${why}`, { cause: error })
    }
  }

  async put(text: string): Promise<void> {
    this.#waiting.push(text)
    this.#waitingLength += text.length
    if (this.#waitingLength >= WRITE_BYTES) await this.#flush()
  }

  /** Of all that was put so far, in hexadecimal. */
  async digest(): Promise<string> {
    await this.#flush()
    return this.#hash.copy().digest('hex')
  }

  /** It is whole: on disk, under its name. */
  async end(): Promise<void> {
    await this.#flush()
    if (this.#path === undefined) return
    await this.#handle?.sync()
    await this.#handle?.close()
    await rename(partOf(this.#path), this.#path)
  }

  /** It will not be whole: nothing is left of it. */
  async drop(): Promise<void> {
    if (this.#path === undefined) return
    await this.#handle?.close()
    await Promise.all([rm(partOf(this.#path), { force: true }), rm(this.#path, { force: true })])
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#waiting.join(''))
    this.#waiting = []
    this.#waitingLength = 0
    this.#hash.update(bytes)
    if (this.#handle === undefined) await write(bytes)
    else await this.#handle.appendFile(bytes)
  }
}

function partOf(path: string): string {
  return `${path}.part`
}
