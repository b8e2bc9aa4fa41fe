import assert from 'node:assert/strict'
import { it } from 'node:test'
import { StreamStateError } from '@libp2p/interface'
import type { Stream } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { until } from '../contract/transport.ts'
import { steadyYamux } from '../../src/network/muxer.ts'

it('a stream opened on a connection that closes in the same turn does not end the process', async () => {
  const [connection] = multiaddrConnectionPair()
  const muxer = steadyYamux()().createStreamMuxer(connection)
  const uncaught: unknown[] = []
  const note = (error: unknown): void => void uncaught.push(error)
  process.on('uncaughtException', note)
  const opening = muxer.createStream()
  connection.send = () => {
    throw new StreamStateError('Cannot write to a stream that is closed')
  }
  await Promise.allSettled([opening])
  await new Promise((resolve) => setImmediate(resolve))
  process.off('uncaughtException', note)
  assert.deepEqual(uncaught, [])
})

const MESSAGE_BYTES = 100
/** What Yamux lets the other end send before it must hear that there is room again. */
const WINDOW_BYTES = 262_144

it('the window of a stream is opened again when half of it is used, not for every message, and no byte is held up', async (context) => {
  const [here, there] = multiaddrConnectionPair()
  const create = steadyYamux()
  const sender = create().createStreamMuxer(here)
  const receiver = create().createStreamMuxer(there)
  // Also when the test fails: a muxer that is left open keeps the process from ending.
  context.after(() => [sender, receiver].forEach((muxer) => muxer.abort(new Error('the test is over'))))
  const arriving = new Promise<Stream>((resolve) => receiver.addEventListener('stream', ({ detail }) => resolve(detail)))
  const stream = await sender.createStream()
  let received = 0
  const incoming = await arriving
  incoming.addEventListener('message', ({ data }) => (received += data.byteLength))
  const arrived = (bytes: number): Promise<void> => until(`${bytes} bytes have arrived`, () => received === bytes)
  await arrived(0)
  let answers = 0
  const send = there.send.bind(there)
  there.send = (data) => {
    answers += 1
    return send(data)
  }

  const sendMessages = async (count: number): Promise<void> => {
    for (let sent = 0; sent < count; sent += 1) {
      if (!stream.send(Buffer.alloc(MESSAGE_BYTES))) await stream.onDrain()
    }
  }
  await sendMessages(1_000)
  await arrived(1_000 * MESSAGE_BYTES)
  assert.ok(answers <= 2, `${answers} answers to 1000 messages, the one to the opening among them`)

  const windows = 10
  const count = Math.ceil((windows * WINDOW_BYTES) / MESSAGE_BYTES)
  await sendMessages(count)
  await arrived((1_000 + count) * MESSAGE_BYTES)
  // Yamux makes windows larger while answers come quickly, so how few answers there are is chance.
  assert.ok(answers <= 2 * windows + 2, `${answers} answers for ${windows} windows`)
})
