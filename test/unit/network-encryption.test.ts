import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { it } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { ConnectionEncrypter, Logger, MessageStream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { frugalNoise } from '../../src/network/encryption.ts'

const SMALL_BYTES = 100
const LARGE_BYTES = 200_000
/** On both sides of the size from which on another implementation encrypts. */
const AROUND_THE_CHANGE = [480, 512]
/** Of a packet: behind its length. */
const CHANGED_AT = 10

async function encrypter(log: Logger): Promise<ConnectionEncrypter> {
  const privateKey = await generateKeyPair('Ed25519')
  const upgrader = { getStreamMuxers: () => new Map() }
  return frugalNoise()({ peerId: peerIdFromPrivateKey(privateKey), privateKey, logger: { forComponent: () => log }, upgrader } as never)
}

type BytesInPieces = Exclude<Parameters<MessageStream['send']>[0], Uint8Array>

interface Carrier {
  sendData: (data: BytesInPieces) => { sentBytes: number; canSendMore: boolean }
}

/**
 * Two ends of an encrypted connection, and how many pieces the first one hands to what carries it.
 */
async function secured(): Promise<{ near: MessageStream; far: MessageStream; carrier: Carrier; pieces: () => number }> {
  const [outbound, inbound] = multiaddrConnectionPair()
  let pieces = 0
  const carrier = outbound as unknown as Carrier
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
  return { near: near.connection, far: far.connection, carrier, pieces: () => pieces }
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

it('packets of any size arrive that come byte by byte', async () => {
  const { near, far, carrier } = await secured()
  const { sendData } = carrier
  carrier.sendData = (data) => {
    for (let index = 0; index < data.byteLength; index += 1) sendData(data.sublist(index, index + 1))
    return { sentBytes: data.byteLength, canSendMore: true }
  }
  const sent = [...AROUND_THE_CHANGE, SMALL_BYTES].map((size) => randomBytes(size))
  const arrived = received(far, Buffer.concat(sent).length)
  for (const bytes of sent) near.send(bytes)
  assert.deepEqual(await arrived, Buffer.concat(sent))
})

for (const size of AROUND_THE_CHANGE) {
  it(`a packet of ${size} bytes that was changed on its way ends the connection`, async () => {
    const { near, far, carrier } = await secured()
    const { sendData } = carrier
    carrier.sendData = (data) => {
      data.set(CHANGED_AT, data.get(CHANGED_AT) ^ 1)
      return sendData(data)
    }
    let isTold = false
    far.addEventListener('message', () => (isTold = true))
    const closed = new Promise<StreamCloseEvent>((resolve) => far.addEventListener('close', resolve))
    near.send(randomBytes(size))
    assert.ok((await closed).error)
    assert.equal(isTold, false)
  })
}
