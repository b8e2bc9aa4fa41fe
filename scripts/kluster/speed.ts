/** How fast a log that Kafka orders is, beside the producer alone, in one run. */
import { reach } from '../../src/orderers/kafka/connection.ts'
import { Producing } from '../../src/orderers/kafka/producing.ts'
import { parseOrder } from '../../src/settings/order-url.ts'
import { ANSWER_MS, AT_ONCE, LOG, say } from './stage.ts'
import type { Stage } from './stage.ts'

const SINGLE = 300
const BATCHED = 5_000
/** As long as a command is, in characters. */
const VALUE_CHARACTERS = 150
/** Of the marks that are set by many at once. */
const MARKS_FROM = 1_000_000

export async function measureSpeed({ order, clients: [client] }: Stage): Promise<void> {
  const { brokers, response } = parseOrder(order, LOG)
  const producing = new Producing(await reach(brokers), 'measure')
  const value = 'x'.repeat(VALUE_CHARACTERS)
  // Into the topic of answers: nobody waits for these.
  const produce = (): Promise<number> => producing.send({ topic: response, key: undefined, partition: 0, value })
  const insert = (from: number) => async (place: number) => {
    const { kind } = await client.exec(`insert into marks values (${from + place})`, [], { timeoutMs: ANSWER_MS })
    if (kind !== 'done') throw new Error(`an insert is ${kind}`)
  }
  const read = async (): Promise<void> => {
    const { kind } = await client.query('select 1', [], { linearizable: true, timeoutMs: ANSWER_MS })
    if (kind !== 'answered') throw new Error(`a query is ${kind}`)
  }
  await produce()
  say(`raw producer, one at a time: ${await timed(SINGLE, 1, produce)}`)
  say(`raw producer, ${AT_ONCE} at once: ${await timed(BATCHED, AT_ONCE, produce)}`)
  say(`commands, one at a time: ${await timed(SINGLE, 1, insert(0))}`)
  say(`commands, ${AT_ONCE} at once: ${await timed(BATCHED, AT_ONCE, insert(MARKS_FROM))}`)
  say(`linearizable queries, one at a time: ${await timed(SINGLE, 1, read)}`)
  say(`raw producer again, one at a time: ${await timed(SINGLE, 1, produce)}`)
  await producing.close()
}

/** How long each of some calls took, in words. */
async function timed(count: number, width: number, run: (place: number) => Promise<unknown>): Promise<string> {
  const tookMs: number[] = []
  let next = 0
  const began = performance.now()
  const worker = async (): Promise<void> => {
    while (next < count) {
      const from = performance.now()
      await run((next += 1))
      tookMs.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  tookMs.sort((a, b) => a - b)
  const at = (share: number): string => `${(tookMs[Math.floor(tookMs.length * share)] ?? 0).toFixed(1)} ms`
  return `${Math.round((count * 1_000) / (performance.now() - began))} a second, half within ${at(0.5)}, 99 of 100 within ${at(0.99)}`
}
