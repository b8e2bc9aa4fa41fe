/**
 * The gate that holds sends back, against the rules as the comment in `protocols/effects.ts` words
 * them.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { configKey, dataKey, slotOf } from '../../protocols/base/register.ts'
import type { After } from '../../protocols/base/slot.ts'
import { acceptedWrite, ceilingWrite, chosenWrite, divergedWrite, droppedWrite } from '../../protocols/base/persist.ts'
import type { Persist } from '../../protocols/base/persist.ts'
import { SendGate } from '../../src/runtime/send-gate.ts'
import type { Send } from '../../src/runtime/send-gate.ts'
import { ballotOf, recordOf } from '../unit/core-harness.ts'
import type { PeerId } from '../../protocols/base/identity.ts'

const keys = ['a', 'b', 'c'].map(dataKey)
const record = recordOf('x')
const digest = new Uint8Array(16)

const someWrite: fc.Arbitrary<Persist> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...keys).map((key): Persist => chosenWrite(key, record, digest)) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(...keys, configKey(1)).map((key): Persist => acceptedWrite(key, { ballot: ballotOf(0, 1, 'a'), record })),
  },
  { weight: 1, arbitrary: fc.constantFrom(...keys).map((key): Persist => droppedWrite(key)) },
  { weight: 1, arbitrary: fc.constantFrom(...keys).map((key): Persist => divergedWrite(key, record)) },
  { weight: 1, arbitrary: fc.constant<Persist>(ceilingWrite({ epoch: 0, round: 1 })) },
  { weight: 1, arbitrary: fc.constant<Persist>(chosenWrite(configKey(1), record, digest)) },
)

const someSend: fc.Arbitrary<Pick<Send, 'after'>> = fc.record({
  after: fc.oneof(fc.constantFrom<After[]>('nothing', 'everything'), fc.constantFrom(...keys, configKey(1)).map(slotOf)),
})

type Command = { write: Persist } | { send: Pick<Send, 'after'> } | 'close' | 'settle'

const someCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: someWrite.map((write) => ({ write })) },
  { weight: 4, arbitrary: someSend.map((send) => ({ send })) },
  { weight: 2, arbitrary: fc.constant('close' as const) },
  { weight: 2, arbitrary: fc.constant('settle' as const) },
)

interface Kept {
  readonly send: Send
  /** Writes it rests on, as their places in the row of all writes. */
  readonly restsOn: readonly number[]
}

/**
 * The rules with no cleverness: every write remembered, every send looked at anew after every sync.
 */
class Model {
  private readonly writes: Persist[] = []
  private closedCount = 0
  private syncedCount = 0
  waiting: Kept[] = []

  get isClosed(): boolean {
    return this.closedCount > this.syncedCount
  }

  get hasUnclosed(): boolean {
    return this.writes.length > this.closedCount
  }

  write(write: Persist): void {
    this.writes.push(write)
  }

  close(): void {
    this.closedCount = this.writes.length
  }

  settle(): Send[] {
    this.syncedCount = this.closedCount
    const free = this.waiting.filter((kept) => this.isFree(kept))
    this.waiting = this.waiting.filter((kept) => !this.isFree(kept))
    return free.map(({ send }) => send)
  }

  /** @returns whether it may leave now */
  send(send: Send): boolean {
    const restsOn = this.writes.flatMap((write, place) => (concerns(write, send) ? [place] : []))
    const kept = { send, restsOn }
    if (this.isFree(kept)) return true
    this.waiting.push(kept)
    return false
  }

  private isFree({ restsOn }: Kept): boolean {
    return restsOn.every((place) => place < this.syncedCount)
  }
}

function concerns(write: Persist, send: Send): boolean {
  if (send.after === 'everything' || write.kind === 'ceiling') return true
  const isOfConfig = write.kind === 'chosen' && write.key === configKey(1)
  return isOfConfig || (send.after !== 'nothing' && send.after.type === write.slot.type && send.after.name === write.slot.name)
}

suite('the gate', () => {
  test('a send leaves with the first sync that covers all it rests on, no sooner, no later, and in its order', () => {
    let heldCount = 0
    const property = fc.property(fc.array(someCommand, { maxLength: 60 }), (commands) => {
      const [gate, model] = [new SendGate(), new Model()]
      let closed = 0
      const settle = (): void => assert.deepEqual(gate.settle(closed), model.settle())
      for (const [index, command] of commands.entries()) {
        if (command === 'close') {
          if (model.isClosed || !model.hasUnclosed) continue
          closed = gate.close()
          model.close()
        } else if (command === 'settle') {
          if (model.isClosed) settle()
        } else if ('write' in command) {
          gate.wrote(command.write)
          model.write(command.write)
        } else {
          const message = { kind: 'covered-wanted', epoch: index } as const
          const send: Send = { kind: 'send', to: 'p' as PeerId, message, ...command.send }
          assert.equal(gate.admit(send), model.send(send))
        }
        heldCount += model.waiting.length
      }
      if (model.isClosed) settle()
      if (model.hasUnclosed) {
        assert.equal(gate.isAwaited, model.waiting.length > 0)
        closed = gate.close()
        model.close()
        settle()
      }
      assert.deepEqual(model.waiting, [])
    })
    fc.assert(property, { numRuns: 5_000 })
    assert(heldCount > 1_000, 'hardly a send was held: the test shows little')
  })
})
