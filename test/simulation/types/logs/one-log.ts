/**
 * One log in a whole world, by its name: the birth that it was opened by, what was committed and
 * applied, its clients, and whether it can go on at all.
 */
import type { IdentityId } from '../../../../protocols/base/identity.ts'
import { hiddenKey } from '../../../../protocols/base/register.ts'
import type { ClientId } from '../../../../protocols/events.ts'
import { birthKey, readBirth } from '../../../../protocols/log/birth.ts'
import type { Birth } from '../../../../protocols/log/birth.ts'
import { isMajority } from '../../../../protocols/log/commit.ts'
import type { LogAnswer } from '../../../../protocols/log/events.ts'
import { allMembers, firstMembers, has, isJoint } from '../../../../protocols/log/membership.ts'
import { LOGS } from '../../../../protocols/log/placing.ts'
import type { LogAnswerOf } from '../../../../protocols/log/requests.ts'
import { LogRows } from '../../../../protocols/log/rows.ts'
import type { StoredLog } from '../../../../protocols/log/state.ts'
import { utf8 } from '../../../../src/bytes.ts'
import type { Chance } from '../../chance.ts'
import { check } from '../../checkers/violation.ts'
import { LogClients } from '../../log/clients.ts'
import { LogLedger } from '../../log/ledger.ts'
import type { Lacking, TypeInit } from '../../type.ts'
import type { KeyLedger } from '../keys/ledger.ts'
import { Door } from './door.ts'
import type { Claim, Hosting } from './hosting.ts'

const CLIENTS = 2

export class OneLog {
  readonly name: string
  readonly doors: readonly Door[]
  readonly clients: LogClients
  readonly hostings: Hosting[] = []
  ledger: LogLedger | undefined
  /** A majority of its disks is gone: no log survives that. */
  isLost = false
  probes = 0
  private readonly init: TypeInit
  private readonly keys: KeyLedger
  private readonly chance: Chance
  private birth: Birth | undefined

  constructor(init: TypeInit, keys: KeyLedger, name: string) {
    this.init = init
    this.keys = keys
    this.name = name
    this.chance = init.chance.fork()
    this.doors = init.peers.map((peer) => new Door(peer, name))
    // Before the log is born nothing is ordered.
    const ledger = (): LogLedger => this.ledger ?? new LogLedger(firstMembers([]))
    const rules = {
      answersDone: (...how: Parameters<LogLedger['answersDone']>): void => ledger().answersDone(...how),
      answersNotOrdered: (...how: Parameters<LogLedger['answersNotOrdered']>): void => ledger().answersNotOrdered(...how),
      revokedIds: (): ReturnType<LogLedger['revokedIds']> => ledger().revokedIds(),
    }
    this.clients = new LogClients(init.agenda, init.chance.fork(), rules, () => this.doors, init.nextClient)
  }

  begin(): void {
    this.clients.begin(CLIENTS)
  }

  /** A peer opens its replica: by the birth that was chosen, which everybody reads alike (G18). */
  opens({ peer }: Hosting, claim: Claim): LogLedger {
    const chosen = this.keys.chosen(hiddenKey(LOGS, birthKey(this.name)))
    check(chosen !== undefined, 'G18', () => `${peer.peerId} opens log ${this.name}, and no birth of it is chosen`)
    const birth = readBirth(this.name, chosen.record.value, utf8)
    const isRight = birth?.logId === claim.logId && JSON.stringify(firstMembers(birth.voters)) === JSON.stringify(claim.firstMembers)
    check(isRight, 'G18', () => `${peer.peerId} opens log ${this.name} by ${JSON.stringify(claim)}, and ${JSON.stringify(birth)} is chosen`)
    this.birth = birth
    this.ledger ??= new LogLedger(claim.firstMembers)
    return this.ledger
  }

  answered(client: ClientId, answer: LogAnswerOf): void {
    switch (answer.kind) {
      case 'answered':
        return this.clients.found(client, JSON.parse(utf8.decode(answer.result)) as string[], answer.position)
      case 'unknown-log':
        // A query of it fails, and a command is not ordered.
        return this.clients.listOf(client) === undefined
          ? this.clients.answered(client, { kind: 'not-ordered', why: 'no-leader' })
          : this.clients.found(client, undefined, { term: 0, index: 0 })
      default:
        return this.clients.answered(client, answer as LogAnswer)
    }
  }

  /** Looks at disks: whoever could be elected holds what was committed, and whether anybody could be. */
  probe(): void {
    const { ledger } = this
    if (ledger === undefined) return
    this.probes += 1
    ledger.probe(this.chance, (voter) => this.storedOf(voter))
    this.isLost ||= this.isAnyMajorityGone(ledger)
  }

  unsettled(): Lacking | undefined {
    const { ledger, name } = this
    if (ledger === undefined || this.isLost) return undefined
    const lacking = (detail: string): Lacking => ({ rule: 'L2', detail: `log ${name}: ${detail}` })
    if (this.clients.openCount > 0) return lacking(`${this.clients.openCount} clients wait`)
    if (isJoint(ledger.members)) return lacking('a change has not ended')
    const left = this.staying(ledger)
    if (left !== undefined) return { rule: 'P1', detail: `log ${name}: ${left}` }
    for (const { peer, store } of this.hostings) {
      if (!has(allMembers(ledger.members), peer.identity.id)) continue
      const index = store?.position.index ?? 0
      if (index !== ledger.committed.length) return lacking(`the store of ${peer.peerId} is at ${index} of ${ledger.committed.length}`)
    }
    return undefined
  }

  /** Whether so many of its voters run that it must go on, one with a store among them. */
  get mustGoOn(): boolean {
    const { ledger } = this
    const runs = (id: IdentityId): boolean => this.init.peers.some((peer) => peer.identity.id === id && peer.isUp)
    if (ledger === undefined || this.isLost || !isMajority(ledger.members, runs)) return false
    return this.hostings.some(({ peer }) => peer.isUp && has(ledger.members.voters, peer.identity.id))
  }

  check(): void {
    for (const { peer, store } of this.hostings) this.ledger?.opened(peer.identity.id, store?.journal ?? [])
  }

  /** Whoever was removed from the network, or lost its disk, is no voter while another voter is well. */
  private staying({ members }: LogLedger): string | undefined {
    const { barred } = this.init.ledger.newest
    const standing = members.voters.map((voter) => {
      const peer = this.init.peers.find(({ identity }) => identity.id === voter.id)
      if (peer === undefined) return { voter, why: 'lost its disk' }
      const isBarred = barred?.peers.includes(peer.peerId) === true || barred?.clusters.includes(peer.clusterId) === true
      return { voter, why: isBarred ? 'was removed' : undefined }
    })
    const found = standing.find(({ why }) => why !== undefined)
    const isAnyWell = standing.some(({ why }) => why === undefined)
    return found !== undefined && isAnyWell ? `${found.voter.id} votes, and ${found.why}` : undefined
  }

  private storedOf(voter: IdentityId): StoredLog | undefined {
    const peer = this.init.peers.find(({ identity }) => identity.id === voter)
    if (peer === undefined || this.birth === undefined) return undefined
    return new LogRows(this.birth.logId, peer.disk.rowsSynced(LOGS), utf8).stored(firstMembers(this.birth.voters))
  }

  /** Of the members that were committed, and of those that any of them knows. */
  private isAnyMajorityGone(ledger: LogLedger): boolean {
    const isThere = (id: IdentityId): boolean => this.init.peers.some(({ identity }) => identity.id === id)
    const views = allMembers(ledger.members).flatMap(({ id }) => {
      const stored = this.storedOf(id)
      const named = stored?.entries.findLast(({ body }) => body.kind === 'members')?.body
      return stored === undefined ? [] : [named?.kind === 'members' ? named.members : stored.membersAtBase]
    })
    return [ledger.members, ...views].some((members) => !isMajority(members, isThere))
  }
}
