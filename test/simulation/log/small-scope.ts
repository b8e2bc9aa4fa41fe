/**
 * Short schedules of three voters and a learner, drawn step by step: any message may come next,
 * twice or never, any disk may sync, any voter may lose patience or its memory. What a large world
 * meets once in a thousand seeds happens here in every other schedule.
 */
import { firstMembers } from '../../../protocols/log/membership.ts'
import { Chance } from '../chance.ts'
import { Violation } from '../checkers/violation.ts'
import { LogLedger } from './ledger.ts'
import { identityOf, LogStage, T_MS } from './stage.ts'

const VOTERS = 'abc'
const LEARNERS = 'd'
const STEPS_MIN = 100
const STEPS_MAX = 400

/**
 * Schedules that begin with a leader, and how many rounds of messages and syncs it takes to become
 * one.
 */
const LED_RATE = 0.7
const LEAD_ROUNDS = 8

/** How often each thing is drawn, of the sum of all. */
const WEIGHTS = { deliver: 70, double: 4, lose: 4, sync: 40, tick: 4, submit: 6, query: 2, restart: 3, change: 2 } as const

type Move = keyof typeof WEIGHTS

const MOVES: readonly Move[] = Object.entries(WEIGHTS).flatMap(([move, weight]) => Array.from({ length: weight }, () => move as Move))

/** @returns what was broken; undefined when nothing was, and how many entries were committed */
export function playLogSchedule(seed: number): { readonly violation: Violation | undefined; readonly committed: number } {
  const schedule = new Schedule(seed)
  try {
    schedule.play()
    return { violation: undefined, committed: schedule.ledger.committed.length }
  } catch (error) {
    const violation = error instanceof Violation ? error : new Violation('assert', error instanceof Error ? error.message : String(error))
    return { violation, committed: schedule.ledger.committed.length }
  }
}

class Schedule {
  readonly ledger: LogLedger
  private readonly chance: Chance
  private readonly stage: LogStage
  private readonly names: readonly string[] = (VOTERS + LEARNERS).split('')
  private clients = 0

  constructor(seed: number) {
    this.chance = new Chance(seed)
    const ledger = new LogLedger(firstMembers(VOTERS.split('').map(identityOf)))
    const commits = new Map<string, number>()
    this.ledger = ledger
    this.stage = new LogStage(
      VOTERS,
      LEARNERS,
      { keptEntriesMin: 2 },
      {
        stepped: ({ name, identity, core: { state } }, effects, { index, members }) => {
          const from = Math.max(commits.get(name) ?? 0, state.tail.base.index)
          if (state.commit > from) ledger.commits(identity.id, state.tail.range(from + 1, state.commit), Number.POSITIVE_INFINITY)
          commits.set(name, Math.max(from, state.commit))
          for (const effect of effects) {
            if (effect.kind === 'persist') ledger.persisting(state, effect.write, index, members)
            if (effect.kind === 'note' && effect.note.kind === 'role' && effect.note.role === 'leader') ledger.leads(state)
          }
        },
        left: (message) => ledger.left(message),
        restarts: ({ name, identity, stored }) => {
          ledger.restarts(identity.id, stored)
          commits.set(name, stored.base.index)
        },
      },
    )
    for (const name of this.names) this.stage.actor(name).isDiskHeld = true
  }

  play(): void {
    if (this.chance.happens(LED_RATE)) this.lead()
    for (let left = this.chance.between(STEPS_MIN, STEPS_MAX); left > 0; left -= 1) {
      this.move(this.chance.pick(MOVES))
      this.ledger.probe(
        this.chance,
        (voter) => this.names.map((name) => this.stage.actor(name)).find(({ identity }) => identity.id === voter)?.stored,
      )
    }
  }

  /** The first of them leads, and has begun. */
  private lead(): void {
    const { stage } = this
    stage.nowMs += 2 * T_MS
    stage.step(VOTERS.charAt(0), { kind: 'tick' })
    for (let left = LEAD_ROUNDS; left > 0; left -= 1) {
      for (const name of this.names) stage.sync(name)
      stage.deliver()
    }
  }

  private move(move: Move): void {
    const { chance, stage } = this
    const name = chance.pick(this.names)
    switch (move) {
      case 'deliver':
      case 'double':
      case 'lose':
        return this.message(move)
      case 'sync':
        return stage.sync(name)
      case 'tick':
        stage.nowMs += chance.pick([100, T_MS, 2 * T_MS])
        return stage.step(name, { kind: 'tick' })
      case 'submit':
        this.clients += 1
        return stage.submit(name, this.clients, 'x')
      case 'query':
        this.clients += 1
        return stage.query(name, this.clients)
      case 'restart':
        return stage.restart(name)
      case 'change': {
        const kind = chance.pick(['voter', 'learner', 'remove'] as const)
        const changes = [{ kind, peer: stage.id(chance.pick(this.names)) }]
        this.clients += 1
        return stage.step(name, { kind: 'change', client: this.clients, changes, wish: 'voters', isForced: true })
      }
    }
  }

  /** Any of those on their way. */
  private message(move: 'deliver' | 'double' | 'lose'): void {
    const { waiting } = this.stage
    const place = this.chance.below(waiting.length)
    const message = waiting[place]
    if (message === undefined) return
    if (move !== 'double') waiting.splice(place, 1)
    // What one says to oneself is never lost.
    if (move === 'lose' && message.from.id !== message.to.id) return
    this.stage.step(message.to.peerId, { kind: 'message', message })
  }
}
