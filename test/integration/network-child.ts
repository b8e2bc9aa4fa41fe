/**
 * A peer in a process of its own, for tests: prints its address, and sends every message back to
 * whom it came from. But it answers `records-wanted` with a megabyte of records, and `want` with
 * one record of a megabyte.
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { pino } from 'pino'
import { Codec } from '../../protocols/wire/codec.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { utf8 } from '../../src/bytes.ts'
import { Discovery } from '../../src/discovery/discovery.ts'
import { PROTOCOL_PREFIX, createNetwork } from '../../src/network/network.ts'
import { Told, identityOf, large, recordsOf } from '../contract/transport.ts'

const logger = pino({ level: 'silent' })
const network = await createNetwork({
  privateKey: await generateKeyPair('Ed25519'),
  codec: new Codec(utf8),
  logger,
  listen: ['/ip4/127.0.0.1/tcp/0'],
  announce: [],
  secrets: [undefined],
  discovery: new Discovery({ rendezvous: 'replicator', clusterId: 'cluster-1', protocolId: PROTOCOL_PREFIX, logger }),
  peers: [],
})

class Echo extends Told {
  override message(from: Told['self'], _round: number, message: Message): void {
    network.send(from.peerId, answerTo(message))
  }
}

function answerTo(message: Message): Message {
  if (message.kind === 'records-wanted') return recordsOf(message.id, 1_024, 1_024)
  if (message.kind === 'want') return large(1_048_576)
  return message
}

const echo = new Echo(identityOf(network.peerId))
echo.addressesNow = () => network.addresses()
await network.start(echo)
process.stdout.write(`${network.addresses()[0]}\n`)
// The test that started us has gone.
process.stdin.resume().once('end', () => process.exit(0))
