/**
 * Closes the connections of peers that were proved by a secret no longer in force, one after
 * another: each comes back, proved by another, before the next one goes, so that no quorum is lost
 * by it.
 */
import type { PeerId } from '../../protocols/base/identity.ts'

/** Between two of them: some round trips and a redial. */
const PAUSE_MS = 500
/** All are closed within this time, however many there are. */
const ALL_MS = 10_000

export interface StaleProofsInit {
  /** Peers whose proof is worth nothing any more. */
  readonly stale: () => readonly PeerId[]
  readonly close: (peerId: PeerId) => void
}

export class StaleProofs {
  readonly #init: StaleProofsInit
  #timer: NodeJS.Timeout | undefined

  constructor(init: StaleProofsInit) {
    this.#init = init
  }

  /** Other secrets are in force. */
  begin(): void {
    clearInterval(this.#timer)
    const { length } = this.#init.stale()
    if (length === 0) return
    this.#timer = setInterval(() => this.#closeOne(), Math.min(PAUSE_MS, ALL_MS / length))
    this.#closeOne()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #closeOne(): void {
    const [peerId] = this.#init.stale()
    if (peerId === undefined) this.stop()
    else this.#init.close(peerId)
  }
}
