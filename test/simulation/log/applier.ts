/**
 * A simulated store under the applier of a peer: slow, refusing for a while, and lost with the
 * process.
 */
import type { Entry, Position } from '../../../protocols/log/entry.ts'
import type { StoreAt } from '../../../protocols/log/events.ts'
import { Applier as Applying } from '../../../src/logs/applier.ts'
import type { AppliedStore, BatchEnd } from '../../../src/logs/applier.ts'
import type { Chance } from '../chance.ts'
import { check } from '../checkers/violation.ts'
import type { ReplicaWorld, SimulatedReplica } from './replica.ts'
import type { Record } from './store.ts'

/** How long a restored snapshot takes. */
const RESTORE_MAX_MS = 300

interface Staged {
  readonly position: Position
  readonly journal: readonly Record[]
}

export class Applier implements AppliedStore<Staged> {
  private readonly peer: SimulatedReplica
  private readonly world: ReplicaWorld
  private readonly chance: Chance
  private readonly applying: Applying<Staged> = new Applying(this)
  /** The mark `filling`: a store found with it holds nothing. */
  private isFilling = false

  constructor(peer: SimulatedReplica, world: ReplicaWorld, chance: Chance) {
    this.peer = peer
    this.world = world
    this.chance = chance
  }

  add(entries: readonly Entry[]): void {
    this.applying.add(entries)
  }

  verdict(index: number, code: string): void {
    this.applying.verdict(index, code)
    const isRight = (peer: SimulatedReplica): boolean => {
      const outcome = peer.store.journal[index - 1]?.outcome
      return outcome?.kind === 'rejected' && outcome.code === code
    }
    const hasApplied = this.peer.store.journal.length >= index
    // A store is emptied only when another can fill it.
    if (!hasApplied || isRight(this.peer) || !this.world.others(this.peer).some(isRight)) return
    this.world.agenda.after(0, () => this.peer.refill())
  }

  /** The whole of a snapshot arrived. */
  stage(journal: readonly Record[], ended: (position: Position | undefined) => void): void {
    const position = journal.at(-1)?.position
    if (position === undefined) return ended(undefined)
    this.applying.stage({ position, journal }, ended)
    this.applying.unwanted(this.peer.store.position)
  }

  /** The snapshot that lies here is wanted. */
  takeStaged(): void {
    this.applying.restore()
  }

  opened(): void {
    this.applying.opened(this.peer.store.at())
  }

  stop(): void {
    if (this.isFilling) this.peer.store.become([])
    this.isFilling = false
    this.applying.stop()
  }

  apply(entries: readonly Entry[], verdicts: ReadonlyMap<number, string>, isWanted: () => boolean, ended: (end: BatchEnd) => void): void {
    const { peer, world } = this
    world.agenda.after(this.chance.span(0.1, world.options.applyMaxMs), () => {
      if (!isWanted()) return
      if (peer.isStoreDown && entries.some(({ index }) => !verdicts.has(index))) return ended({ code: 'down' })
      const outcomes = peer.store.apply(entries, verdicts)
      for (const { index } of entries) world.ledger.applied(peer.identity.id, peer.store.journal[index - 1] as Record)
      this.keep()
      ended({ outcomes, durableIndex: peer.store.durableIndex })
    })
  }

  digest(_slice: number, isWanted: () => boolean, ended: (digest: string | undefined) => void): void {
    const { peer, world } = this
    world.agenda.after(this.chance.span(0.1, world.options.applyMaxMs), () => {
      if (isWanted()) ended(peer.isStoreDown ? undefined : peer.store.digest())
    })
  }

  restore({ journal }: Staged, isWanted: () => boolean, ended: (at: StoreAt | undefined) => void): void {
    const { peer, world } = this
    this.isFilling = true
    world.agenda.after(this.chance.span(1, RESTORE_MAX_MS), () => {
      if (!isWanted()) return
      // The store may have come as far while the process, which stood still, did not hear of it.
      check(
        journal.length >= peer.store.journal.length,
        'G12',
        () => `${peer.identity.id} restores ${journal.length} over ${peer.store.journal.length}`,
      )
      this.isFilling = false
      peer.store.become(journal)
      world.ledger.opened(peer.identity.id, peer.store.journal)
      ended(peer.store.at())
    })
  }

  after(milliseconds: number, run: () => void): void {
    this.world.agenda.after(milliseconds, run)
  }

  tell(event: Parameters<SimulatedReplica['step']>[0]): void {
    this.peer.step(event)
  }

  /** Some of the end may be lost at a power loss. */
  private keep(): void {
    const { store } = this.peer
    const lag = this.world.options.undurableMax
    store.durableIndex = Math.max(store.durableIndex, store.position.index - (lag === 0 ? 0 : this.chance.between(0, lag)))
  }
}
