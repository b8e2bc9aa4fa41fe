/** Real libp2p peers on 127.0.0.1, in this process. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { pino } from 'pino'
import type { Logger } from 'pino'
import { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../../src/bytes.ts'
import { Discovery } from '../../src/discovery/discovery.ts'
import { PROTOCOL_PREFIX, createNetwork } from '../../src/network/network.ts'
import type { NetworkInit } from '../../src/network/network-init.ts'
import type { Libp2pNetwork } from '../../src/network/network.ts'
import { Told, identityOf } from './transport.ts'
import type { ContractHarness, ContractPeer } from './transport.ts'

export interface NetworkPeer extends ContractPeer {
  readonly transport: Libp2pNetwork
  /** What `refused` told. */
  readonly refusals: string[]
  /** Lines of the log, warnings and worse. */
  readonly warnings: string[]
  stop(): Promise<void>
}

export const codec: Codec = new Codec(utf8)

export class NetworkHarness implements ContractHarness {
  readonly #peers: NetworkPeer[] = []

  async join(overrides: Partial<NetworkInit> = {}, incarnation = 0, saying: Told['saying'] = {}): Promise<NetworkPeer> {
    const refusals: string[] = []
    const warnings: string[] = []
    const logger = loggerInto(warnings)
    const protocolId = overrides.protocolId ?? PROTOCOL_PREFIX
    const transport = await createNetwork({
      privateKey: await generateKeyPair('Ed25519'),
      codec,
      logger,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      announce: [],
      secrets: [undefined],
      discovery: new Discovery({ rendezvous: 'replicator', clusterId: 'cluster-1', protocolId, logger }),
      peers: [],
      events: { refused: (_peerId, reason) => refusals.push(reason) },
      ...overrides,
    })
    const self = identityOf(transport.peerId, incarnation)
    const told = new Told(self)
    told.saying = saying
    told.addressesNow = () => transport.addresses()
    await transport.start(told)
    const peer = { transport, self, told, refusals, warnings, stop: () => transport.stop() }
    this.#peers.push(peer)
    return peer
  }

  async close(): Promise<void> {
    await Promise.all(this.#peers.map((peer) => peer.stop()))
  }
}

function loggerInto(lines: string[]): Logger {
  return pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) })
}
