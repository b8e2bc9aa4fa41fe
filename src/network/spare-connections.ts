/**
 * Closes connections that nobody needs. When two peers dial each other at once there are two
 * between them, and libp2p keeps both for good. Once both ends have settled on a stream, the end
 * with the lower peer id closes the others: one end alone, so that the two cannot each close what
 * the other keeps.
 */
import type { Connection } from '@libp2p/interface'
import type { PeerId } from '../../protocols/base/identity.ts'

/**
 * How long a connection, and the stream used instead, must have been there: both ends have settled
 * by then.
 */
export const SPARE_AFTER_MS = 3_000
/** Between looks. */
const LOOK_MS = 1_000
/** What closing may take; then the connection is cut. */
const CLOSE_TIMEOUT_MS = 2_000

/** What is in use for a peer. */
export interface InUse {
  readonly connection: Connection
  /** When its stream was proven; milliseconds of `performance.now`. */
  readonly provenAtMs: number
}

export interface SpareConnectionsInit {
  readonly self: PeerId
  readonly connections: () => readonly Connection[]
  readonly inUse: (peerId: PeerId) => InUse | undefined
  /** Our own streams on this connection move to the one in use. */
  readonly leave: (connection: Connection) => void
}

export class SpareConnections {
  readonly #init: SpareConnectionsInit
  /** Since when each spare connection was seen to be one. */
  #spareSinceMs = new Map<Connection, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(init: SpareConnectionsInit) {
    this.#init = init
  }

  start(): void {
    this.#timer = setInterval(() => this.look(performance.now()), LOOK_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /**
   * Closes those that were spare for long enough and carry nothing now: libp2p's own services may
   * use any.
   */
  look(nowMs: number): void {
    const spareSinceMs = new Map<Connection, number>()
    for (const connection of this.#init.connections()) {
      const peerId = connection.remotePeer.toString() as PeerId
      const inUse = this.#init.inUse(peerId)
      if (inUse === undefined || inUse.connection === connection || this.#init.self > peerId || connection.status !== 'open') continue
      const sinceMs = Math.max(this.#spareSinceMs.get(connection) ?? nowMs, inUse.provenAtMs)
      spareSinceMs.set(connection, sinceMs)
      if (nowMs - sinceMs < SPARE_AFTER_MS) continue
      this.#init.leave(connection)
      if (connection.streams.length === 0) close(connection)
    }
    this.#spareSinceMs = spareSinceMs
  }
}

function close(connection: Connection): void {
  connection.close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) }).catch((error: unknown) => {
    connection.abort(error instanceof Error ? error : new Error(String(error)))
  })
}
