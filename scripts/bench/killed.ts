/**
 * The gap in puts when a server is killed (-9): at each server that is left a put is begun every
 * few milliseconds, whatever became of those before, and the longest time between two that
 * succeeded is the gap. With a leader, the leader is killed; else each in turn.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { spreadOf } from '../statistics.ts'
import type { Contender, Writer } from './contender.ts'
import { figure, spread } from './table.ts'
import type { Table } from './table.ts'
import { newName } from './throughput.ts'

/** Between two puts at one server. */
const EVERY_MS = 10
const BEFORE_MS = 2_000
/** Long enough for an election, and for those that time out first. */
const AFTER_MS = 10_000
/** A put without an answer is given up after this; others have been begun since. */
const ANSWER_MS = 8_000

/** Servers of which one can be killed. */
export type Killable = Pick<Contender, 'name' | 'processIds' | 'writer' | 'victim' | 'kill' | 'restart'>

interface Kill {
  readonly contender: string
  readonly server: number
  /** The longest over the servers that were left. */
  readonly gapMs: number
  readonly failures: number
}

/** Begins puts at one server until told to end. */
class Probe {
  readonly #writer: Writer
  readonly #name: string
  readonly #succeededAtMs: number[] = []
  failures = 0
  #number = 0
  readonly #timer: NodeJS.Timeout

  constructor(writer: Writer) {
    this.#writer = writer
    this.#name = newName()
    this.#timer = setInterval(() => this.#begin(), EVERY_MS)
  }

  /** Ends it. @returns the longest time between two puts that succeeded, from `sinceMs` on */
  end(sinceMs: number): number {
    clearInterval(this.#timer)
    this.#writer.close()
    const times = [...this.#succeededAtMs, performance.now()].filter((atMs) => atMs >= sinceMs).sort((a, b) => a - b)
    let longestMs = 0
    for (let index = 1; index < times.length; index += 1) longestMs = Math.max(longestMs, (times[index] ?? 0) - (times[index - 1] ?? 0))
    return longestMs
  }

  #begin(): void {
    this.#number += 1
    this.#writer.put(`${this.#name}aa${String(this.#number).padStart(12, '0')}`).then(
      () => this.#succeededAtMs.push(performance.now()),
      () => (this.failures += 1),
    )
  }
}

export async function measureKills(contenders: readonly Killable[], runs: number, say: (text: string) => void): Promise<Table> {
  const kills: Kill[] = []
  for (let run = 0; run < runs; run += 1) {
    for (const contender of contenders) {
      const killed = await killOne(contender, run)
      kills.push(killed)
      say(`${contender.name}: killed server ${killed.server + 1}, longest gap ${figure(killed.gapMs)} ms`)
    }
  }
  const gaps = (contender: Killable): number[] => kills.filter(({ contender: name }) => name === contender.name).map(({ gapMs }) => gapMs)
  return {
    title: 'Gap in puts when a server is killed',
    note: `A put begun every ${EVERY_MS} ms at each server that is left; the longest time between two that succeeded, at the server where it was longest.`,
    columns: ['', 'kills', 'gap ms', 'worst ms'],
    rows: contenders.map((contender) => {
      const over = spreadOf(gaps(contender))
      return [contender.name, String(runs), spread(over), figure(over.most)]
    }),
    raw: kills,
  }
}

async function killOne(contender: Killable, turn: number): Promise<Kill> {
  const server = await contender.victim(turn)
  const left = contender.processIds.map((_, index) => index).filter((index) => index !== server)
  const probes = left.map((index) => new Probe(contender.writer(index, ANSWER_MS)))
  await delay(BEFORE_MS)
  const sinceMs = performance.now() - BEFORE_MS / 2
  await contender.kill(server)
  await delay(AFTER_MS)
  const failures = probes.reduce((sum, probe) => sum + probe.failures, 0)
  const gapMs = Math.max(...probes.map((probe) => probe.end(sinceMs)))
  await contender.restart(server)
  return { contender: contender.name, server, gapMs, failures }
}
