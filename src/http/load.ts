/**
 * How much is being worked on, of each kind, in all and by client. What would go beyond a bound is
 * refused at once, before anything of it begins; and no client gets more than a quarter of any
 * bound, so that one alone never shuts out the others.
 */

/**
 * What is bounded. A request is counted as one of the first three at a time: read, waiting for a
 * key, or worked on.
 */
export const KINDS = ['arriving', 'waits', 'requests', 'unanswered', 'bodyBytes', 'answerBytes', 'connections'] as const
export type Kind = (typeof KINDS)[number]
/** What a request counts as. */
export type Work = 'arriving' | 'waits' | 'requests'
export type Bounds = Readonly<Record<Kind, number>>

export const BOUNDS: Bounds = {
  /** Puts whose body is not complete. */
  arriving: 1_024,
  /** Gets that wait for a key to be known. */
  waits: 1_024,
  /** Requests that the peer works on. */
  requests: 1_024,
  /**
   * Requests read and not answered, most of them pipelined: a piece of 64 KiB may bring thousands.
   */
  unanswered: 16_384,
  /** Bytes of bodies, as they arrive. */
  bodyBytes: 67_108_864,
  /** Bytes of answers that the system has not taken from us yet. */
  answerBytes: 134_217_728,
  /** Idle connections cost memory too. */
  connections: 10_000,
}

/** The part of each bound that one client gets. */
const CLIENT_PART = 1 / 4

/** What one client has of each kind. */
export class Share {
  readonly source: string
  /**
   * True for a client that stands for many, as a proxy does for its connections: it may have all
   * there is.
   */
  readonly isWhole: boolean
  readonly used: Record<Kind, number> = none()
  /** The sum of these: a share that has nothing is forgotten. */
  total = 0

  constructor(source: string, isWhole: boolean) {
    this.source = source
    this.isWhole = isWhole
  }
}

export interface LoadInit {
  /** Those that are not as usual. */
  readonly bounds?: Partial<Bounds>
  /** The part of each bound that one client gets, a quarter unless given. */
  readonly clientPart?: number
}

export class Load {
  /** How often each kind was refused: to one client that had its part, or because all was taken. */
  readonly refused: Readonly<Record<'client' | 'all', Record<Kind, number>>> = { client: none(), all: none() }
  readonly #bounds: Record<Kind, number>
  readonly #clientPart: number
  readonly #used: Record<Kind, number> = none()
  readonly #shares = new Map<string, Share>()

  constructor({ bounds, clientPart = CLIENT_PART }: LoadInit = {}) {
    this.#bounds = { ...BOUNDS, ...bounds }
    this.#clientPart = clientPart
  }

  /** Requests that anything is done for. */
  get requests(): number {
    return this.#used.arriving + this.#used.waits + this.#used.requests
  }

  used(kind: Kind): number {
    return this.#used[kind]
  }

  /** The share of a source; the same one for as long as the source has anything. */
  shareOf(source: string, isWhole: boolean): Share {
    return this.#shares.get(source) ?? new Share(source, isWhole)
  }

  /** Why there is no room for so much more; undefined when there is. */
  lack(kind: Kind, share: Share, count: number): 'client' | 'all' | undefined {
    const most = this.#bounds[kind]
    if (this.#used[kind] + count > most) return 'all'
    return share.isWhole || share.used[kind] + count <= Math.ceil(most * this.#clientPart) ? undefined : 'client'
  }

  /** Counts so much more; false, and not counted, when that would be too much. */
  take(kind: Kind, share: Share, count: number): boolean {
    const lack = this.lack(kind, share, count)
    if (lack !== undefined) {
      this.refused[lack][kind] += 1
      return false
    }
    if (share.total === 0) this.#shares.set(share.source, share)
    share.total += count
    share.used[kind] += count
    this.#used[kind] += count
    return true
  }

  /** Gives back what was counted. */
  give(kind: Kind, share: Share, count: number): void {
    this.#used[kind] -= count
    share.used[kind] -= count
    share.total -= count
    if (share.total === 0) this.#shares.delete(share.source)
  }
}

function none(): Record<Kind, number> {
  return { arriving: 0, waits: 0, requests: 0, unanswered: 0, bodyBytes: 0, answerBytes: 0, connections: 0 }
}
