/**
 * Clients of a log, and what they may see: unique items are appended to lists, and every read
 * returns a whole list. Reads that see the whole log are held against one another and against what
 * was answered before they began (G9); reads after a position against that position (G10).
 */
import type { Position, SubmitId } from '../../../protocols/log/entry.ts'
import type { Consistency, LogAnswer, LogClient, Submit } from '../../../protocols/log/events.ts'
import type { Agenda } from '../agenda.ts'
import type { Chance } from '../chance.ts'
import { check } from '../checkers/violation.ts'
import type { LogLedger } from './ledger.ts'
import type { Command } from './store.ts'

const LISTS: readonly string[] = ['a', 'b']
const QUERY_RATE = 0.4
const AFTER_RATE = 0.3
/** Of the other queries, where the log has leases. */
const LEASE_RATE = 0.6
const NAMED_RATE = 0.4
const WRONG_RATE = 0.1
/** Commands that take the name of an earlier one. */
const REUSED_RATE = 0.03
const THINK_MAX_MS = 300
const TIMEOUT_MS = 3_000
const TRIES_MAX = 4

/** What a client gives with a command. */
export type SubmitGiven = Pick<Submit, 'submitId' | 'isNamedByClient' | 'since' | 'command'>

/** Whoever is asked: a replica, or a whole peer that may hold none. */
export interface AskedPeer {
  readonly name: string
  readonly isUp: boolean
  submit(client: LogClient, submit: SubmitGiven, timeoutMs: number): void
  query(client: LogClient, list: string, consistency: Consistency, timeoutMs: number): void
}

/** What the ledger holds answers against. */
export type ClientRules = Pick<LogLedger, 'answersDone' | 'answersNotOrdered' | 'revokedIds' | 'lastIndex'>

interface Submitted {
  readonly kind: 'submit'
  readonly person: Person
  readonly peer: AskedPeer
  readonly command: Command
  readonly submitId: SubmitId
  readonly isNamed: boolean
  readonly tries: number
  /** An index that the log had reached at the first try. */
  readonly since: number
  /** The name was another command's before. */
  readonly isReused: boolean
}

interface Queried {
  readonly kind: 'query'
  readonly person: Person
  readonly peer: AskedPeer
  readonly list: string
  readonly after: Position | undefined
  readonly isByLease: boolean
  /**
   * Items of the list that were acknowledged before the query began, and the longest read that had
   * ended.
   */
  readonly acknowledged: readonly string[]
  readonly longest: readonly string[]
}

interface Person {
  readonly name: string
  /** The last position that it was told, and the items that it knows to be there. */
  position: Position | undefined
  readonly own: Map<string, string[]>
}

export interface ClientCounts {
  submits: number
  done: number
  rejected: number
  notOrdered: number
  inDoubt: number
  reads: number
  unread: number
}

export class LogClients {
  readonly counts: ClientCounts = { submits: 0, done: 0, rejected: 0, notOrdered: 0, inDoubt: 0, reads: 0, unread: 0 }
  private readonly agenda: Agenda
  private readonly chance: Chance
  private readonly ledger: ClientRules
  private readonly peers: () => readonly AskedPeer[]
  private readonly nextClient: () => LogClient
  private readonly open = new Map<LogClient, Submitted | Queried>()
  private readonly acknowledged = new Map<string, string[]>()
  private readonly longest = new Map<string, readonly string[]>()
  private readonly unwanted = new Set<string>()
  private readonly persons: Person[] = []
  /** Names of commands that took effect. */
  private readonly names: SubmitId[] = []
  private lastItem = 0
  private isStopped = false
  /** The log has leases. */
  private readonly isLeased: boolean

  constructor(
    agenda: Agenda,
    chance: Chance,
    ledger: ClientRules,
    peers: () => readonly AskedPeer[],
    nextClient: () => LogClient,
    isLeased: boolean = false,
  ) {
    this.isLeased = isLeased
    this.agenda = agenda
    this.chance = chance
    this.ledger = ledger
    this.peers = peers
    this.nextClient = nextClient
  }

  begin(count: number): void {
    for (let place = 0; place < count; place += 1) this.persons.push({ name: `client${place}`, position: undefined, own: new Map() })
    for (const person of this.persons) this.think(person)
  }

  stop(): void {
    this.isStopped = true
  }

  /**
   * The log goes on from one survivor, or anew: what was acknowledged before may be lost, and who
   * waits for a query learns nothing.
   */
  forget(): void {
    this.acknowledged.clear()
    this.longest.clear()
    this.unwanted.clear()
    for (const person of this.persons) {
      person.position = undefined
      person.own.clear()
    }
    for (const [client, asked] of this.open) {
      if (asked.kind !== 'query') continue
      this.open.delete(client)
      this.think(asked.person)
    }
  }

  get openCount(): number {
    return this.open.size
  }

  /** Whoever asked a process that is gone learns nothing. */
  crashed(peer: AskedPeer): void {
    for (const [client, asked] of this.open) {
      if (asked.peer !== peer) continue
      this.open.delete(client)
      if (asked.kind === 'submit') this.again(asked)
      else this.think(asked.person)
    }
  }

  answered(client: LogClient, answer: LogAnswer): void {
    const asked = this.open.get(client)
    if (asked === undefined) return
    this.open.delete(client)
    if (asked.kind === 'query') {
      check(answer.kind === 'unavailable', 'G15', () => `a query is answered ${answer.kind}`)
      this.counts.unread += 1
      return this.think(asked.person)
    }
    this.concluded(asked, answer)
  }

  /** The list that a query is about. */
  listOf(client: LogClient): string | undefined {
    const asked = this.open.get(client)
    return asked?.kind === 'query' ? asked.list : undefined
  }

  /** A store answers. @param items undefined when it has gone back behind what it must show */
  found(client: LogClient, items: readonly string[] | undefined, position: Position): void {
    const asked = this.open.get(client)
    if (asked?.kind !== 'query') return
    this.open.delete(client)
    if (items !== undefined) this.reads(asked, items, position)
    this.think(asked.person)
  }

  private think(person: Person): void {
    this.agenda.after(this.chance.span(1, THINK_MAX_MS), () => {
      if (!this.isStopped) this.act(person)
    })
  }

  private act(person: Person): void {
    const up = this.peers().filter((peer) => peer.isUp)
    if (up.length === 0) return this.think(person)
    const peer = this.chance.pick(up)
    if (this.chance.happens(QUERY_RATE)) return this.query(person, peer)
    this.lastItem += 1
    const command = { list: this.chance.pick(LISTS), item: `${this.lastItem}`, isWrong: this.chance.happens(WRONG_RATE) }
    const isReused = this.names.length > 0 && this.chance.happens(REUSED_RATE)
    const isNamed = isReused || this.chance.happens(NAMED_RATE)
    const submitId = isReused ? this.chance.pick(this.names) : (`${isNamed ? 'n' : 'f'}${this.lastItem}` as SubmitId)
    const since = Math.max(1, this.ledger.lastIndex)
    this.submit({ kind: 'submit', person, peer, command, submitId, isNamed, tries: 1, since, isReused })
  }

  private submit(submitted: Submitted): void {
    const client = this.nextClient()
    const { submitId, command, isNamed, peer, since } = submitted
    this.open.set(client, submitted)
    this.counts.submits += 1
    const bytes = new TextEncoder().encode(JSON.stringify(command))
    peer.submit(client, { submitId, isNamedByClient: isNamed, since, command: bytes }, TIMEOUT_MS)
  }

  private query(person: Person, peer: AskedPeer): void {
    const client = this.nextClient()
    const list = this.chance.pick(LISTS)
    const after = this.chance.happens(AFTER_RATE) ? person.position : undefined
    const acknowledged = after === undefined ? [...(this.acknowledged.get(list) ?? [])] : [...(person.own.get(list) ?? [])]
    const longest = after === undefined ? (this.longest.get(list) ?? []) : []
    const isByLease = this.isLeased && after === undefined && this.chance.happens(LEASE_RATE)
    this.open.set(client, { kind: 'query', person, peer, list, after, isByLease, acknowledged, longest })
    peer.query(client, list, after === undefined ? (isByLease ? 'lease' : 'linearizable') : { after }, TIMEOUT_MS)
  }

  private concluded(submitted: Submitted, answer: LogAnswer): void {
    const { person, submitId, command, isNamed, isReused, tries } = submitted
    switch (answer.kind) {
      case 'outcome':
        this.ledger.answersDone(submitId, answer.position)
        this.outcome(submitted, answer)
        return this.think(person)
      case 'not-ordered':
        this.counts.notOrdered += 1
        // An earlier try of a name may live; without one it is certain.
        if (!isReused && (!isNamed || tries === 1)) this.ledger.answersNotOrdered(submitId)
        if (!isNamed || tries === 1) this.unwanted.add(command.item)
        return this.think(person)
      case 'in-doubt':
        this.counts.inDoubt += 1
        return this.again(submitted)
      default:
        check(false, 'G15', () => `a command is answered ${answer.kind}`)
    }
  }

  private outcome(
    { person, submitId, isNamed, tries, command: { list, item, isWrong } }: Submitted,
    { position, outcome }: Extract<LogAnswer, { kind: 'outcome' }>,
  ): void {
    if ((outcome.kind === 'forgotten' || outcome.kind === 'reused') && tries > 1) {
      // Another try may have taken effect: one that was ordered before, or one that is ordered once
      // the command that had the name first is forgotten.
      this.counts.inDoubt += 1
      return
    }
    if (outcome.kind !== 'done') {
      this.counts.rejected += 1
      this.unwanted.add(item)
      return
    }
    if (isNamed) this.names.push(submitId)
    check(!isWrong, 'G15', () => `the store took ${item}, which it refuses`)
    this.counts.done += 1
    person.position = position
    add(this.acknowledged, list, item)
    add(person.own, list, item)
  }

  /** In doubt: one that has a name is sent again, elsewhere. */
  private again(submitted: Submitted): void {
    const up = this.peers().filter((peer) => peer.isUp)
    if (!submitted.isNamed || submitted.tries >= TRIES_MAX || this.isStopped || up.length === 0) return this.think(submitted.person)
    const peer = this.chance.pick(up)
    this.agenda.after(this.chance.span(1, THINK_MAX_MS), () => {
      if (peer.isUp) this.submit({ ...submitted, peer, tries: submitted.tries + 1 })
      else this.think(submitted.person)
    })
  }

  private reads(
    { list, acknowledged, longest, after, isByLease, person, peer }: Queried,
    found: readonly string[],
    position: Position,
  ): void {
    this.counts.reads += 1
    const rule = after !== undefined ? 'G10' : isByLease ? 'G16' : 'G9'
    const revoked = new Set([...this.ledger.revokedIds()].map((submitId) => submitId.slice(1)))
    const counting = (items: readonly string[]): readonly string[] => items.filter((item) => !revoked.has(item))
    const items = counting(found)
    const known = counting(this.longest.get(list) ?? [])
    const seen = new Set(items)
    const told = (): string => `${peer.name} reads ${list}: ${items.join(' ')}`
    check(seen.size === items.length, rule, () => `${told()}: an item twice`)
    const missing = counting(acknowledged).find((item) => !seen.has(item))
    check(missing === undefined, rule, () => `${told()}: without ${missing}, which was acknowledged before`)
    const unwanted = items.find((item) => this.unwanted.has(item))
    check(unwanted === undefined, rule, () => `${told()}: with ${unwanted}, which never took effect`)
    const shared = Math.min(known.length, items.length)
    check(items.slice(0, shared).join(' ') === known.slice(0, shared).join(' '), rule, () => `${told()}, and before: ${known.join(' ')}`)
    check(items.length >= counting(longest).length, rule, () => `${told()}, and before: ${longest.join(' ')}`)
    if (items.length > known.length) this.longest.set(list, found)
    if (after !== undefined) check(position.index >= after.index, 'G10', () => `${told()} at ${position.index}, asked for ${after.index}`)
    if (after === undefined || position.index >= after.index) person.position = position
  }
}

function add(map: Map<string, string[]>, list: string, item: string): void {
  const items = map.get(list)
  if (items === undefined) map.set(list, [item])
  else items.push(item)
}
