/**
 * A stage for scripted scenarios: replicas whose messages wait until the script lets them go. Disks
 * sync at once, unless they are held.
 */
import assert from 'node:assert/strict'
import { identity } from '../../../protocols/base/identity.ts'
import type { Identity, Incarnation, PeerId } from '../../../protocols/base/identity.ts'
import { ORIGIN } from '../../../protocols/log/entry.ts'
import type { Entry, SubmitId } from '../../../protocols/log/entry.ts'
import type { Consistency, LogAfter, LogAnswer, LogEffect, LogEvent, LogWrite } from '../../../protocols/log/events.ts'
import { LOG_LIMITS } from '../../../protocols/log/limits.ts'
import type { LogLimits } from '../../../protocols/log/limits.ts'
import { firstMembers } from '../../../protocols/log/membership.ts'
import type { Membership } from '../../../protocols/log/membership.ts'
import type { LogMessage, MessageBody } from '../../../protocols/log/message.ts'
import { Replica } from '../../../protocols/log/replica.ts'
import type { StoredLog } from '../../../protocols/log/state.ts'

const LOG_ID: string = '0123456789abcdef0123456789abcdef'
export const T_MS: number = 1_000

/** Whoever checks what happens on a stage. */
export interface StageWatching {
  readonly stepped?: (actor: Actor, effects: readonly LogEffect[], before: { readonly index: number; readonly members: Membership }) => void
  readonly left?: (message: LogMessage) => void
  readonly restarts?: (actor: Actor) => void
}

export interface Actor {
  readonly name: string
  identity: Identity
  core: Replica
  /** What is on disk, and what is written and held back. */
  stored: StoredLog
  unsynced: LogWrite[]
  held: { readonly after: LogAfter; readonly message: LogMessage }[]
  readonly applied: Entry[]
  isDiskHeld: boolean
  isStoreHeld: boolean
  /** What a check of its store finds, as one hexadecimal digit. */
  content: string
  wallAheadMs: number
}

export class LogStage {
  nowMs = 0
  readonly answers: Map<number, LogAnswer> = new Map()
  readonly reads: { readonly client: number; readonly index: number }[] = []
  readonly effects: LogEffect[] = []
  readonly waiting: LogMessage[] = []
  private readonly actors = new Map<string, Actor>()
  private readonly cut = new Set<string>()
  private readonly members: Membership
  private readonly limits: LogLimits
  private readonly watching: StageWatching
  private readonly isLeased: boolean

  /** @param voters one letter each. @param others have a replica and no vote */
  constructor(
    voters: string,
    others: string = '',
    limits: Partial<LogLimits> = {},
    watching: StageWatching = {},
    isLeased: boolean = false,
  ) {
    this.watching = watching
    this.isLeased = isLeased
    this.members = firstMembers(voters.split('').map(identityOf))
    this.limits = { ...LOG_LIMITS, ...limits }
    for (const name of voters + others) this.add(name, identityOf(name))
  }

  actor(name: string): Actor {
    const actor = this.actors.get(name)
    assert(actor !== undefined, `nobody is called ${name}`)
    return actor
  }

  id(name: string): Identity {
    return this.actor(name).identity
  }

  state(name: string): Replica['state'] {
    return this.actor(name).core.state
  }

  step(name: string, event: LogEvent): void {
    const actor = this.actor(name)
    const { tail } = actor.core.state
    const before = { index: tail.membersIndex, members: tail.members }
    const effects = actor.core.step(event, this.nowMs)
    this.watching.stepped?.(actor, effects, before)
    for (const effect of effects) this.perform(actor, effect)
  }

  /** A message from somebody, arriving now. */
  tell(from: string, to: string, term: number, body: MessageBody, header: Partial<LogMessage> = {}): void {
    const message = { logId: LOG_ID, generation: 0, from: this.id(from), to: this.id(to), term, ...body, ...header } as LogMessage
    this.step(to, { kind: 'message', message })
  }

  /**
   * Lets messages go until none is left that can; those of whoever is cut off are lost. @param
   * count of messages at most
   */
  deliver(count: number = Number.POSITIVE_INFINITY): void {
    for (let left = count; left > 0 && this.waiting.length > 0; left -= 1) {
      const message = this.waiting.shift() as LogMessage
      if (this.cut.has(message.from.peerId) !== this.cut.has(message.to.peerId) && message.from.id !== message.to.id) continue
      if (this.cut.has(message.from.peerId) && message.from.id !== message.to.id) continue
      const to = this.actors.get(message.to.peerId)
      if (to !== undefined) this.step(to.name, { kind: 'message', message })
    }
  }

  /** Whoever is named talks to nobody. */
  cutOff(names: string): void {
    for (const name of names) this.cut.add(name)
  }

  heal(): void {
    this.cut.clear()
  }

  /** Time goes by, in steps of 10 ms; messages are let go meanwhile. */
  pass(ms: number, isDelivering: boolean = true): void {
    for (const end = this.nowMs + ms; this.nowMs < end;) {
      this.nowMs += 10
      for (const { name, core } of this.actors.values()) if (core.wakeAtMs <= this.nowMs) this.step(name, { kind: 'tick' })
      if (isDelivering) this.deliver()
    }
  }

  submit(name: string, client: number, text: string, submitId: string = `f${client}`): void {
    const command = new TextEncoder().encode(text)
    const isNamedByClient = submitId.startsWith('n')
    const submit = { client, submitId: submitId as SubmitId, isNamedByClient, since: 0, command, deadlineMs: this.nowMs + 5_000 }
    this.step(name, { kind: 'submit', submits: [submit] })
  }

  query(name: string, client: number, consistency: Consistency = 'linearizable'): void {
    this.step(name, { kind: 'query', questions: [{ client, consistency, deadlineMs: this.nowMs + 5_000 }] })
  }

  /** The process ends, with all that is not on disk, and begins anew. */
  restart(name: string): void {
    const actor = this.actor(name)
    actor.unsynced = []
    actor.held = []
    this.watching.restarts?.(actor)
    actor.core = this.core(actor.identity, actor.stored)
    this.openStore(actor)
  }

  /** As `restart`, of a peer that has no store any more. */
  restartWithoutStore(name: string): void {
    const actor = this.actor(name)
    actor.core = this.core(actor.identity, actor.stored)
  }

  /** Everything written reaches the disk. */
  sync(name: string): void {
    const actor = this.actor(name)
    for (const write of actor.unsynced.splice(0)) actor.stored = after(actor.stored, write)
    for (const { message } of actor.held.splice(0)) this.leave(message)
  }

  openStore(actor: Actor): void {
    const last = actor.applied.at(-1)
    const named = actor.applied.findLast(({ body }) => body.kind === 'members')?.body
    const members = named?.kind === 'members' ? named.members : this.members
    const at = { position: last ?? ORIGIN, members, atMs: last?.atMs ?? 0, durableIndex: last?.index ?? 0 }
    this.step(actor.name, { kind: 'store-opened', at })
  }

  private add(name: string, self: Identity): void {
    const stored = { term: 0, vote: undefined, base: ORIGIN, membersAtBase: this.members, entries: [] }
    const actor: Actor = {
      name,
      identity: self,
      core: this.core(self, stored),
      stored,
      unsynced: [],
      held: [],
      applied: [],
      isDiskHeld: false,
      isStoreHeld: false,
      content: '0',
      wallAheadMs: 0,
    }
    this.actors.set(name, actor)
    this.openStore(actor)
  }

  private core(self: Identity, stored: StoredLog): Replica {
    // Whoever comes first in the alphabet loses patience first.
    const chance = (self.peerId.charCodeAt(0) - 'a'.charCodeAt(0)) / 10
    const settings = {
      logId: LOG_ID,
      generation: 0,
      self,
      electionMs: T_MS,
      limits: this.limits,
      isLeased: this.isLeased,
      isSurvivor: false,
      random: () => chance,
      wallMs: () => this.nowMs + (this.actors.get(self.peerId)?.wallAheadMs ?? 0),
    }
    return new Replica(settings, stored, this.nowMs)
  }

  private perform(actor: Actor, effect: LogEffect): void {
    this.effects.push(effect)
    switch (effect.kind) {
      case 'persist':
        actor.unsynced.push(effect.write)
        if (!actor.isDiskHeld) this.sync(actor.name)
        return
      case 'send':
        if (effect.after === 'nothing' || actor.unsynced.length === 0) this.leave(effect.message)
        else actor.held.push(effect)
        return
      case 'apply':
        if (!actor.isStoreHeld) this.apply(actor, effect.entries)
        return
      case 'answer':
        this.answers.set(effect.client, effect.answer)
        return
      case 'read-ready':
        this.reads.push(effect)
        return
      case 'verdict':
      case 'give-snapshot':
      case 'take-snapshot':
      case 'note':
        // Looked at by scenarios, among the effects.
        return
    }
  }

  private leave(message: LogMessage): void {
    this.watching.left?.(message)
    this.waiting.push(message)
  }

  private apply(actor: Actor, entries: readonly Entry[]): void {
    actor.applied.push(...entries)
    const outcomes = entries.map(({ term, index }) => ({
      position: { term, index },
      outcome: { kind: 'done' as const, result: new Uint8Array() },
    }))
    this.step(actor.name, { kind: 'applied', outcomes, durableIndex: entries.at(-1)?.index ?? 0 })
    for (const { index, body } of entries)
      if (body.kind === 'check') this.step(actor.name, { kind: 'checked', index, digest: actor.content.repeat(32) })
  }
}

export function identityOf(name: string): Identity {
  return identity(name as PeerId, name.charCodeAt(0).toString(16).padStart(32, '0') as Incarnation)
}

export function after(stored: StoredLog, write: LogWrite): StoredLog {
  switch (write.kind) {
    case 'hard-state':
      return { ...stored, term: write.term, vote: write.vote }
    case 'entries':
      return { ...stored, entries: [...stored.entries.filter(({ index }) => index < write.from), ...write.entries] }
    case 'differing':
      return { ...stored, differingIndex: write.index }
    case 'compacted':
      return {
        ...stored,
        base: write.base,
        membersAtBase: write.members,
        entries: stored.entries.filter(({ index }) => index > write.base.index),
      }
    case 'reset':
      return { ...stored, base: write.base, membersAtBase: write.members, entries: [] }
  }
}
