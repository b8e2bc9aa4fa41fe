/**
 * Clients that wait until others have their operation on disk. What was told may be lost on the
 * way, so whoever has not answered is told again until the time is up.
 */
import type { IdentityId } from '../base/identity.ts'
import { toFarthestMs } from './context.ts'
import type { SetsContext } from './context.ts'
import type { ElementKey } from './element.ts'
import { isKept } from './keeping.ts'
import type { Told } from './messages.ts'
import type { Wait } from './requests.ts'
import type { ClientId } from '../events.ts'

/** Clients that may wait at one time; more are told at once that it is in doubt. */
export const WAITS_MAX = 10_000
/**
 * Who has not answered is told again after this, or after so many round trips across the network.
 */
const RETELL_MS = 500
const RETELL_ROUND_TRIPS = 2

interface Part {
  readonly rows: readonly Told[]
  readonly keepers: Set<IdentityId>
}

export interface Waiting {
  readonly client: ClientId
  readonly set: string
  readonly wait: Wait
  readonly deadlineMs: number
  readonly shiftMs: number
  /** By the number of its receipt. */
  readonly parts: ReadonlyMap<number, Part>
  toldAtMs: number
}

type WaitsContext = Pick<SetsContext, 'moment' | 'chain' | 'roster'>

export interface WaitsEnds {
  readonly kept: (waiting: Waiting) => void
  readonly expired: (waiting: Waiting) => void
  /** What it waits for is not here any more. */
  readonly lost: (waiting: Waiting) => void
  /** Tell those who have not answered. */
  readonly retell: (set: string, id: number, rows: readonly Told[], keepers: ReadonlySet<IdentityId>) => void
}

export class Waits {
  private readonly context: WaitsContext
  private readonly ends: WaitsEnds
  private readonly waiting = new Map<ClientId, Waiting>()
  private readonly byReceipt = new Map<number, Waiting>()

  constructor(context: WaitsContext, ends: WaitsEnds) {
    this.context = context
    this.ends = ends
  }

  get size(): number {
    return this.waiting.size
  }

  /** @param parts what was told, by the number of its receipt */
  begin(init: Omit<Waiting, 'parts' | 'toldAtMs'>, parts: ReadonlyMap<number, readonly Told[]>): void {
    const withKeepers = new Map([...parts].map(([id, rows]) => [id, { rows, keepers: new Set<IdentityId>() }]))
    const waiting: Waiting = { ...init, parts: withKeepers, toldAtMs: this.context.moment.nowMs }
    this.waiting.set(init.client, waiting)
    for (const id of parts.keys()) this.byReceipt.set(id, waiting)
  }

  kept(id: number, keeper: IdentityId): void {
    const waiting = this.byReceipt.get(id)
    if (waiting === undefined) return
    waiting.parts.get(id)?.keepers.add(keeper)
    this.endIfKept(waiting)
  }

  /** A later cut took these elements of the set away: nobody is told that they are kept. */
  lost(set: string, keys: ReadonlySet<ElementKey>): void {
    for (const waiting of this.waiting.values()) {
      const isLost = [...waiting.parts.values()].some(({ rows }) => rows.some(({ key }) => keys.has(key)))
      if (waiting.set !== set || !isLost) continue
      this.forget(waiting)
      this.ends.lost(waiting)
    }
  }

  cancel(client: ClientId): void {
    const waiting = this.waiting.get(client)
    if (waiting !== undefined) this.forget(waiting)
  }

  /** Another config may need fewer, or others. */
  configInstalled(): void {
    for (const waiting of this.waiting.values()) this.endIfKept(waiting)
  }

  tick(): void {
    const { nowMs } = this.context.moment
    for (const waiting of this.waiting.values()) {
      if (nowMs >= waiting.deadlineMs) {
        this.forget(waiting)
        this.ends.expired(waiting)
      } else if (nowMs - waiting.toldAtMs >= this.retellMs()) {
        waiting.toldAtMs = nowMs
        for (const [id, { rows, keepers }] of waiting.parts) this.ends.retell(waiting.set, id, rows, keepers)
      }
    }
  }

  private endIfKept(waiting: Waiting): void {
    const config = this.context.chain.current?.config
    if (config === undefined) return
    const { clusterId } = this.context.roster
    for (const { keepers } of waiting.parts.values()) {
      if (!isKept(config, clusterId, waiting.wait, (voter) => keepers.has(voter))) return
    }
    this.forget(waiting)
    this.ends.kept(waiting)
  }

  private forget(waiting: Waiting): void {
    this.waiting.delete(waiting.client)
    for (const id of waiting.parts.keys()) this.byReceipt.delete(id)
  }

  private retellMs(): number {
    const voters = this.context.chain.current?.quorum.voters ?? []
    return Math.max(RETELL_MS, RETELL_ROUND_TRIPS * toFarthestMs(this.context, voters))
  }
}
