import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { KafkaClients } from '../../src/orderers/kafka/connection.ts'
import { Producing } from '../../src/orderers/kafka/producing.ts'

const MIB = 1_048_576

interface Sent {
  readonly messages: readonly { readonly topic: string; readonly value: Buffer }[]
}

/** Takes batches as a broker does: each begins where the one before ended. */
class FakeProducer {
  static batches: number[] = []
  static isAway = false
  static forgotten = 0
  private offset = 0

  async send({ messages }: Sent): Promise<object> {
    if (FakeProducer.isAway) throw new Error('nobody answers')
    const offset = this.offset
    this.offset += messages.length
    FakeProducer.batches.push(messages.length)
    return { offsets: [{ topic: messages[0]?.topic, partition: 0, offset: BigInt(offset) }] }
  }

  clearMetadata(): void {
    FakeProducer.forgotten += 1
  }
}

function producing(): Producing {
  FakeProducer.batches = []
  return new Producing({ producer: () => new FakeProducer() } as unknown as KafkaClients, 'test')
}

function send(to: Producing, value: string): Promise<number> {
  return to.send({ topic: 'all', key: undefined, partition: 0, value })
}

suite('what is put into topics of Kafka', () => {
  test('what gathers within a turn is one batch, and each is told its own offset', async () => {
    const to = producing()
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map((value) => send(to, value))), [0, 1, 2])
    assert.deepEqual(FakeProducer.batches, [3])
  })

  test('what is too large for one batch goes in several, so that no broker refuses them all', async () => {
    const to = producing()
    const values = [0.6, 0.3, 0.3, 2, 0.1].map((share) => 'x'.repeat(share * MIB))
    assert.deepEqual(await Promise.all(values.map((value) => send(to, value))), [0, 1, 2, 3, 4])
    assert.deepEqual(FakeProducer.batches, [2, 1, 1, 1])
  })

  test('after a failure it is asked anew who leads', async () => {
    const to = producing()
    FakeProducer.isAway = true
    const before = FakeProducer.forgotten
    await assert.rejects(send(to, 'a'), /nobody answers/)
    FakeProducer.isAway = false
    assert.equal(FakeProducer.forgotten, before + 1)
  })
})
