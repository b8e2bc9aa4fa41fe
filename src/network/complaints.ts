/**
 * Warnings about other peers, once in a while for each peer and reason: it is dialled again and
 * again.
 */
import type { Connection } from '@libp2p/interface'
import type { Logger } from 'pino'
import type { PeerId } from '../../protocols/base/identity.ts'

/** The same is not warned of again sooner than this. */
const AGAIN_MS = 600_000
/** Peers and reasons remembered for that. Strangers may come under ever new names. */
const REMEMBERED_MAX = 1_000

/** What is said when a peer breaks the protocol. */
export const BROKE_THE_PROTOCOL = 'cut a connection that broke the protocol'

/** Whom it is about. */
export interface Complained {
  readonly peerId: PeerId
  readonly connection: Connection
  /** Of the secret that it proved to know; undefined when it has proved none. */
  readonly provedFingerprint?: string | undefined
}

type Told = (peerId: PeerId, reason: string, address: string, provedBy: string | undefined) => void

export class Complaints {
  readonly #logger: Logger
  readonly #told: Told
  readonly #toldAtMs = new Map<string, number>()

  /** `told`: hears of every complaint, repeated or not. */
  constructor(logger: Logger, told: Told) {
    this.#logger = logger
    this.#told = told
  }

  /** `text`: what was done to the peer. */
  tell({ peerId, connection, provedFingerprint }: Complained, reason: string, text: string): void {
    const nowMs = performance.now()
    const what = `${peerId} ${reason}`
    const isRepeated = nowMs - (this.#toldAtMs.get(what) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS
    if (this.#toldAtMs.size >= REMEMBERED_MAX) this.#toldAtMs.clear()
    if (!isRepeated) this.#toldAtMs.set(what, nowMs)
    const address = connection.remoteAddr.toString()
    const fields = { peerId, address, reason }
    if (isRepeated) this.#logger.debug(fields, text)
    else this.#logger.warn(fields, text)
    this.#told(peerId, reason, address, provedFingerprint)
  }
}
