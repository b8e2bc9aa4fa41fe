/**
 * Takes the backup of another store into a file, piece after piece. It goes into the store only
 * when all of it is here and the replica wants it.
 */
import { closeSync, createReadStream, openSync, rmSync, writeSync } from 'node:fs'
import type { Identity } from '../../protocols/base/identity.ts'
import type { Position } from '../../protocols/log/entry.ts'
import type { SnapshotTalk } from '../../protocols/log/talk.ts'

/** Its owner alone. */
const PRIVATE = 0o600

type Piece = Extract<SnapshotTalk, { readonly kind: 'piece' }>

/** A backup that lies here whole. */
export interface StagedSnapshot {
  readonly position: Position
  readonly from: Identity
  readonly transfer: number
}

interface Arriving extends StagedSnapshot {
  readonly file: number
  /** Pieces stored. */
  count: number
}

export class Taking {
  private readonly path: string
  private arriving: Arriving | undefined

  constructor(path: string) {
    this.path = path
  }

  /**
   * Stores a piece; one that is stored already changes nothing.
   *
   * @returns whether it is stored, and the whole of the backup when it is the last
   */
  take(
    from: Identity,
    { transfer, place, position, isLast, bytes }: Piece,
  ): { readonly isStored: boolean; readonly whole?: StagedSnapshot } {
    if (place === 0 && this.arriving?.transfer !== transfer) this.begin({ from, transfer, position })
    const { arriving } = this
    if (arriving === undefined || arriving.transfer !== transfer || arriving.from.id !== from.id || place > arriving.count)
      return { isStored: false }
    if (place < arriving.count) return { isStored: true }
    writeSync(arriving.file, bytes)
    arriving.count += 1
    if (!isLast) return { isStored: true }
    return { isStored: true, whole: { from, transfer, position } }
  }

  /** The backup as it was given. */
  stream(): AsyncIterable<Uint8Array> {
    return createReadStream(this.path)
  }

  /** Nothing of it is needed any more. */
  drop(): void {
    if (this.arriving !== undefined) closeSync(this.arriving.file)
    this.arriving = undefined
    rmSync(this.path, { force: true })
  }

  private begin(snapshot: StagedSnapshot): void {
    this.drop()
    this.arriving = { ...snapshot, file: openSync(this.path, 'w', PRIVATE), count: 0 }
  }
}
