/** The disk of one replica: writes become durable in their order, some time after they were made, several at once. A crash takes the rest. */
import type { Identity } from '../../../protocols/base/identity.ts'
import type { Entry, Position } from '../../../protocols/log/entry.ts'
import { ORIGIN } from '../../../protocols/log/entry.ts'
import type { LogAfter, LogWrite } from '../../../protocols/log/events.ts'
import type { Membership } from '../../../protocols/log/membership.ts'
import type { StoredLog } from '../../../protocols/log/state.ts'
import type { Agenda } from '../agenda.ts'
import type { Chance } from '../chance.ts'

interface Contents {
  term: number
  vote: Identity | undefined
  base: Position
  members: Membership
  entries: Entry[]
}

export class LogDisk {
  private readonly agenda: Agenda
  private readonly chance: Chance
  private readonly syncMaxMs: number
  private readonly synced: Contents
  private waiting: LogWrite[] = []
  private made = 0
  private durable = 0
  private lastHardState = 0
  private isSyncing = false
  private held: { readonly until: number; readonly run: () => void }[] = []
  /** Rises at each crash: a sync under way then ends nothing. */
  private life = 0

  constructor(agenda: Agenda, chance: Chance, syncMaxMs: number, members: Membership) {
    this.agenda = agenda
    this.chance = chance
    this.syncMaxMs = syncMaxMs
    this.synced = { term: 0, vote: undefined, base: ORIGIN, members, entries: [] }
  }

  /** What a process that starts now finds. */
  stored(): StoredLog {
    const { term, vote, base, members, entries } = this.synced
    return { term, vote, base, membersAtBase: members, entries: [...entries] }
  }

  write(write: LogWrite): void {
    this.waiting.push(write)
    this.made += 1
    if (write.kind === 'hard-state') this.lastHardState = this.made
    this.sync()
  }

  /** Runs it when the writes that it waits for are synced. */
  after(after: LogAfter, run: () => void): void {
    const until = after === 'nothing' ? 0 : after === 'hard-state' ? this.lastHardState : this.made
    if (until <= this.durable) run()
    else this.held.push({ until, run })
  }

  /** @param isPowerLost else what was written reaches the disk, though nobody waits for it */
  crash(isPowerLost: boolean): void {
    const kept = isPowerLost ? this.chance.between(0, this.waiting.length) : this.waiting.length
    for (const write of this.waiting.slice(0, kept)) perform(this.synced, write)
    this.waiting = []
    this.held = []
    this.durable = this.made
    this.isSyncing = false
    this.life += 1
  }

  private sync(): void {
    if (this.isSyncing || this.waiting.length === 0) return
    this.isSyncing = true
    const { life, made } = this
    const count = this.waiting.length
    this.agenda.after(this.chance.span(0.2, this.syncMaxMs), () => {
      if (life !== this.life) return
      for (const write of this.waiting.splice(0, count)) perform(this.synced, write)
      this.durable = made
      this.isSyncing = false
      const due = this.held.filter(({ until }) => until <= made)
      this.held = this.held.filter(({ until }) => until > made)
      for (const { run } of due) if (life === this.life) run()
      this.sync()
    })
  }
}

function perform(contents: Contents, write: LogWrite): void {
  switch (write.kind) {
    case 'hard-state':
      contents.term = write.term
      contents.vote = write.vote
      return
    case 'entries':
      contents.entries = [...contents.entries.filter(({ index }) => index < write.from), ...write.entries]
      return
    case 'compacted':
      contents.entries = contents.entries.filter(({ index }) => index > write.base.index)
      contents.base = write.base
      contents.members = write.members
      return
    case 'reset':
      contents.entries = []
      contents.base = write.base
      contents.members = write.members
  }
}
