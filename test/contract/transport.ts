/**
 * What every adapter of the port Transport does. Call `transportContract` in a test file of its own
 * for each.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CEILING_NONE } from '../../protocols/base/ballot.ts'
import { identity } from '../../protocols/base/identity.ts'
import type { ClusterId, Identity, Incarnation, PeerId } from '../../protocols/base/identity.ts'
import { dataKey } from '../../protocols/base/register.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import type { Transport, TransportHandlers } from '../../src/ports/transport.ts'

/** One peer of a test, with all that its transport told. */
export interface ContractPeer {
  readonly transport: Transport
  readonly self: Identity
  readonly told: Told
}

/** Makes peers that can reach one another. Every peer it made is closed when the test ends. */
export interface ContractHarness {
  join(): Promise<ContractPeer>
  close(): Promise<void>
}

/** Handlers that write down what they are told. */
export class Told implements TransportHandlers {
  readonly self: Identity
  readonly connections: Greeting[] = []
  readonly disconnections: { readonly peerId: PeerId; readonly reason: string }[] = []
  readonly messages: { readonly from: Identity; readonly round: number; readonly message: Message }[] = []
  /** What `greeting` says beyond the identity. */
  saying: Partial<Greeting> = {}
  roundNow = 0
  addressesNow: () => readonly string[] = () => []

  constructor(self: Identity) {
    this.self = self
  }

  connected(remote: Greeting): void {
    assert.ok(!this.isConnected(remote.identity.peerId), `${remote.identity.peerId} connected twice`)
    this.connections.push(remote)
  }

  disconnected(peerId: PeerId, reason: string): void {
    assert.ok(this.isConnected(peerId), `${peerId} disconnected without being connected`)
    this.disconnections.push({ peerId, reason })
  }

  message(from: Identity, round: number, message: Message): void {
    assert.ok(this.isConnected(from.peerId), `a message of ${from.peerId}, which is not connected`)
    this.messages.push({ from, round, message })
  }

  greeting(): Greeting {
    return {
      protocolMin: 1,
      protocolMax: 1,
      networkId: undefined,
      clusterId: 'cluster-1' as ClusterId,
      identity: this.self,
      epoch: -1,
      ceiling: CEILING_NONE,
      minPeers: 3,
      addresses: this.addressesNow(),
      ...this.saying,
    }
  }

  round(): number {
    return this.roundNow
  }

  isConnected(peerId: PeerId): boolean {
    const came = this.connections.filter((greeting) => greeting.identity.peerId === peerId).length
    const went = this.disconnections.filter((gone) => gone.peerId === peerId).length
    return came > went
  }
}

/** An identity with an incarnation of its own. */
export function identityOf(peerId: string, number = 0): Identity {
  return identity(peerId as PeerId, number.toString(16).padStart(32, '0') as Incarnation)
}

/** Waits until the condition holds. @throws when it does not in time. */
export async function until(what: string, condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`not in ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A small message that carries a number. */
export function numbered(number: number): Message {
  return { kind: 'covered-wanted', epoch: number }
}

/** A message with a value of so many bytes. */
export function large(valueBytes: number, fill = 7): Message {
  const record = { writeId: 'w', value: new Uint8Array(valueBytes).fill(fill), contentType: '', writtenAtMs: 1 }
  return { kind: 'learn', key: dataKey('k'), ballot: undefined, record, spread: false }
}

/** An answer of repair: so many records, each with a value of so many bytes. */
export function recordsOf(id: number, count: number, valueBytes: number): Message {
  const record = { writeId: 'w', value: new Uint8Array(valueBytes).fill(id), contentType: '', writtenAtMs: 1 }
  const records = Array.from({ length: count }, (_, index) => ({ key: dataKey(`k${index}`), record }))
  return { kind: 'records', id, records, keysDone: count }
}

export function numbersOf(told: Told): number[] {
  return told.messages.flatMap(({ message }) => (message.kind === 'covered-wanted' ? [message.epoch] : []))
}

/** Runs the suite for one adapter. */
export function transportContract(name: string, create: () => Promise<ContractHarness>): void {
  const test = (fact: string, run: (harness: ContractHarness) => Promise<void>): void => {
    it(fact, async () => {
      const harness = await create()
      try {
        await run(harness)
      } finally {
        await harness.close()
      }
    })
  }
  describe(`transport contract: ${name}`, () => {
    test('peers that meet hear of each other once, with what each says of itself', async (harness) => {
      const [a, b] = await pair(harness, (other) => (other.told.saying = { epoch: 5, minPeers: 2, ceiling: { epoch: 1, round: 9 } }))
      const greeting = a.told.connections[0]
      assert.deepEqual(greeting?.identity, b.self)
      assert.equal(greeting.epoch, 5)
      assert.equal(greeting.minPeers, 2)
      assert.deepEqual(greeting.ceiling, { epoch: 1, round: 9 })
      assert.deepEqual(b.told.connections[0]?.identity, a.self)
    })

    test('messages arrive in order, with the identity and the round of their sender', async (harness) => {
      const [a, b] = await pair(harness)
      a.told.roundNow = 77
      const numbers = Array.from({ length: 2_000 }, (_, index) => index)
      for (const number of numbers) a.transport.send(b.self.peerId, numbered(number))
      await until('all arrive', () => b.told.messages.length === numbers.length)
      assert.deepEqual(numbersOf(b.told), numbers)
      assert.deepEqual(b.told.messages[0]?.from, a.self)
      assert.equal(b.told.messages[0]?.round, 77)
    })

    test('both ends send at once', async (harness) => {
      const [a, b] = await pair(harness)
      for (let number = 0; number < 500; number += 1) {
        a.transport.send(b.self.peerId, numbered(number))
        b.transport.send(a.self.peerId, numbered(number))
      }
      await until('all arrive', () => a.told.messages.length === 500 && b.told.messages.length === 500)
    })

    test('the largest value arrives whole', async (harness) => {
      const [a, b] = await pair(harness)
      a.transport.send(b.self.peerId, large(16_777_216))
      await until('it arrives', () => b.told.messages.length === 1)
      assert.deepEqual(b.told.messages[0]?.message, large(16_777_216))
    })

    test('a message to a peer that is not connected is dropped without a word', async (harness) => {
      const a = await harness.join()
      const b = await harness.join()
      a.transport.send(b.self.peerId, numbered(1))
      await connect(a, b)
      a.transport.send(b.self.peerId, numbered(2))
      await until('the second arrives', () => b.told.messages.length > 0)
      assert.deepEqual(numbersOf(b.told), [2])
    })

    test('a message to oneself is a mistake', async (harness) => {
      const a = await harness.join()
      assert.throws(() => a.transport.send(a.self.peerId, numbered(1)))
    })

    test('disconnecting is told once at both ends, and the peers may meet again', async (harness) => {
      const [a, b] = await pair(harness)
      a.transport.disconnect(b.self.peerId, 'silent for too long')
      await until('both know', () => a.told.disconnections.length === 1 && b.told.disconnections.length === 1)
      assert.deepEqual(a.told.disconnections[0], { peerId: b.self.peerId, reason: 'silent for too long' })
      await connect(a, b)
      a.transport.send(b.self.peerId, numbered(3))
      await until('a message arrives', () => numbersOf(b.told).includes(3))
    })

    test('meeting a peer that is connected, or oneself, changes nothing', async (harness) => {
      const [a, b] = await pair(harness)
      a.transport.meet(b.self.peerId, b.transport.addresses())
      a.transport.meet(a.self.peerId, a.transport.addresses())
      a.transport.send(b.self.peerId, numbered(1))
      await until('a message arrives', () => b.told.messages.length === 1)
      assert.equal(a.told.connections.length, 1)
      assert.equal(b.told.connections.length, 1)
    })

    test('addresses end with the peer id', async (harness) => {
      const a = await harness.join()
      assert.ok(a.transport.addresses().length > 0)
      for (const address of a.transport.addresses()) assert.match(address, new RegExp(`/p2p/${a.self.peerId}$`))
    })
  })
}

/** Has two peers meet, and waits until both know. */
export async function connect(a: ContractPeer, b: ContractPeer): Promise<void> {
  a.transport.meet(b.self.peerId, b.transport.addresses())
  await until('the two are connected', () => a.told.isConnected(b.self.peerId) && b.told.isConnected(a.self.peerId))
}

async function pair(harness: ContractHarness, prepare?: (b: ContractPeer) => void): Promise<[ContractPeer, ContractPeer]> {
  const a = await harness.join()
  const b = await harness.join()
  prepare?.(b)
  await connect(a, b)
  return [a, b]
}
