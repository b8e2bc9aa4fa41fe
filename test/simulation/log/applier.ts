/**
 * What hands committed entries to a simulated store: one batch under way, tried again while the
 * store refuses, lost with the process.
 */
import type { Entry, Position } from '../../../protocols/log/entry.ts'
import type { Chance } from '../chance.ts'
import { check } from '../checkers/violation.ts'
import type { ReplicaWorld, SimulatedReplica } from './replica.ts'
import type { Record } from './store.ts'

const BATCH_MAX = 16
const RETRY_MS = 50
/** How long a restored snapshot takes. */
const RESTORE_MAX_MS = 300

export class Applier {
  private readonly peer: SimulatedReplica
  private readonly world: ReplicaWorld
  private readonly chance: Chance
  private waiting: Entry[] = []
  private readonly verdicts = new Map<number, string>()
  private isBusy = false
  /** What lies here whole, waiting to be restored, and who is told when it is. */
  private staged: { readonly journal: readonly Record[]; readonly ended: (position: Position | undefined) => void } | undefined
  private isRestoring = false
  private life = 0

  constructor(peer: SimulatedReplica, world: ReplicaWorld, chance: Chance) {
    this.peer = peer
    this.world = world
    this.chance = chance
  }

  add(entries: readonly Entry[]): void {
    this.waiting.push(...entries)
    this.go()
  }

  verdict(index: number, code: string): void {
    this.verdicts.set(index, code)
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
    if (this.isRestoring || position === undefined) return ended(undefined)
    this.staged = { journal, ended }
    this.peer.step({ kind: 'snapshot-staged', position })
    // Not wanted: the store has more.
    if (!this.isRestoring) this.drop(this.peer.store.position)
  }

  restore(): void {
    this.isRestoring = true
    this.waiting = []
    const { life } = this
    // The mark `filling` comes first: a store found with it holds nothing.
    this.world.agenda.after(this.chance.span(1, RESTORE_MAX_MS), () => {
      const { staged, peer } = this
      if (life !== this.life || staged === undefined) return
      check(
        staged.journal.length > peer.store.journal.length,
        'G12',
        () => `${peer.identity.id} restores ${staged.journal.length} over ${peer.store.journal.length}`,
      )
      peer.store.become(staged.journal)
      this.world.ledger.opened(peer.identity.id, peer.store.journal)
      this.isRestoring = false
      this.isBusy = false
      this.waiting = []
      this.life += 1
      peer.step({ kind: 'store-opened', at: peer.store.at() })
      this.drop(peer.store.position)
    })
  }

  restart(): void {
    this.waiting = []
    this.verdicts.clear()
    this.isBusy = false
    this.isRestoring = false
    this.life += 1
    this.drop(undefined)
  }

  crash(): void {
    if (this.isRestoring) this.peer.store.become([])
    this.restart()
  }

  private drop(position: Position | undefined): void {
    const { staged } = this
    this.staged = undefined
    staged?.ended(position)
  }

  private go(): void {
    if (this.isBusy || this.isRestoring || this.waiting.length === 0) return
    this.isBusy = true
    const { life } = this
    this.world.agenda.after(this.chance.span(0.1, this.world.options.applyMaxMs), () => {
      if (life === this.life) this.apply()
    })
  }

  private apply(): void {
    const { peer, world, life } = this
    // What is handed over meanwhile comes again once the store is opened.
    if (this.isRestoring) return
    const batch = this.waiting.slice(0, BATCH_MAX)
    const refused = batch.find(({ index }) => peer.isStoreDown && !this.verdicts.has(index))
    if (refused !== undefined) {
      peer.step({ kind: 'stalled', index: refused.index, code: 'down' })
      world.agenda.after(RETRY_MS, () => {
        if (life === this.life) this.apply()
      })
      return
    }
    this.waiting.splice(0, batch.length)
    const outcomes = peer.store.apply(batch, this.verdicts)
    for (const { index } of batch) world.ledger.applied(peer.identity.id, peer.store.journal[index - 1] as Record)
    this.keep()
    this.isBusy = false
    peer.step({ kind: 'applied', outcomes, durableIndex: peer.store.durableIndex })
    this.go()
  }

  /** Some of the end may be lost at a power loss. */
  private keep(): void {
    const { store } = this.peer
    const lag = this.world.options.undurableMax
    store.durableIndex = Math.max(store.durableIndex, store.position.index - (lag === 0 ? 0 : this.chance.between(0, lag)))
  }
}
