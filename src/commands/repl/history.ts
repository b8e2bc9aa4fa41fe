/** What was typed at earlier prompts of this user, newest first, in `~/.replicator`. */
import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { socketFolder } from '../../security/operator-socket.ts'

const LINES_MAX = 1_000
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

export class History {
  readonly lines: string[]
  readonly #path: string | undefined

  private constructor(path: string | undefined, lines: string[]) {
    this.#path = path
    this.lines = lines
  }

  /** A user without a home directory, or with a broken one, has none. @param kind of prompt */
  static open(kind: string): History {
    const folder = socketFolder()
    if (folder === undefined) return new History(undefined, [])
    const path = join(folder, `history-${kind}`)
    try {
      mkdirSync(folder, { recursive: true, mode: FOLDER_MODE })
      const lines = read(path).split('\n')
      return new History(
        path,
        lines
          .filter((line) => line !== '')
          .slice(-LINES_MAX)
          .toReversed(),
      )
    } catch {
      return new History(undefined, [])
    }
  }

  add(line: string): void {
    if (this.#path === undefined) return
    try {
      appendFileSync(this.#path, `${line}\n`, { mode: FILE_MODE })
    } catch {
      // A history is a comfort, and nothing that the prompt needs.
    }
  }
}

/** What is in a file, which is made when it is not there. */
function read(path: string): string {
  const file = openSync(path, 'a+', FILE_MODE)
  try {
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}
