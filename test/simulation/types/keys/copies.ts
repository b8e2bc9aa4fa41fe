/**
 * The bookkeeping of what was copied (S12). Whoever says that it holds somebody's list has every
 * record of it on disk; no list is given before the epoch it is for is there; a change is finished
 * only when enough new voters have said so; and a peer that calls itself complete has what some
 * voter had. Each is checked where it is said: later, learns and repair have filled the gap.
 */
import type { Identity, IdentityId, PeerId } from '../../../../protocols/base/identity.ts'
import { configKey, epochOfConfigKey, isConfigKey } from '../../../../protocols/base/register.ts'
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import type { Clusters, Config } from '../../../../protocols/base/config.ts'
import type { AnyWrite } from '../../../../protocols/base/persist.ts'
import type { Note } from '../../../../protocols/effects.ts'
import type { Message } from '../../../../protocols/wire/messages.ts'
import type { Send } from '../../../../src/runtime/send-gate.ts'
import { describeConfig, describeIdentity } from '../../describe.ts'
import type { SimulatedPeer } from '../../peer.ts'
import type { KeyLedger } from './ledger.ts'
import { holds } from '../../checkers/quorums.ts'
import { check } from '../../checkers/violation.ts'

/** What one store has on disk of clients' keys. */
interface Held {
  /** In the order in which they got there. */
  readonly chosen: RegisterKey[]
  readonly accepted: Set<RegisterKey>
}

/** What a store had when it installed a config: the least that its list for that epoch shows. */
interface List {
  readonly accepted: readonly RegisterKey[]
  readonly chosenCount: number
}

type Covered = Extract<Message, { kind: 'covered' }>

export class Copies {
  private readonly ledger: () => KeyLedger
  private readonly held = new Map<IdentityId, Held>()
  /** By store and epoch. */
  private readonly lists = new Map<string, List>()
  /** The epoch that a list is asked for, by asker and number of the question. */
  private readonly questions = new Map<string, number>()
  /** Whose lists each new voter said it holds, by epoch. */
  private readonly said = new Map<number, Map<IdentityId, ReadonlySet<IdentityId>>>()
  /** How many chosen keys each store had on disk when this peer last started. */
  private readonly atStart = new Map<PeerId, ReadonlyMap<IdentityId, number>>()
  /** Whose list, in which epoch, was found on whose disk: nothing can take that back. */
  private readonly found = new Set<string>()

  constructor(ledger: () => KeyLedger) {
    this.ledger = ledger
  }

  hardened({ id }: Identity, write: AnyWrite): void {
    if (write.kind === 'ceiling' || write.kind === 'diverged' || write.kind === 'typed') return
    const { chosen, accepted } = this.of(id)
    const { key } = write
    if (isConfigKey(key)) {
      if (write.kind === 'chosen')
        this.lists.set(listName(id, epochOfConfigKey(key)), { accepted: [...accepted], chosenCount: chosen.length })
    } else if (write.kind === 'accepted') accepted.add(key)
    else {
      accepted.delete(key)
      if (write.kind === 'chosen') chosen.push(key)
    }
  }

  starting(peer: SimulatedPeer): void {
    this.atStart.set(peer.peerId, new Map([...this.held].map(([id, { chosen }]) => [id, chosen.length])))
  }

  /** A message leaves the peer. @throws Violation */
  left(peer: SimulatedPeer, { message, to }: Send): void {
    switch (message.kind) {
      case 'doubts-wanted':
      case 'hashes-wanted':
      case 'leaves-wanted':
        return void this.questions.set(`${peer.peerId} ${message.id}`, message.minEpoch)
      case 'doubts':
      case 'hashes':
      case 'leaves':
        return this.listing(peer, this.questions.get(`${to} ${message.id}`) ?? 0)
      case 'covered':
        return this.covering(peer, message)
      default:
    }
  }

  /**
   * @throws Violation when a peer calls itself complete and has not what any voter had when it
   * started
   */
  noted(peer: SimulatedPeer, note: Note): void {
    const { core } = peer
    if (note.kind !== 'caught-up' || note.type !== 'keys' || core?.config === undefined) return
    const { clusters, next } = core.config
    const voters = [...clusters.values(), ...(next?.values() ?? [])].flat().filter(({ id }) => id !== peer.identity.id)
    const lacking = (id: IdentityId): RegisterKey | undefined =>
      this.of(id)
        .chosen.slice(0, this.atStart.get(peer.peerId)?.get(id) ?? 0)
        .find((key) => core.chosen.get(key) === undefined)
    const first = voters[0]
    const isComplete = first === undefined || voters.some(({ id }) => lacking(id) === undefined)
    check(isComplete, 'S12', () => `${peer.peerId} is caught up, and lacks ${lacking(first?.id ?? peer.identity.id)}, which a voter had`)
  }

  /** A config was decided. @throws Violation when it ends a change that is not carried over */
  decided(config: Config): void {
    const joint = this.ledger().configs.config(config.epoch - 1)
    if (joint?.next === undefined || config.next !== undefined) return
    const said = this.said.get(joint.epoch)
    const isHeld = (holder: IdentityId): boolean => holds(joint.clusters, (source) => said?.get(holder)?.has(source) === true)
    const isOld = namesOf(config.clusters) === namesOf(joint.clusters)
    check(isOld || holds(joint.next, isHeld), 'S12', () => `${describeConfig(config)} is decided before its voters said that they hold all`)
  }

  private listing(peer: SimulatedPeer, minEpoch: number): void {
    const isInstalled = minEpoch === 0 || peer.disk.readSynced(configKey(minEpoch))?.chosen !== undefined
    check(isInstalled, 'S12', () => `${peer.peerId} gives its list for epoch ${minEpoch}, which is not on its disk`)
  }

  private covering(peer: SimulatedPeer, { epoch, sender, sources }: Covered): void {
    const saidOfEpoch = this.said.get(epoch) ?? new Map<IdentityId, ReadonlySet<IdentityId>>()
    this.said.set(epoch, saidOfEpoch)
    const ids = sources.map(({ id }) => id)
    saidOfEpoch.set(sender.id, new Set([...ids, ...(saidOfEpoch.get(sender.id) ?? [])]))
    for (const source of sources) this.covers(peer, epoch, source)
  }

  /** Everything on the list that is chosen for certain is chosen here, on disk. */
  private covers(peer: SimulatedPeer, epoch: number, source: Identity): void {
    const name = `${peer.identity.id} ${listName(source.id, epoch)}`
    if (this.found.has(name)) return
    const list = this.lists.get(listName(source.id, epoch))
    const about = (): string => `${peer.peerId} says in epoch ${epoch} that it holds the list of ${describeIdentity(source)}`
    check(list !== undefined, 'S12', () => `${about()}, which has no list for that epoch`)
    // What was accepted in the epoch of the change itself, or never by a quorum, is in doubt:
    // others may settle it later.
    const certain = list.accepted.filter((key) => (this.ledger().chosen(key)?.ballot.epoch ?? epoch) < epoch)
    for (const key of [...certain, ...this.of(source.id).chosen.slice(0, list.chosenCount)]) {
      check(peer.disk.readSynced(key)?.chosen !== undefined, 'S12', () => `${about()}, and its disk lacks ${key}`)
    }
    this.found.add(name)
  }

  private of(id: IdentityId): Held {
    let held = this.held.get(id)
    if (held === undefined) this.held.set(id, (held = { chosen: [], accepted: new Set() }))
    return held
  }
}

function listName(id: IdentityId, epoch: number): string {
  return `${id} ${epoch}`
}

function namesOf(clusters: Clusters): string {
  const names = [...clusters].map(
    ([cluster, voters]) =>
      `${cluster}: ${voters
        .map(({ id }) => id)
        .toSorted()
        .join(' ')}`,
  )
  return names.toSorted().join('; ')
}
