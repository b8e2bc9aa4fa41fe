/**
 * Sees to it that the files that were opened are those that lie there. A file whose directory is
 * deleted under a running peer goes on taking writes, and syncs them, without a name: nothing of it
 * is there after the process. The same holds for a directory that is moved away, and for one that
 * another is put in the place of.
 */
import { statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { StorageFailed } from './errors.ts'

/**
 * Between looks while nothing is written: a peer without its files is to end soon, and a look costs
 * nothing.
 */
const LOOK_MS = 1_000

interface Held {
  readonly path: string
  /** Of its device and inode. */
  readonly place: string
}

export class HeldFiles {
  readonly #files: readonly Held[]

  /** @param paths of what is open now */
  constructor(paths: readonly string[]) {
    this.#files = paths.map((path) => ({ path, place: placeOf(statSync(path, { bigint: true })) }))
  }

  /**
   * Takes some microseconds, so that it can stand between each commit and what it promises.
   *
   * @throws StorageFailed when one of them is not there any more
   */
  assertThere(): void {
    for (const { path, place } of this.#files) {
      const found = statSync(path, { bigint: true, throwIfNoEntry: false })
      if (found === undefined || placeOf(found) !== place) throw gone(path)
    }
  }

  /** Looks at them again and again. @param lost called once, when one is gone @returns ends it */
  watch(lost: (error: StorageFailed) => void): () => void {
    let timer: NodeJS.Timeout
    let isOver = false
    const look = async (): Promise<void> => {
      for (const { path, place } of this.#files) {
        const found = await stat(path, { bigint: true }).catch(() => undefined)
        if (isOver) return
        if (found === undefined || placeOf(found) !== place) return lost(gone(path))
      }
      timer = setTimeout(() => void look(), LOOK_MS).unref()
    }
    timer = setTimeout(() => void look(), LOOK_MS).unref()
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }
}

/** The file of lmdb in the directory of a store. */
export function dataFileOf(storePath: string): string {
  return join(storePath, 'data.mdb')
}

function placeOf({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): string {
  return `${dev}:${ino}`
}

function gone(path: string): StorageFailed {
  return new StorageFailed(`${path} is not what this peer has open: it was deleted, moved or replaced; nothing more can be kept there`)
}
