import assert from 'node:assert/strict'
import { it } from 'node:test'
import { StreamStateError } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
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
