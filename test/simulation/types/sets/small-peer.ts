/**
 * A peer that is nothing but its sets: everything around them is as simple as the contract allows,
 * so that thousands of short schedules of a few peers are played in a second. What it says waits
 * for its disk; a crash loses what is not synced, in order.
 */
import { identity } from '../../../../protocols/base/identity.ts'
import type { ClusterId, Identity, Incarnation, PeerId } from '../../../../protocols/base/identity.ts'
import type { RowWrite } from '../../../../protocols/base/rows.ts'
import { RowsOverlay, NO_TABLES } from '../../../../protocols/base/rows.ts'
import type { After } from '../../../../protocols/base/slot.ts'
import type { TypeContext } from '../../../../protocols/data-type.ts'
import type { ClientId } from '../../../../protocols/events.ts'
import { ELEMENTS } from '../../../../protocols/sets/disk-rows.ts'
import { SETS_SETTINGS } from '../../../../protocols/sets/context.ts'
import type { SetsSettings } from '../../../../protocols/sets/context.ts'
import { SETS } from '../../../../protocols/sets/requests.ts'
import type { DroppedRequest, SetAnswer, SetRequest } from '../../../../protocols/sets/requests.ts'
import { Sets } from '../../../../protocols/sets/sets.ts'
import { Codec } from '../../../../protocols/wire/codec.ts'
import { sha256, utf8 } from '../../../../src/bytes.ts'
import type { Chance } from '../../chance.ts'

export const CLUSTER = 'c' as ClusterId
/** The time of day when a schedule begins. */
const WALL_MS = 1_700_000_000_000
const codec = new Codec(utf8)

/** What its peers share. */
export interface SmallWorld {
  readonly chance: Chance
  nowMs: number
  readonly peers: readonly SmallPeer[]
  /** Who votes, by identity. */
  voters: readonly Identity[]
  readonly transmit: (from: SmallPeer, to: PeerId, body: Uint8Array) => void
  readonly decide: TypeContext['decide']
}

/** A write, or something that waits for writes. */
type Pending =
  | { readonly writes: readonly RowWrite[]; readonly slot: string; readonly isBarrier: boolean }
  | { readonly after: After; readonly leave: () => void }

export class SmallPeer {
  readonly peerId: PeerId
  readonly world: SmallWorld
  self: Identity
  sets: Sets | undefined
  /** What would be there after a crash, and what was written. */
  disk: RowsOverlay = new RowsOverlay(NO_TABLES.rows(SETS))
  seen: RowsOverlay = new RowsOverlay(this.disk)
  clockOffMs = 0
  isConnected = true
  private readonly settings: Partial<SetsSettings>
  private pending: Pending[] = []
  private readonly answers = new Map<ClientId, unknown[]>()
  private lastClient = 0
  private lastId = 0

  constructor(name: string, world: SmallWorld, settings: Partial<SetsSettings>) {
    this.peerId = name as PeerId
    this.world = world
    this.settings = settings
    this.self = this.drawIdentity()
  }

  get wallMs(): number {
    return WALL_MS + this.world.nowMs + this.clockOffMs
  }

  start(): void {
    this.sets = new Sets(this.context(), { ...SETS_SETTINGS, ...this.settings })
  }

  /**
   * @param keepRate how much of what was written is on disk all the same: nothing behind a barrier
   * that is not, nor a barrier before all
   */
  crash(keepRate: number): void {
    let isAnyLost = false
    let isBarrierLost = false
    for (const each of this.pending) {
      if (!('writes' in each)) continue
      const isKept = !isBarrierLost && !(each.isBarrier && isAnyLost) && this.world.chance.happens(keepRate)
      if (isKept) this.disk.apply(each.writes)
      else isAnyLost = true
      if (!isKept && each.isBarrier) isBarrierLost = true
    }
    this.seen = new RowsOverlay(this.disk)
    this.pending = []
    this.sets = undefined
  }

  wipe(): void {
    this.crash(0)
    this.disk = new RowsOverlay(NO_TABLES.rows(SETS))
    this.seen = new RowsOverlay(this.disk)
    this.self = this.drawIdentity()
  }

  /** All that was written is on disk: what waited for it leaves. */
  sync(): void {
    while (this.pending.length > 0) {
      const { pending } = this
      this.pending = []
      for (const each of pending) if ('writes' in each) this.disk.apply(each.writes)
      for (const each of pending) if ('leave' in each) each.leave()
    }
  }

  /** @returns what it is answered at once, or will be when it is synced */
  ask(request: SetRequest): SetAnswer[] {
    return this.asked(request) as SetAnswer[]
  }

  /** What whoever runs the peer asks. */
  askDropped(request: DroppedRequest): unknown {
    const answers = this.asked(request)
    this.sync()
    return answers[0]
  }

  private asked(request: SetRequest | DroppedRequest): unknown[] {
    const client = (this.lastClient += 1)
    const answers: unknown[] = []
    this.answers.set(client, answers)
    this.sets?.asked({ kind: 'typed', type: SETS, client, request, deadlineMs: this.world.nowMs + 1_000 })
    return answers
  }

  hear(from: Identity, body: Uint8Array): void {
    this.sets?.told(from, body)
  }

  tick(): void {
    this.sets?.upkeep()
    this.sets?.tick()
  }

  /** Takes what another holds, as a comparison does. */
  compare(other: SmallPeer): void {
    const theirs = other.sets?.collection
    const own = this.sets?.collection
    if (theirs === undefined || own === undefined) return
    const rows = [...other.seen.range(ELEMENTS)].flatMap(({ name }) => {
      const row = theirs.held(name)
      return row === undefined ? [] : [{ key: name, record: row }]
    })
    own.take(rows)
  }

  private context(): TypeContext {
    const { world } = this
    const moment = {
      get nowMs(): number {
        return world.nowMs
      },
    }
    const isTo = (other: SmallPeer): boolean => other.sets !== undefined && other.isConnected && this.isConnected
    const known = (): SmallPeer[] => world.peers.filter((other) => other !== this)
    const byId = (peerId: PeerId): SmallPeer | undefined => world.peers.find((other) => other.peerId === peerId)
    const shown = (other: SmallPeer): object => ({ peerId: other.peerId, identity: other.self, clusterId: CLUSTER })
    const roster = {
      clusterId: CLUSTER,
      isFew: true,
      all: () => known().filter(isTo).map(shown),
      connected: () => known().filter(isTo).map(shown),
      isConnected: (peerId: PeerId) => byId(peerId) !== undefined && isTo(byId(peerId) as SmallPeer),
      isConnectedAs: (one: Identity) => byId(one.peerId)?.self.id === one.id && isTo(byId(one.peerId) as SmallPeer),
      clusterIds: () => [CLUSTER],
      connectedOf: () =>
        known()
          .filter(isTo)
          .map((other) => other.peerId),
      speaks: () => true,
      representatives: () => [],
      clusterOf: () => CLUSTER,
      roundTripMs: () => 1,
      freshHealth: () => undefined,
    }
    const chain = {
      get current(): object {
        const { voters } = world
        return {
          config: { epoch: 1, clusters: new Map([[CLUSTER, voters]]) },
          quorum: { voters, votersByCluster: new Map([[CLUSTER, voters]]) },
        }
      },
      isVoter: (id: string) => world.voters.some((voter) => voter.id === id),
    }
    const outbox = { disconnect: () => undefined }
    return {
      self: this.self,
      moment,
      wallMs: () => this.wallMs,
      nextId: () => (this.lastId += 1),
      random: () => world.chance.number(),
      sha256,
      codec,
      chain,
      roster,
      outbox,
      rows: this.seen,
      persist: (slot: string, rows: readonly RowWrite[], urgency?: string) => this.persist(slot, rows, urgency === 'barrier'),
      send: (to: PeerId, body: Uint8Array, after: After) =>
        this.leave(after, () => (to === this.peerId ? this.hear(this.self, body) : world.transmit(this, to, body))),
      isOpen: true,
      answer: (client: ClientId, answer: SetAnswer, after: After) => this.leave(after, () => void this.answers.get(client)?.push(answer)),
      tell: () => undefined,
      decide: world.decide,
      note: () => undefined,
    } as unknown as TypeContext
  }

  private persist(slot: string, writes: readonly RowWrite[], isBarrier: boolean): void {
    this.seen.apply(writes)
    this.pending.push({ writes, slot, isBarrier })
  }

  /**
   * What waits leaves when all before it is on disk; what waits for a slot of which nothing is
   * unsynced leaves at once.
   */
  private leave(after: After, leave: () => void): void {
    const isAwaited = (each: Pending): boolean =>
      'writes' in each && (each.isBarrier || after === 'everything' || (typeof after === 'object' && each.slot === after.name))
    if (this.pending.some(isAwaited)) this.pending.push({ after, leave })
    else leave()
  }

  private drawIdentity(): Identity {
    return identity(this.peerId, this.world.chance.hex(32) as Incarnation)
  }
}
