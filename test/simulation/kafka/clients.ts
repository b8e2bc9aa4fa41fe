/**
 * Clients of a simulated log that Kafka orders, and what they may be told. A command is produced to
 * the topic that orders, at times twice or by a client that dies of it, then its request to the other.
 */
import type { KafkaEffect } from '../../../protocols/log/kafka/events.ts'
import { utf8 } from '../../../src/bytes.ts'
import type { Chance } from '../chance.ts'
import { check } from '../checkers/violation.ts'
import type { SimulatedKafkaReplica } from './replica.ts'
import type { KafkaWorld } from './world.ts'

interface Command {
  readonly id: string
  readonly text: string
  /** Where it was ordered first; undefined when its client died before. */
  readonly offset: number | undefined
}

interface Query {
  readonly id: string
  /** Items that were acknowledged before it was asked. */
  readonly acknowledged: readonly string[]
}

const CLIENTS = 4

export class KafkaClients {
  readonly counts = { done: 0, reads: 0 }
  private readonly world: KafkaWorld
  private readonly chance: Chance
  private readonly hasPoison: boolean
  private readonly commands = new Map<string, Command>()
  private readonly queries = new Map<string, Query>()
  /** First answers by name. */
  private readonly answers = new Map<string, string>()
  private readonly acknowledged: string[] = []
  private numbers = 0

  constructor(world: KafkaWorld, chance: Chance, hasPoison: boolean) {
    this.world = world
    this.chance = chance
    this.hasPoison = hasPoison
  }

  start(untilMs: number): void {
    for (let client = 0; client < CLIENTS; client += 1) this.next(untilMs)
  }

  /** Before it is sent: the store that says it has to have it. */
  responded({ name, store }: SimulatedKafkaReplica, { response }: Extract<KafkaEffect, { readonly kind: 'respond' }>): void {
    const id = utf8.decode(response.key ?? new Uint8Array())
    const command = this.commands.get(id)
    const told = textOf(response.value)
    if (command !== undefined && told === 'done')
      check(store.items.includes(command.text), 'G19', () => `${name} says that ${command.text} is done, and lacks it`)
    if (command !== undefined && told === 'not-ordered')
      check(
        command.offset === undefined || this.world.unsafe !== 'none',
        'G15',
        () => `${name} says that ${command.text} was not ordered, and it was at ${String(command.offset)}`,
      )
    const query = this.queries.get(id)
    if (query !== undefined && told === 'answered') this.checkRead(query, response.value)
    this.checkEqual(id, told, response.value)
    if (told === 'done' && command !== undefined && !this.acknowledged.includes(command.text)) {
      this.acknowledged.push(command.text)
      this.counts.done += 1
    }
  }

  checkEnd(): void {
    const { broker, replicas, unsafe } = this.world
    const isAnyUp = replicas.some(({ halted }) => halted === undefined)
    if (isAnyUp)
      for (const [partition, requests] of broker.requests.entries())
        check(broker.committed[partition] === requests.length, 'liveness', () => `requests of partition ${partition} stay`)
    for (const [partition, requests] of broker.requests.entries())
      for (const { key } of requests.slice(0, broker.committed[partition])) {
        const id = utf8.decode(key ?? new Uint8Array())
        check(this.answers.has(id), 'liveness', () => `${id} is passed over and not answered`)
      }
    if (unsafe !== 'none') return
    for (const { name, store, halted } of replicas) {
      if (halted !== undefined) continue
      // A verdict may revoke an answer.
      for (const item of this.acknowledged.filter(isFirm))
        check(store.items.filter((each) => each === item).length === 1, 'G7', () => `${name} does not have ${item} once`)
    }
  }

  private next(untilMs: number): void {
    const { agenda } = this.world
    if (agenda.nowMs >= untilMs) return
    if (this.chance.happens(0.25)) this.query()
    else this.command()
    agenda.after(this.chance.span(20, 400), () => this.next(untilMs))
  }

  private command(): void {
    const { agenda, broker } = this.world
    const id = `c${(this.numbers += 1)}`
    const kind = this.chance.happens(0.1) ? 'wrong' : this.hasPoison && this.chance.happens(0.02) ? 'poison' : 'add'
    const text = `${kind} ${id}`
    // One in ten is the seed's: a text, and a request by its name alone.
    const isText = this.chance.happens(0.1)
    const value = isText ? text : JSON.stringify({ replicator: 1, command: text, reply: { partition: 0 } })
    const partition = this.chance.below(broker.requests.length)
    if (isText && this.chance.happens(0.1)) {
      this.commands.set(id, { id, text, offset: undefined })
      return broker.request(partition, utf8.encode(id), utf8.encode(value), agenda.nowMs)
    }
    const offset = broker.append(utf8.encode(id), utf8.encode(value), agenda.nowMs)
    this.commands.set(id, { id, text, offset })
    const again = this.chance.happens(0.14) ? broker.append(utf8.encode(id), utf8.encode(value), agenda.nowMs) : offset
    if (this.chance.happens(0.05)) return
    const request = isText ? value : JSON.stringify({ replicator: 1, ordered: again, reply: { partition: 0 } })
    agenda.after(this.chance.span(0, 50), () => broker.request(partition, utf8.encode(id), utf8.encode(request), agenda.nowMs))
  }

  private query(): void {
    const { agenda, broker } = this.world
    const id = `q${(this.numbers += 1)}`
    this.queries.set(id, { id, acknowledged: [...this.acknowledged] })
    const request = { replicator: 1, query: 'all', linearizable: true }
    broker.request(this.chance.below(broker.requests.length), utf8.encode(id), utf8.encode(JSON.stringify(request)), agenda.nowMs)
  }

  private checkRead({ id, acknowledged }: Query, value: string): void {
    this.counts.reads += 1
    if (this.world.unsafe !== 'none') return
    const { result } = JSON.parse(value) as { readonly result: readonly string[] }
    for (const item of acknowledged.filter(isFirm))
      check(result.includes(item), 'G9', () => `${id} lacks ${item}, which was acknowledged before`)
    check(new Set(result).size === result.length, 'G7', () => `${id} has an item twice`)
  }

  /** All answers to a command are equal, but for those that say that nothing is known. */
  private checkEqual(id: string, told: string, value: string): void {
    if (this.queries.has(id)) return void this.answers.set(id, value)
    if (told === 'in-doubt' || told === 'unavailable') {
      if (!this.answers.has(id)) this.answers.set(id, '')
      return
    }
    const first = this.answers.get(id)
    if (this.world.unsafe === 'none' && first !== undefined && first !== '')
      check(first === value, 'G19', () => `${id} is answered ${first}, then ${value}`)
    this.answers.set(id, value)
  }
}

/** What no verdict revokes. */
function isFirm(item: string): boolean {
  return !item.startsWith('poison')
}

/** The outcome of an answer, of either form. */
function textOf(value: string): string {
  if (value.startsWith('Successfully')) return 'done'
  if (value.startsWith('Error'))
    return value.endsWith('error: not-ordered') ? 'not-ordered' : value.endsWith('error: in-doubt') ? 'in-doubt' : 'error'
  return (JSON.parse(value) as { readonly outcome: string }).outcome
}
