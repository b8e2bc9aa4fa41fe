/**
 * Cells whose writes are seen at once and reach the disk a little later, many of them in one
 * transaction. They are for what can be had again: a store that a crash sets back by its newest
 * writes is given them once more by its log, which has them on disk. What is on disk is always a
 * prefix of what was written.
 */
import { StagedCells } from './cells.ts'
import type { Cells, CellWrites, LaterWrites, Picture, Soon } from './cells.ts'

/** How long a write waits for others at most, in milliseconds. */
const LAID_MS = 20
/** Cells that are not on disk yet. Beyond them a write waits for the disk. */
const LAID_MAX = 20_000

/** Writes that go to the disk together. */
interface Layer {
  readonly writes: CellWrites
  readonly landed: (() => void)[]
  /** Pictures that show it, and must go on showing what they do. */
  pictures: number
  /** It is on its way to the disk. */
  isClosed: boolean
}

export class LaidCells implements Cells, LaterWrites {
  readonly #below: Cells
  /** The oldest first. */
  #layers: Layer[] = []
  #flushing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  /** The disk did not take the oldest layers: nothing more is laid upon them until it does. */
  #hasFailed = false

  /** @param below nobody else writes to them */
  constructor(below: Cells) {
    this.#below = below
  }

  get later(): LaterWrites {
    return this
  }

  room(): Soon<void> {
    const count = this.#layers.reduce((sum, { writes }) => sum + writes.size, 0)
    return this.#hasFailed || count > LAID_MAX ? this.#flush() : undefined
  }

  lay(writes: CellWrites, landed: () => void): void {
    const layer = this.#open()
    for (const [name, bytes] of writes) layer.writes.set(name, bytes)
    layer.landed.push(landed)
    this.#plan()
  }

  async write(writes: CellWrites): Promise<void> {
    while (this.#layers.length > 0) await this.#flush()
    await this.#below.write(writes)
  }

  picture(): Picture {
    const layers = [...this.#layers]
    for (const layer of layers) layer.pictures += 1
    const below = this.#below.picture()
    return {
      get: (name) => {
        for (let place = layers.length - 1; place >= 0; place -= 1) {
          const { writes } = layers[place] as Layer
          if (writes.has(name)) return writes.get(name)
        }
        return below.get(name)
      },
      range: (prefix) => {
        const staged = new StagedCells(below)
        for (const layer of layers) staged.join(layer)
        return staged.range(prefix)
      },
      end: () => {
        for (const layer of layers) layer.pictures -= 1
        return below.end()
      },
    }
  }

  /** What the disk does not take now is lost, as in a crash. */
  async close(): Promise<void> {
    try {
      while (this.#layers.length > 0) await this.#flush()
    } catch {
      clearTimeout(this.#timer)
    } finally {
      await this.#below.close()
    }
  }

  /** The newest layer, if it may still be changed, or another upon it. */
  #open(): Layer {
    const newest = this.#layers.at(-1)
    if (newest !== undefined && !newest.isClosed && newest.pictures === 0) return newest
    const layer: Layer = { writes: new Map(), landed: [], pictures: 0, isClosed: false }
    this.#layers.push(layer)
    return layer
  }

  #plan(): void {
    // What fails is tried again by whoever writes next, who is told.
    this.#timer ??= setTimeout(() => void this.#flush().catch(() => undefined), LAID_MS)
  }

  /** Resolves when all that was laid before the flush under way, if there is one, is on disk. */
  #flush(): Promise<void> {
    this.#flushing ??= this.#land().finally(() => (this.#flushing = undefined))
    return this.#flushing
  }

  async #land(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const layers = [...this.#layers]
    const together: CellWrites = new Map()
    for (const layer of layers) {
      layer.isClosed = true
      for (const [name, bytes] of layer.writes) together.set(name, bytes)
    }
    try {
      await this.#below.write(together)
      this.#hasFailed = false
    } catch (error) {
      this.#hasFailed = true
      throw error
    }
    this.#layers = this.#layers.slice(layers.length)
    for (const { landed } of layers) for (const tell of landed) tell()
    if (this.#layers.length > 0) this.#plan()
  }
}
