/**
 * The table of a further type of data: bytes by name, in the order of the names' UTF-8 bytes. The
 * type alone knows what a row says; a store, the runtime and a simulated disk keep rows of any
 * type, so that a type brings no table of its own.
 */
import { compareUtf8 } from './bytes.ts'

/**
 * Bytes of a row's name in UTF-8. What a page of a store takes as a key, with room for the type in
 * front of it.
 */
export const ROW_NAME_BYTES_MAX = 1_600

export interface Row {
  /** 1 to ROW_NAME_BYTES_MAX bytes of well-formed text. */
  readonly name: string
  readonly bytes: Uint8Array
}

export interface RowWrite {
  readonly name: string
  /** Undefined: the row is deleted. */
  readonly bytes: Uint8Array | undefined
}

/**
 * The rows of one type as its core reads them: synchronous, and showing every write issued so far,
 * synced or not.
 */
export interface Rows {
  get(name: string): Uint8Array | undefined
  /**
   * The rows whose name begins with the prefix and comes after the given name. They are read as
   * they are taken: whoever writes meanwhile begins anew.
   */
  range(prefix: string, after?: string): Iterable<Row>
}

/** The rows of every type. */
export interface Tables {
  rows(type: string): Rows
}

const NO_ROWS: Rows = { get: () => undefined, range: () => [] }

/** Of a store that keeps none. */
export const NO_TABLES: Tables = { rows: () => NO_ROWS }

interface Laid {
  readonly bytes: Uint8Array | undefined
  /** Tells a later write of the same row from one that has just reached what lies below. */
  readonly serial: number
}

/** Rows with what was written and is not below yet laid over them. */
export class RowsOverlay implements Rows {
  private readonly below: Rows
  private readonly laid = new Map<string, Laid>()

  constructor(below: Rows) {
    this.below = below
  }

  get(name: string): Uint8Array | undefined {
    const laid = this.laid.size === 0 ? undefined : this.laid.get(name)
    return laid === undefined ? this.below.get(name) : laid.bytes
  }

  *range(prefix: string, after = ''): Iterable<Row> {
    const laid = this.names(prefix, after)
    let next = 0
    for (const row of this.below.range(prefix, after)) {
      for (; next < laid.length && compareUtf8(laid[next] as string, row.name) < 0; next += 1) yield* this.shown(laid[next] as string)
      if (laid[next] !== row.name) yield row
    }
    for (; next < laid.length; next += 1) yield* this.shown(laid[next] as string)
  }

  /** @param serial not below that of any write before */
  apply(writes: readonly RowWrite[], serial = 0): void {
    for (const { name, bytes } of writes) this.laid.set(name, { bytes, serial })
  }

  /** What lies below shows these writes, and all up to this serial. */
  settle(writes: readonly RowWrite[], serial: number): void {
    for (const { name } of writes) if ((this.laid.get(name)?.serial ?? Infinity) <= serial) this.laid.delete(name)
  }

  /** What lies below shows all that was written. */
  clear(): void {
    if (this.laid.size > 0) this.laid.clear()
  }

  private names(prefix: string, after: string): string[] {
    if (this.laid.size === 0) return []
    // Few of many, as a rule: what is under way is written far more often than a range of it is
    // asked for.
    return [...this.laid.keys()].filter((name) => name.startsWith(prefix) && compareUtf8(name, after) > 0).sort(compareUtf8)
  }

  private *shown(name: string): Iterable<Row> {
    const bytes = this.laid.get(name)?.bytes
    if (bytes !== undefined) yield { name, bytes }
  }
}

/** The overlays of every type, over the tables of a store. */
export class TablesOverlay implements Tables {
  private readonly below: Tables
  private readonly overlays = new Map<string, RowsOverlay>()

  constructor(below: Tables) {
    this.below = below
  }

  rows(type: string): RowsOverlay {
    let overlay = this.overlays.get(type)
    if (overlay === undefined) this.overlays.set(type, (overlay = new RowsOverlay(this.below.rows(type))))
    return overlay
  }

  clear(): void {
    for (const overlay of this.overlays.values()) overlay.clear()
  }
}
