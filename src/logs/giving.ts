/**
 * Gives the backup of a store to a member whose log can not be filled entry by entry: piece after
 * piece, each sent again until it is stored there, and then waits until it is in the store there.
 */
import type { Identity, PeerId } from '../../protocols/base/identity.ts'
import type { Position } from '../../protocols/log/entry.ts'
import type { SnapshotTalk } from '../../protocols/log/talk.ts'
import type { StoreBackup } from '../ports/log-store.ts'

/** What a piece has at the least, unless it is the last, in bytes. */
const PIECE_BYTES_MIN = 262_144
/** A piece that nobody stored in so long is sent again, so many times. */
const STORED_WITHIN_MS = 5_000
const TRIES_MAX = 4
/** Restoring a large store takes long. */
const TAKEN_WITHIN_MS = 600_000

export interface GivingInit {
  readonly logId: string
  readonly transfer: number
  readonly to: Identity
  readonly speak: (to: PeerId, talk: SnapshotTalk) => void
}

export class Giving {
  private readonly init: GivingInit
  private readonly controller: AbortController = new AbortController()
  private stored: ((place: number) => void) | undefined
  private taken: ((position: Position | undefined) => void) | undefined

  constructor(init: GivingInit) {
    this.init = init
  }

  /** @returns where the store there stands now; undefined when it could not be given */
  async run(open: (signal: AbortSignal) => Promise<StoreBackup>): Promise<Position | undefined> {
    const { signal } = this.controller
    const { position, stream } = await open(signal)
    const taken = new Promise<Position | undefined>((resolve) => (this.taken = resolve))
    let place = 0
    for await (const { bytes, isLast } of pieces(stream)) {
      if (!(await this.deliver({ kind: 'piece', ...this.named, place, position, isLast, bytes }))) return undefined
      place += 1
    }
    return within(TAKEN_WITHIN_MS, taken, signal)
  }

  /** The other end says something. */
  heard(from: Identity, talk: SnapshotTalk): void {
    if (from.id !== this.init.to.id || talk.transfer !== this.init.transfer) return
    if (talk.kind === 'piece-stored') this.stored?.(talk.place)
    else if (talk.kind === 'taken') this.taken?.(talk.position)
  }

  stop(): void {
    this.controller.abort()
    this.stored?.(Number.NaN)
    this.taken?.(undefined)
  }

  private get named(): Pick<SnapshotTalk, 'logId' | 'transfer'> {
    const { logId, transfer } = this.init
    return { logId, transfer }
  }

  private async deliver(piece: Extract<SnapshotTalk, { readonly kind: 'piece' }>): Promise<boolean> {
    const { signal } = this.controller
    for (let tries = 0; tries < TRIES_MAX && !signal.aborted; tries += 1) {
      const stored = new Promise<number>((resolve) => {
        this.stored = (place) => {
          if (place === piece.place || Number.isNaN(place)) resolve(place)
        }
      })
      this.init.speak(this.init.to.peerId, piece)
      if ((await within(STORED_WITHIN_MS, stored, signal)) === piece.place) return true
    }
    return false
  }
}

/** Pieces of a useful size, each known to be the last or not. */
async function* pieces(stream: AsyncIterable<Uint8Array>): AsyncIterable<{ readonly bytes: Uint8Array; readonly isLast: boolean }> {
  let gathered: Uint8Array[] = []
  let bytes = 0
  for await (const part of stream) {
    if (bytes >= PIECE_BYTES_MIN) {
      yield { bytes: Buffer.concat(gathered), isLast: false }
      gathered = []
      bytes = 0
    }
    gathered.push(part)
    bytes += part.length
  }
  yield { bytes: Buffer.concat(gathered), isLast: true }
}

/** @returns undefined when it takes longer, or is not wanted any more */
async function within<Value>(milliseconds: number, work: Promise<Value>, signal: AbortSignal): Promise<Value | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), milliseconds)
  const onAbort = (): void => resolve(undefined)
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
