/**
 * A bystander that syncs one page again and again, on the disk that the peers are on. All peers of
 * a machine share its disk: while that stands still, for another process or a file system that
 * tidies up, no put is stored by anybody, whatever the network does.
 */
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const PAGE_BYTES = 4_096
/**
 * Between syncs: often enough to be there when the disk stands still, rarely enough to be no load.
 */
const PAUSE_MS = 20

interface Sync {
  readonly endedMs: number
  readonly tookMs: number
}

export class DiskWatch {
  readonly #file: FileHandle
  readonly #syncs: Sync[] = []
  readonly #loop: Promise<void>
  #isStopping = false

  private constructor(file: FileHandle) {
    this.#file = file
    this.#loop = this.#run()
  }

  /** @param directory on the disk to be watched; a file stays in it */
  static async start(directory: string): Promise<DiskWatch> {
    return new DiskWatch(await open(join(directory, 'disk-watch'), 'w'))
  }

  /** The longest sync that ended in this span of time, in milliseconds. */
  longestMs(fromMs: number, toMs: number): number {
    const within = this.#syncs.filter(({ endedMs }) => endedMs >= fromMs && endedMs <= toMs)
    return Math.max(0, ...within.map(({ tookMs }) => tookMs))
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#loop
    await this.#file.close()
  }

  async #run(): Promise<void> {
    const page = Buffer.alloc(PAGE_BYTES, 1)
    while (!this.#isStopping) {
      const startedMs = performance.now()
      await this.#file.write(page, 0, PAGE_BYTES, 0)
      await this.#file.datasync()
      const endedMs = performance.now()
      this.#syncs.push({ endedMs, tookMs: endedMs - startedMs })
      await delay(PAUSE_MS)
    }
  }
}
