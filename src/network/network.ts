/**
 * The transport on libp2p: puts the parts of this folder together. What each does is said at its
 * top.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import type { Connection, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { assert } from '../../protocols/base/assert.ts'
import type { PeerId } from '../../protocols/base/identity.ts'
import { ADDRESSES_MAX } from '../../protocols/base/limits.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import type { Secrets } from '../ports/secrets.ts'
import type { Transport, TransportHandlers } from '../ports/transport.ts'
import { Admission, NOT_ADMITTED, STALE_PROOF } from './admission.ts'
import { Complaints } from './complaints.ts'
import { Connector } from './connector.ts'
import { Delivery } from './delivery.ts'
import { isLoopback } from './addresses.ts'
import { Gate } from './gate.ts'
import type { ForeignHost, Host } from './host.ts'
import type { RememberedPeer } from './known-peers.ts'
import { createLibp2pPeer } from './libp2p-peer.ts'
import type { Libp2pPeer } from './libp2p-peer.ts'
import { listen } from './listening.ts'
import type { ListenPorts } from './listening.ts'
import { newCounters } from './network-init.ts'
import type { NetworkCounters, NetworkInit } from './network-init.ts'
import { PeerStreams } from './peer-streams.ts'
import { PeerTable } from './peer-table.ts'
import { fingerprintOf } from './proof.ts'
import { SpareConnections } from './spare-connections.ts'
import { StaleProofs } from './stale-proofs.ts'

/** Prefix of our libp2p protocol id unless another is given. */
export const PROTOCOL_PREFIX = '/p2p/rpc/replicator'
/** Versions of the streams' protocols in libp2p's terms; ours is agreed in the greeting. */
const STREAM_VERSION = '2.0.0'
const BULK_STREAM_VERSION = '1.0.0'
/**
 * Streams of each of our protocols on one connection, each way. One is used; both ends may open
 * one, and one may be emptying.
 */
const STREAMS_MAX = 4
/** What stopping waits for the last frames to leave. */
const STOP_FLUSH_MS = 300

/**
 * Makes the network of one peer. Nothing is listened on or dialled before `start`.
 *
 * @throws Error when the key or an address of `listen`, `announce` or `peers` is malformed.
 */
export async function createNetwork(init: NetworkInit): Promise<Libp2pNetwork> {
  for (const address of [...init.listen, ...init.announce, ...init.peers]) multiaddr(address)
  const privateKey = init.privateKey instanceof Uint8Array ? privateKeyFromProtobuf(init.privateKey) : init.privateKey
  return new Libp2pNetwork(init, privateKey)
}

export class Libp2pNetwork implements Transport {
  readonly peerId: PeerId
  readonly counters: NetworkCounters
  readonly #init: NetworkInit
  readonly #privateKey: PrivateKey
  readonly #protocolId: string
  readonly #bulkProtocolId: string
  readonly #table: PeerTable
  readonly #streams: PeerStreams
  readonly #delivery: Delivery
  readonly #connector: Connector
  readonly #spare: SpareConnections
  readonly #gate: Gate
  readonly #staleProofs: StaleProofs
  readonly #admission: Admission
  /** Of its own; undefined on somebody else's. */
  #libp2p: Libp2pPeer | undefined
  /** That one or the other. */
  #host: Host | undefined
  #topologyId: string | undefined
  #listenPorts: ListenPorts = {}
  #handlers: TransportHandlers | undefined
  #stopping = false

  constructor(init: NetworkInit, privateKey: PrivateKey) {
    this.#init = init
    this.#privateKey = privateKey
    this.#admission = new Admission(init.secrets, init.admitted)
    this.#gate = new Gate({
      isProved: (peerId) => this.isProved(peerId),
      inUse: (peerId) => this.#table.current(peerId)?.connection,
      isClosed: () => this.isClosed,
      turnedAway: (address, reason) => init.events?.turnedAway?.(address, reason),
    })
    this.#gate.memberAt([...init.peers, ...(init.known ?? []).flatMap(({ addresses }) => addresses)])
    this.#staleProofs = new StaleProofs({
      stale: () => this.#table.streams().flatMap((stream) => (this.#admission.isStale(stream) ? [stream.peerId] : [])),
      close: (peerId) => this.disconnect(peerId, STALE_PROOF),
    })
    this.counters = newCounters(this.#gate.doors.counts)
    const prefix = init.protocolId ?? PROTOCOL_PREFIX
    this.#protocolId = `${prefix}/${STREAM_VERSION}`
    this.#bulkProtocolId = `${prefix}/bulk/${BULK_STREAM_VERSION}`
    this.peerId = peerIdFromPrivateKey(privateKey).toString() as PeerId
    this.#table = new PeerTable({
      connected: (remote) => this.#connected(remote),
      disconnected: (peerId, reason) => this.#disconnected(peerId, reason),
    })
    const complaints = new Complaints(init.logger, (...refusal) => init.events?.refused?.(...refusal))
    const { codec, logger } = init
    const shared = { self: this.peerId, codec, logger, counters: this.counters, table: this.#table, complaints }
    this.#delivery = new Delivery({
      ...shared,
      bulkProtocolId: this.#bulkProtocolId,
      handlers: () => this.#handlers,
      disconnect: (peerId, reason) => this.disconnect(peerId, reason),
    })
    this.#streams = new PeerStreams({
      ...shared,
      protocolId: this.#protocolId,
      admission: this.#admission,
      handlers: () => (this.#stopping ? undefined : this.#handlers),
      message: (stream, round, message) => this.#delivery.received(stream, round, message),
      cut: (connection, reason) => {
        // On somebody else's libp2p others may go on using it.
        if (init.host === undefined) connection.abort(new Error(reason))
      },
      refused: (peerId, reason) => this.#connector.refused(peerId, reason),
    })
    this.#connector = new Connector({
      self: this.peerId,
      given: init.peers,
      known: init.known ?? [],
      logger: init.logger,
      dial: (addresses, signal) => this.#started().dial(addresses, { signal }),
      open: (connection, signal) => this.#streams.open(connection, signal),
      connectedCount: () => this.#table.size,
      hearsayDialled: (count) => (this.counters.hearsayDials += count),
      isVoter: (peerId) => this.#handlers?.isVoter?.(peerId) ?? false,
      isRemoved: (peerId) => this.#handlers?.isRemoved?.(peerId) ?? false,
    })
    this.#spare = new SpareConnections({
      self: this.peerId,
      connections: () => this.#libp2p?.getConnections() ?? [],
      inUse: (peerId) => this.#table.current(peerId),
      leave: (connection) => this.#delivery.leave(connection),
    })
  }

  /**
   * Listens, and begins to look for peers. Handlers may be called before this returns.
   *
   * @throws ListenError when an address of `listen` cannot be listened on.
   */
  async start(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers
    const { host } = this.#init
    if (host === undefined) await this.#listen()
    else await this.#join(host)
    this.#connector.start()
  }

  async #listen(): Promise<void> {
    const { logger, discovery } = this.#init
    const { libp2p, ports } = await listen({
      listen: this.#init.listen,
      ports: this.#init.listenPorts ?? {},
      create: (addresses) => this.#create(addresses),
      warn: (text) => logger.warn(text),
    })
    this.#libp2p = libp2p
    this.#host = libp2p
    this.#listenPorts = ports
    // Whoever came while the rest was being started.
    for (const { connection } of this.#table.streams()) this.#identify(connection)
    this.#gate.start(libp2p)
    this.#spare.start()
    discovery?.start(libp2p, {
      found: (peerId, addresses, isOfOwnCluster) => this.#found(peerId as PeerId, addresses, isOfOwnCluster),
      isConnected: (peerId) => this.#table.has(peerId as PeerId),
    })
  }

  /** On somebody else's libp2p: whoever speaks our protocol there is one of us to greet. */
  async #join(host: ForeignHost): Promise<void> {
    this.#host = host
    await this.#handle(host)
    this.#topologyId = await host.register(this.#protocolId, {
      onConnect: (peerId, { remoteAddr }) => this.#found(peerId.toString() as PeerId, [remoteAddr.toString()], true),
    })
  }

  async #leave(host: ForeignHost): Promise<void> {
    if (this.#topologyId !== undefined) host.unregister(this.#topologyId)
    await Promise.all([this.#protocolId, this.#bulkProtocolId].map((protocol) => host.unhandle(protocol)))
    await delay(STOP_FLUSH_MS)
    this.#streams.abort('this peer stops')
  }

  /** Lets the last frames leave, then closes everything. Takes less than two seconds. */
  async stop(): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    this.#connector.stop()
    this.#spare.stop()
    this.#gate.stop()
    this.#staleProofs.stop()
    this.#init.discovery?.stop()
    this.#delivery.stop()
    this.#streams.retire()
    if (this.#init.host !== undefined) return this.#leave(this.#init.host)
    const signal = AbortSignal.timeout(STOP_FLUSH_MS)
    const closing = (this.#libp2p?.getConnections() ?? []).map((connection) =>
      connection.close({ signal }).catch((error: unknown) => connection.abort(error instanceof Error ? error : new Error(String(error)))),
    )
    await Promise.all(closing)
    this.#streams.abort('this peer stops')
    await this.#libp2p?.stop()
  }

  send(to: PeerId, message: Message): void {
    this.#delivery.send(to, message)
  }

  disconnect(peerId: PeerId, reason: string): void {
    const connections = this.#libp2p?.getConnections().filter((connection) => connection.remotePeer.toString() === peerId) ?? []
    this.#table.drop(peerId, reason)
    for (const connection of connections) connection.abort(new Error(reason))
  }

  meet(peerId: PeerId, addresses: readonly string[], wanted = false): void {
    if (!this.#table.has(peerId)) this.#connector.heard(peerId, addresses, wanted, true)
  }

  addresses(): readonly string[] {
    const addresses = this.#host?.getMultiaddrs().map((address) => address.toString()) ?? []
    return addresses.sort((a, b) => Number(isLoopback(b)) - Number(isLoopback(a))).slice(0, ADDRESSES_MAX)
  }

  /** Ports chosen freely, for `listenPorts` of the next run. */
  listenPorts(): ListenPorts {
    return this.#listenPorts
  }

  /**
   * True when no other machine can reach this peer, though nobody told it to listen on loopback
   * alone.
   */
  isOnLoopbackAlone(): boolean {
    const { listen: named, announce } = this.#init
    const isMeant = this.#init.host !== undefined || announce.length > 0 || (named.length > 0 && named.every(isLoopback))
    return !isMeant && this.addresses().every(isLoopback)
  }

  /** Peers worth keeping on disk, for `known` of the next run. */
  knownPeers(): RememberedPeer[] {
    return this.#connector.members()
  }

  /** Why a peer could not be reached the last time, in a few words; undefined when it could. */
  failure(peerId: PeerId): string | undefined {
    return this.#connector.failure(peerId)
  }

  /** Bytes waiting to leave, to all peers. */
  waitingBytes(): number {
    return this.#streams.waitingBytes + this.#delivery.waitingBytes
  }

  /** libp2p connections open now, to members and strangers. */
  connectionCount(): number {
    return this.#host?.getConnections().length ?? 0
  }

  /** The DHT or the local network speaks of a peer; anybody may have said so. */
  #found(peerId: PeerId, addresses: readonly string[], isOfOwnCluster: boolean): void {
    if (!this.#table.has(peerId)) this.#connector.heard(peerId, addresses, isOfOwnCluster)
  }

  /** Connections on which nobody has proved to be a member yet. */
  unprovedCount(): number {
    return this.#gate.doors.unproved().length
  }

  /** What an operator should know of those who come. */
  warnings(): string[] {
    const pressure = this.#gate.doors.pressure(performance.now())
    return pressure === undefined ? [] : [pressure]
  }

  /** True when only those who know a secret are members. */
  get isClosed(): boolean {
    return this.#admission.isClosed
  }

  /**
   * Has other secrets hold from now on. Peers proved by one that is gone are disconnected one by
   * one, and prove themselves anew.
   */
  useSecrets(secrets: Secrets): void {
    this.#admission.secrets = secrets
    this.#staleProofs.begin()
  }

  /** Has others be admitted from now on; those connected and not among them are disconnected. */
  useAdmitted(admitted: ReadonlySet<PeerId> | undefined): void {
    this.#admission.admitted = admitted
    for (const stream of this.#table.streams()) {
      if (!this.#admission.isNamed(stream.peerId)) this.disconnect(stream.peerId, NOT_ADMITTED)
    }
  }

  /** What the secrets in force are told by, in their order. */
  secretFingerprints(): string[] {
    return this.#admission.secrets.map(fingerprintOf)
  }

  /** Which secret each connected peer has proved to know. */
  provedBy(): Map<PeerId, string> {
    return new Map(this.#table.streams().map((stream) => [stream.peerId, stream.provedFingerprint ?? '']))
  }

  /**
   * True while the peer is connected and has proved itself: what it asks on any connection is asked
   * by a member.
   */
  isProved(peerId: PeerId): boolean {
    return this.#table.has(peerId)
  }

  #started(): Host {
    if (this.#host === undefined) throw new Error('the network is not started')
    return this.#host
  }

  async #create(addresses: readonly string[]): Promise<Libp2pPeer> {
    const { localDiscovery, discovery } = this.#init
    assert(discovery !== undefined, 'a libp2p of its own has ways to find peers')
    const found = (peerId: string, told: readonly string[]): void => this.#found(peerId as PeerId, told, false)
    const libp2p = await createLibp2pPeer({
      peerDiscovery: localDiscovery === undefined ? [] : [localDiscovery(found)],
      privateKey: this.#privateKey,
      listen: addresses,
      announce: this.#init.announce,
      dht: discovery.service({ isTrusted: (peerId) => !this.isClosed || this.isProved(peerId as PeerId) }),
      isTold: (peerId) => this.#admission.isOpen || this.isProved(peerId as PeerId),
      isDialled: (peerId) => this.#admission.isNamed(peerId as PeerId) && this.#connector.isDialled(peerId as PeerId),
      gater: this.#gate.gater,
    })
    await this.#handle(libp2p)
    return libp2p
  }

  async #handle(host: Host): Promise<void> {
    const bounds = { maxInboundStreams: STREAMS_MAX, maxOutboundStreams: STREAMS_MAX }
    await host.handle(this.#protocolId, (stream, connection) => this.#streams.accept(stream, connection), bounds)
    await host.handle(
      this.#bulkProtocolId,
      (stream, connection) => this.#delivery.accept(stream, this.#streams.provenOn(connection)),
      bounds,
    )
  }

  #connected(remote: Greeting): void {
    const { peerId } = remote.identity
    const current = this.#table.current(peerId)
    const connection = current?.connection
    const dialled = connection?.direction === 'outbound' ? connection.remoteAddr.toString() : undefined
    this.#connector.connected(peerId, remote.addresses, dialled)
    this.#gate.memberAt(remote.addresses)
    if (connection !== undefined) {
      this.#gate.memberOn(connection)
      this.#identify(connection)
      this.#init.events?.admitted?.(remote, connection.remoteAddr.toString(), current?.provedFingerprint ?? '')
    }
    this.#init.logger.debug({ peerId, clusterId: remote.clusterId }, 'connected')
    this.#handlers?.connected(remote)
    this.#init.events?.knownChanged?.()
  }

  /** Where there is a secret, only a member is told what the DHT needs to know. */
  #identify(connection: Connection): void {
    if (this.#admission.isOpen) return
    this.#libp2p?.services.identify.identify(connection).catch((error: unknown) => {
      this.#init.logger.debug({ peerId: connection.remotePeer.toString(), error: String(error) }, 'a member does not say what it speaks')
    })
  }

  #disconnected(peerId: PeerId, reason: string): void {
    this.#delivery.drop(peerId, reason)
    this.#gate.lost(peerId)
    this.#connector.disconnected(peerId)
    this.#init.logger.debug({ peerId, reason }, 'disconnected')
    this.#handlers?.disconnected(peerId, reason)
  }
}
