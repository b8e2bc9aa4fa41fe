import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { it } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { ConnectionEncrypter, Logger, MessageStream, StreamMessageEvent } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { frugalNoise } from '../../src/network/encryption.ts'

const SMALL_BYTES = 100
const LARGE_BYTES = 200_000

async function encrypter(log: Logger): Promise<ConnectionEncrypter> {
  const privateKey = await generateKeyPair('Ed25519')
  const upgrader = { getStreamMuxers: () => new Map() }
  return frugalNoise()({ peerId: peerIdFromPrivateKey(privateKey), privateKey, logger: { forComponent: () => log }, upgrader } as never)
}

/**
 * Two ends of an encrypted connection, and how many pieces the first one hands to what carries it.
 */
async function secured(): Promise<{ near: MessageStream; far: MessageStream; pieces: () => number }> {
  const [outbound, inbound] = multiaddrConnectionPair()
  let pieces = 0
  const carrier = outbound as unknown as { sendData: (data: Iterable<Uint8Array>) => unknown }
  const sendData = carrier.sendData.bind(carrier)
  carrier.sendData = (data) => {
    pieces += [...data].length
    return sendData(data)
  }
  const [near, far] = await Promise.all([
    (await encrypter(outbound.log)).secureOutbound(outbound, { skipStreamMuxerNegotiation: true }),
    (await encrypter(inbound.log)).secureInbound(inbound, { skipStreamMuxerNegotiation: true }),
  ])
  pieces = 0
  return { near: near.connection, far: far.connection, pieces: () => pieces }
}

async function received(stream: MessageStream, bytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let left = bytes
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  stream.addEventListener('message', ({ data }: StreamMessageEvent) => {
    chunks.push(data.subarray())
    left -= data.byteLength
    if (left <= 0) resolve(Buffer.concat(chunks))
  })
  return await promise
}

it('small and large messages arrive as they were sent', async () => {
  const { near, far } = await secured()
  const sent = [randomBytes(SMALL_BYTES), randomBytes(LARGE_BYTES), randomBytes(SMALL_BYTES)]
  const arrived = received(far, SMALL_BYTES + LARGE_BYTES + SMALL_BYTES)
  for (const bytes of sent) near.send(bytes)
  assert.deepEqual(await arrived, Buffer.concat(sent))
})

it('an encrypted packet leaves in one piece', async () => {
  const { near, far, pieces } = await secured()
  const arrived = received(far, SMALL_BYTES)
  near.send(randomBytes(SMALL_BYTES))
  await arrived
  assert.equal(pieces(), 1)
})
