/**
 * The audit: who asked for what only operators may, who showed a credential that did not count,
 * which peers were let in or refused, and where it is wished every write. It tells names, addresses
 * and paths; never a token, a secret or a value, and so no query of a request either.
 */

/** A request, as far as the audit tells of it. */
export interface AuditedRequest {
  /** Of the token; null where none was shown that counts. */
  readonly name: string | null
  readonly proof: 'token' | 'socket' | 'none'
  readonly address: string
  readonly method: string
  /** Without its query, as it came. */
  readonly path: string
  /** 0: the client was gone before there was one. */
  readonly status: number
}

/** A peer, as far as the audit tells of it. */
export interface AuditedPeer {
  /** Null for one that was turned away before it said who it is. */
  readonly peerId: string | null
  /** Multiaddr where it is connected from, or was dialled. */
  readonly address: string
  /**
   * Fingerprint of the secret that it proved to know, as in `/status`; null where it has proved
   * none.
   */
  readonly provedBy: string | null
}

export type AuditEvent =
  | ({ readonly event: 'operator-request' | 'write' } & AuditedRequest)
  | ({ readonly event: 'credential-refused'; readonly kind: string } & AuditedRequest)
  | ({ readonly event: 'peer-admitted'; readonly clusterId: string } & AuditedPeer)
  | ({ readonly event: 'peer-refused'; readonly reason: string } & AuditedPeer)
  /** More refusals of one source in a second than are written. */
  | { readonly event: 'refusals-not-written'; readonly source: string; readonly count: number }

/** Takes what happened; nothing waits for it. */
export interface Audit {
  /** True where each write is to be told. */
  readonly tellsWrites: boolean
  record(event: AuditEvent): void
  /**
   * Refusals can be brought about by anybody: those of one source are bounded. @param source where
   * they come from
   */
  recordRefusal(source: string, event: AuditEvent): void
}

/** Where nobody keeps one. */
export const NO_AUDIT: Audit = { tellsWrites: false, record: () => undefined, recordRefusal: () => undefined }

/** Refusals of one source in a second that are written. */
const REFUSALS_A_SECOND = 10
/** Sources told apart in a second; those beyond are counted as one. */
const SOURCES_MAX = 1_024
const OTHER_SOURCES = 'others'
const SECOND_MS = 1_000

/** An audit of JSON lines. */
export class AuditLines implements Audit {
  readonly tellsWrites: boolean
  readonly #write: (line: object) => void
  /** Refusals in the second that runs, by source. */
  readonly #refusals = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  /** @param write takes one line as an object, which it gives a time */
  constructor(write: (line: object) => void, tellsWrites: boolean) {
    this.#write = write
    this.tellsWrites = tellsWrites
  }

  record(event: AuditEvent): void {
    this.#write(event)
  }

  recordRefusal(source: string, event: AuditEvent): void {
    const counted = this.#refusals.has(source) || this.#refusals.size < SOURCES_MAX ? source : OTHER_SOURCES
    const count = (this.#refusals.get(counted) ?? 0) + 1
    this.#refusals.set(counted, count)
    this.#timer ??= setTimeout(() => this.#endSecond(), SECOND_MS).unref()
    if (count <= REFUSALS_A_SECOND) this.#write(event)
  }

  /** Says what was counted and not written. */
  close(): void {
    clearTimeout(this.#timer)
    this.#endSecond()
  }

  #endSecond(): void {
    this.#timer = undefined
    for (const [source, count] of this.#refusals) {
      if (count > REFUSALS_A_SECOND) this.record({ event: 'refusals-not-written', source, count: count - REFUSALS_A_SECOND })
    }
    this.#refusals.clear()
  }
}
