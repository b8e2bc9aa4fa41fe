/**
 * The disk of one replica: writes become durable in their order, some time after they were made,
 * several at once. A crash takes the rest.
 */
import type { Rows } from '../../../protocols/base/rows.ts'
import type { LogAfter, LogWrite } from '../../../protocols/log/events.ts'
import type { Membership } from '../../../protocols/log/membership.ts'
import { LogRows } from '../../../protocols/log/rows.ts'
import type { StoredLog } from '../../../protocols/log/state.ts'
import { utf8 } from '../../../src/bytes.ts'
import type { Agenda } from '../agenda.ts'
import type { Chance } from '../chance.ts'

export const LOG_ID: string = '0123456789abcdef0123456789abcdef'

export class LogDisk {
  private readonly agenda: Agenda
  private readonly chance: Chance
  private readonly syncMaxMs: number
  private readonly members: Membership
  /** Rows by name: the production core writes and reads them. */
  private readonly synced = new Map<string, Uint8Array>()
  private readonly rows: LogRows
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
    this.members = members
    this.rows = new LogRows(LOG_ID, rowsOf(this.synced), utf8)
  }

  /** What a process that starts now finds. */
  stored(): StoredLog {
    return this.rows.stored(this.members)
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
    for (const write of this.waiting.slice(0, kept)) this.perform(write)
    this.waiting = []
    this.held = []
    this.durable = this.made
    this.isSyncing = false
    this.life += 1
  }

  private perform(write: LogWrite): void {
    for (const { name, bytes } of this.rows.of(write)) {
      if (bytes === undefined) this.synced.delete(name)
      else this.synced.set(name, bytes)
    }
  }

  private sync(): void {
    if (this.isSyncing || this.waiting.length === 0) return
    this.isSyncing = true
    const { life, made } = this
    const count = this.waiting.length
    this.agenda.after(this.chance.span(0.2, this.syncMaxMs), () => {
      if (life !== this.life) return
      for (const write of this.waiting.splice(0, count)) this.perform(write)
      this.durable = made
      this.isSyncing = false
      const due = this.held.filter(({ until }) => until <= made)
      this.held = this.held.filter(({ until }) => until > made)
      for (const { run } of due) if (life === this.life) run()
      this.sync()
    })
  }
}

function rowsOf(synced: ReadonlyMap<string, Uint8Array>): Rows {
  return {
    get: (name) => synced.get(name),
    *range(prefix, after = '') {
      const names = [...synced.keys()].filter((name) => name.startsWith(prefix) && name > after).toSorted()
      for (const name of names) yield { name, bytes: synced.get(name) as Uint8Array }
    },
  }
}
