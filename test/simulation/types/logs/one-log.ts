/**
 * One log in a whole world, by its name: the birth that it was opened by, what was committed and
 * applied, its clients, and whether it can go on at all.
 */
import type { IdentityId } from '../../../../protocols/base/identity.ts'
import { hiddenKey } from '../../../../protocols/base/register.ts'
import type { ClientId } from '../../../../protocols/events.ts'
import { birthKey, endKey, generationKey, readBirth } from '../../../../protocols/log/birth.ts'
import type { Birth } from '../../../../protocols/log/birth.ts'
import { isMajority } from '../../../../protocols/log/commit.ts'
import { isAtLeast } from '../../../../protocols/log/entry.ts'
import type { Position } from '../../../../protocols/log/entry.ts'
import type { LogAnswer } from '../../../../protocols/log/events.ts'
import { allMembers, firstMembers, has, isJoint } from '../../../../protocols/log/membership.ts'
import type { Membership } from '../../../../protocols/log/membership.ts'
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
/** Of one name in a run. */
const LIVES_MAX = 9

export class OneLog {
  readonly name: string
  readonly doors: readonly Door[]
  readonly clients: LogClients
  readonly hostings: Hosting[] = []
  ledger: LogLedger | undefined
  /** A majority of its disks is gone: no log survives that. */
  isLost = false
  /** Somebody asked for its next life. */
  isCreatedAgain = false
  probes = 0
  private readonly init: TypeInit
  private readonly keys: KeyLedger
  private readonly chance: Chance
  private birth: Birth | undefined
  /** By life and generation. */
  private readonly ledgers = new Map<string, LogLedger>()

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
      get lastIndex(): number {
        return ledger().lastIndex
      },
      revokedIds: (): ReturnType<LogLedger['revokedIds']> => ledger().revokedIds(),
    }
    this.clients = new LogClients(init.agenda, init.chance.fork(), rules, () => this.doors, init.nextClient)
  }

  begin(): void {
    this.clients.begin(CLIENTS)
  }

  /** A peer opens its replica: by the birth that was chosen, which everybody reads alike (G18). */
  opens({ peer, store }: Hosting, claim: Claim): LogLedger {
    const birth = this.chosen(claim)
    const isRight = birth !== undefined && JSON.stringify(firstMembers(birth.voters)) === JSON.stringify(claim.firstMembers)
    check(isRight, 'G18', () => `${peer.peerId} opens log ${this.name} by ${JSON.stringify(claim)}, and ${JSON.stringify(birth)} is chosen`)
    if (this.isNewer(birth)) this.goOn(birth)
    const ledger = this.ledgers.get(nameOf(birth)) as LogLedger
    if (claim.isSurvivor && birth.generation > 0 && ledger.committed.length === 0) ledger.goOn(store?.journal ?? [])
    return ledger
  }

  /** The birth, or the record of a generation, that is chosen under one of its keys. */
  private chosen({ logId, generation }: Claim): Birth | undefined {
    for (let life = 1; life <= LIVES_MAX; life += 1) {
      const key = generation === 0 ? birthKey(this.name, life) : generationKey(this.name, life, generation)
      const value = this.keys.chosen(hiddenKey(LOGS, key))?.record.value
      const birth = value === undefined ? undefined : readBirth(this.name, life, value, utf8)
      if (birth?.logId === logId) return birth
    }
    return undefined
  }

  private isNewer({ life, generation }: Birth): boolean {
    const { birth } = this
    return birth === undefined || life > birth.life || (life === birth.life && generation > birth.generation)
  }

  /** From here on it is another log, or the same from what one survivor held. */
  private goOn(birth: Birth): void {
    const isAsked = birth.life === 1 || this.isCreatedAgain
    check(isAsked, 'G18', () => `log ${this.name} comes back in life ${birth.life}, and nobody asked for that`)
    this.birth = birth
    this.isLost = false
    this.ledger = new LogLedger(firstMembers(birth.voters))
    this.ledgers.set(nameOf(birth), this.ledger)
    this.clients.forget()
  }

  /** True when its newest life has ended, as far as anything was chosen. */
  get isEnded(): boolean {
    return this.birth !== undefined && this.keys.chosen(hiddenKey(LOGS, endKey(this.name, this.birth.life))) !== undefined
  }

  get generation(): number {
    return this.birth?.generation ?? 0
  }

  answered(client: ClientId, answer: LogAnswerOf): void {
    switch (answer.kind) {
      case 'answered':
        return this.clients.found(client, JSON.parse(utf8.decode(answer.result)) as string[], answer.position)
      case 'log-ended':
        // Whether a command had its place before the end is not known.
        return this.clients.listOf(client) === undefined
          ? this.clients.answered(client, { kind: 'in-doubt' })
          : this.clients.found(client, undefined, { term: 0, index: 0 })
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
    if (ledger === undefined || this.isEnded) return
    this.probes += 1
    ledger.probe(this.chance, (voter) => this.storedOf(voter))
    this.isLost ||= this.isAnyMajorityGone(ledger)
  }

  unsettled(): Lacking | undefined {
    const { ledger, name } = this
    if (ledger === undefined) return undefined
    if (this.isEnded) return this.leftOver()
    if (this.isLost) return undefined
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

  /**
   * Whether so many of its voters run that it must go on, one with a store among them. Members are in
   * force as soon as they are in a log: a change that was begun needs both majorities to end.
   */
  get mustGoOn(): boolean {
    const { ledger } = this
    const runs = (id: IdentityId): boolean => this.init.peers.some((peer) => peer.identity.id === id && peer.isUp)
    if (ledger === undefined || this.isLost || this.isEnded) return false
    if (![ledger.members, this.newestMembers(ledger)].every((members) => isMajority(members, runs))) return false
    return this.hostings.some(({ peer }) => peer.isUp && has(ledger.members.voters, peer.identity.id))
  }

  /** Each store is what was committed in the generation that it was opened for: a later one may not be known there yet. */
  check(): void {
    for (const hosting of this.hostings) hosting.check()
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

  /** Of a log that has ended nothing stays: no replica, no rows, no open store. */
  private leftOver(): Lacking | undefined {
    const { logId } = this.birth as Birth
    const detail = (peerId: string): Lacking => ({ rule: 'G18', detail: `log ${this.name} has ended, and ${peerId} holds something of it` })
    for (const { disk, peerId } of this.init.peers) for (const _ of disk.rowsSynced(LOGS).range(logId)) return detail(peerId)
    const open = this.hostings.find((hosting) => hosting.peer.isUp && hosting.isOpenFor(logId))
    return open === undefined ? undefined : detail(open.peer.peerId)
  }

  private storedOf(voter: IdentityId): StoredLog | undefined {
    const peer = this.init.peers.find(({ identity }) => identity.id === voter)
    if (peer === undefined || this.birth === undefined) return undefined
    const rows = new LogRows(this.birth.logId, peer.disk.rowsSynced(LOGS), utf8)
    return rows.generation === this.birth.generation ? rows.stored(firstMembers(this.birth.voters)) : undefined
  }

  /** Of the members that were committed, and of those that any of them knows. */
  private isAnyMajorityGone(ledger: LogLedger): boolean {
    const isThere = (id: IdentityId): boolean => this.init.peers.some(({ identity }) => identity.id === id)
    const views = this.logsOf(ledger).map(membersIn)
    return [ledger.members, ...views].some((members) => !isMajority(members, isThere))
  }

  /** The members by the log that ends last, of all members'. */
  private newestMembers(ledger: LogLedger): Membership {
    const logs = this.logsOf(ledger)
    const newest = logs.find((log) => logs.every((other) => isAtLeast(endOf(log), endOf(other))))
    return newest === undefined ? ledger.members : membersIn(newest)
  }

  private logsOf(ledger: LogLedger): readonly StoredLog[] {
    return allMembers(ledger.members).flatMap(({ id }) => this.storedOf(id) ?? [])
  }
}

function membersIn({ entries, membersAtBase }: StoredLog): Membership {
  const named = entries.findLast(({ body }) => body.kind === 'members')?.body
  return named?.kind === 'members' ? named.members : membersAtBase
}

function endOf({ entries, base }: StoredLog): Position {
  return entries.at(-1) ?? base
}

function nameOf({ life, generation }: Birth): string {
  return `${life}/${generation}`
}
