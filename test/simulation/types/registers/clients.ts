/**
 * Simulated clients of registers: each does one thing at a time at any peer, mostly on few keys,
 * under conditions on what it saw last, now and then twice at once, and again elsewhere when it was
 * left in doubt.
 */
import { dataKey } from '../../../../protocols/base/register.ts'
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import type { ClientId } from '../../../../protocols/events.ts'
import { Marks } from '../../../../protocols/registers/marks.ts'
import { REGISTERS } from '../../../../protocols/registers/requests.ts'
import type { Condition, Contents, ReadRequest, RegisterAnswer, WriteRequest } from '../../../../protocols/registers/requests.ts'
import { sha256, utf8 } from '../../../../src/bytes.ts'
import type { Chance } from '../../chance.ts'
import type { SimulatedPeer } from '../../peer.ts'
import type { TypeInit } from '../../type.ts'
import type { Operation } from './history.ts'

/** Clients ask no more than this in a run. */
const REQUESTS_MAX = 700
const READ_RATE = 0.35
const LOCAL_RATE = 0.25
const DELETE_RATE = 0.15
const GIVEN_RATE = 0.6
const RETRY_RATE = 0.7
const TWICE_RATE = 0.1
const TTL_RATE = 0.2
const KEYS: readonly RegisterKey[] = ['busy', 'b', 'c'].map(dataKey)
const BUSY_RATE = 0.6
const marks = new Marks(sha256, utf8)

interface Asked {
  readonly peer: SimulatedPeer
  readonly operation: Operation
  readonly ended: (answer: RegisterAnswer | undefined) => void
}

export class Clients {
  readonly operations: Operation[] = []
  isStopped = false
  private readonly init: TypeInit
  private readonly asked = new Map<ClientId, Asked>()
  /** The highest version that any client was shown. */
  private readonly seen = new Map<RegisterKey, number>()

  constructor(init: TypeInit) {
    this.init = init
  }

  begin(): void {
    for (let client = 0; client < this.init.options.clientCount; client += 1) this.think()
  }

  isAsked(client: ClientId): boolean {
    return this.asked.has(client)
  }

  answered(client: ClientId, answer: RegisterAnswer): void {
    const asked = this.asked.get(client)
    if (asked === undefined) return
    this.asked.delete(client)
    const { operation, ended } = asked
    operation.endedAt = this.init.agenda.nowMs
    operation.answer = answer
    this.seen.set(operation.key, Math.max(numberIn(answer), this.seen.get(operation.key) ?? 0))
    ended(answer)
  }

  /** A peer died: whoever waits for it learns nothing. */
  crashed(peer: SimulatedPeer): void {
    for (const [client, asked] of this.asked) {
      if (asked.peer !== peer) continue
      this.asked.delete(client)
      this.init.agenda.after(0, () => asked.ended(undefined))
    }
  }

  ask(peer: SimulatedPeer, request: WriteRequest | ReadRequest, timeoutMs: number, ended: Asked['ended']): ClientId {
    const client = this.init.nextClient()
    const { nowMs } = this.init.agenda
    const mark = request.kind === 'write' ? marks.of(request.key, request.writeId, request.contents, request.condition) : undefined
    const operation: Operation = { key: dataKey(request.key), request, mark, beganAt: nowMs, endedAt: nowMs, answer: undefined }
    this.operations.push(operation)
    this.asked.set(client, { peer, operation, ended })
    peer.dispatch({ kind: 'typed', type: REGISTERS, client, request, deadlineMs: peer.clockMs + timeoutMs })
    return client
  }

  newWrite(key: RegisterKey, condition: Condition | undefined, contents: Contents = this.drawValue()): WriteRequest {
    const { chance, agenda } = this.init
    const writeIdGiven = chance.happens(GIVEN_RATE)
    const after = writeIdGiven ? this.seen.get(key) : undefined
    return { kind: 'write', key, contents, condition, writeId: chance.hex(16), writeIdGiven, after, writtenAtMs: Math.floor(agenda.nowMs) }
  }

  private think(): void {
    const { agenda, chance, options } = this.init
    agenda.after(chance.span(0, 2 * options.thinkMs), () => this.act())
  }

  private act(): void {
    const { chance, peers, options } = this.init
    if (this.isStopped || this.operations.length >= REQUESTS_MAX) return
    const up = peers.filter((peer) => peer.isUp && !peer.isPaused)
    if (up.length === 0) return this.think()
    const peer = chance.pick(up)
    const key = chance.happens(BUSY_RATE) ? (KEYS[0] as RegisterKey) : chance.pick(KEYS)
    const timeoutMs = options.deadlineMs * chance.span(0.2, 1)
    if (chance.happens(READ_RATE)) {
      const consistency = chance.happens(LOCAL_RATE) ? 'local' : 'linearizable'
      this.ask(peer, { kind: 'read', key, consistency, newer: undefined }, timeoutMs, () => this.think())
      return
    }
    const contents: Contents = chance.happens(DELETE_RATE) ? { kind: 'deleted' } : this.drawValue()
    this.write(peer, this.newWrite(key, drawCondition(chance, this.seen.get(key) ?? 0), contents), timeoutMs)
  }

  private write(peer: SimulatedPeer, request: WriteRequest, timeoutMs: number): void {
    const { chance } = this.init
    this.ask(peer, request, timeoutMs, (answer) => this.writeEnded(request, answer, timeoutMs))
    const others = this.others(peer)
    if (request.after === undefined || others.length === 0 || !chance.happens(TWICE_RATE)) return
    this.ask(chance.pick(others), request, timeoutMs, () => undefined)
  }

  /** Left in doubt, or without an answer: tried again, with what was current at the first try. */
  private writeEnded(request: WriteRequest, answer: RegisterAnswer | undefined, timeoutMs: number): void {
    const { chance } = this.init
    const up = this.others(undefined)
    const isOpen = answer === undefined ? request.after !== undefined : answer.kind === 'in-doubt'
    if (this.isStopped || !isOpen || this.operations.length >= REQUESTS_MAX || up.length === 0 || !chance.happens(RETRY_RATE))
      return this.think()
    const after = answer?.kind === 'in-doubt' ? answer.after : request.after
    this.write(chance.pick(up), { ...request, writeIdGiven: true, after }, timeoutMs)
  }

  private others(peer: SimulatedPeer | undefined): SimulatedPeer[] {
    return this.init.peers.filter((other) => other !== peer && other.isUp && !other.isPaused)
  }

  private drawValue(): Contents {
    const { chance } = this.init
    const ttlMs = chance.happens(TTL_RATE) ? chance.between(1, 5) * 1_000 : undefined
    return { kind: 'value', value: utf8.encode(chance.hex(4)), contentType: 'text/plain', ttlMs }
  }
}

/** What a client may say as the version that was current, from what it is told. */
function numberIn(answer: RegisterAnswer): number {
  if (answer.kind === 'applied') return answer.version
  if (answer.kind === 'found') return answer.record.version
  return 'number' in answer ? answer.number : 0
}

export function drawCondition(chance: Chance, seen: number): Condition | undefined {
  if (chance.happens(0.4)) return undefined
  if (chance.happens(0.5)) return { kind: 'versions', versions: [seen] }
  return chance.happens(0.5) ? { kind: 'absent' } : { kind: 'live' }
}
