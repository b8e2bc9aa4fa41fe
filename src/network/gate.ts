/**
 * Has libp2p ask the doors: which connections are let in, and for how long. What is decided and why
 * is in `doors.ts`.
 */
import { networkInterfaces } from 'node:os'
import type { Connection, ConnectionGater, MultiaddrConnection } from '@libp2p/interface'
import type { PeerId } from '../../protocols/base/identity.ts'
import { Doors } from './doors.ts'
import type { DoorsInit, Visitor } from './doors.ts'
import { isLoopback, withoutPeerId } from './addresses.ts'
import type { Libp2pPeer } from './libp2p-peer.ts'
import { sourceOf } from './sources.ts'

/**
 * Between looks at how long connections have stood; nobody looks while there are none, so that an
 * idle peer sleeps.
 */
const LOOK_MS = 250

export interface GateInit extends Omit<DoorsInit, 'isOwnSource' | 'addressInUse'> {
  /** The connection that is used for a peer. */
  readonly inUse: (peerId: PeerId) => Connection | undefined
  /**
   * True when strangers have no business with this peer, so that those we have dialled are cut too.
   */
  readonly isClosed: () => boolean
}

export class Gate {
  readonly doors: Doors
  readonly gater: Pick<ConnectionGater, 'denyInboundConnection' | 'denyInboundEncryptedConnection'> = {
    denyInboundConnection: (connection) => !this.#accepted(connection),
    denyInboundEncryptedConnection: (peerId, connection) => {
      const visitor = this.#accepts.get(connection)
      if (visitor !== undefined) this.doors.named(visitor, peerId.toString() as PeerId, performance.now())
      return false
    },
  }
  readonly #init: GateInit
  readonly #accepts = new WeakMap<MultiaddrConnection, Visitor>()
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(init: GateInit) {
    this.#init = init
    const addressInUse = (peerId: PeerId): string | undefined => {
      const connection = init.inUse(peerId)
      return connection === undefined ? undefined : addressOf(connection)
    }
    this.doors = new Doors({ isProved: init.isProved, turnedAway: init.turnedAway, isOwnSource, addressInUse })
  }

  start(libp2p: Libp2pPeer): void {
    libp2p.addEventListener('connection:open', ({ detail }) => this.#opened(detail))
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  /** The stream by which a peer was proved has ended. */
  lost(peerId: PeerId): void {
    this.doors.lost(peerId, performance.now())
    this.#lookSoon()
  }

  /**
   * A member told that it is at these addresses. That it is on a machine of its own says nothing of
   * this one.
   */
  memberAt(addresses: readonly string[]): void {
    this.doors.memberAt(addresses.filter((address) => !isLoopback(address)).map(sourceOf))
  }

  /** A member is at the other end of the connection. */
  memberOn(connection: Connection): void {
    this.doors.memberAt([sourceOf(connection.remoteAddr.toString())])
  }

  #accepted(connection: MultiaddrConnection): boolean {
    const address = addressOf(connection)
    const cut = (reason: string): void => connection.abort(new Error(reason))
    const visitor: Visitor = { address, source: sourceOf(address), peerId: undefined, sinceMs: performance.now(), cut }
    if (!this.doors.enter(visitor, visitor.sinceMs)) return false
    this.#accepts.set(connection, visitor)
    this.#lookSoon()
    connection.addEventListener('close', () => this.doors.left(visitor))
    return true
  }

  #opened(connection: Connection): void {
    if (connection.direction === 'inbound' || !this.#init.isClosed()) return
    const visitor: Visitor = {
      address: addressOf(connection),
      source: undefined,
      peerId: connection.remotePeer.toString() as PeerId,
      sinceMs: performance.now(),
      cut: (reason) => connection.abort(new Error(reason)),
    }
    this.doors.dialled(visitor)
    this.#lookSoon()
    connection.addEventListener('close', () => this.doors.left(visitor))
  }

  #lookSoon(): void {
    if (this.#isStopped || this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.doors.look(performance.now(), LOOK_MS)
      if (this.doors.unproved().length > 0) this.#lookSoon()
    }, LOOK_MS)
  }
}

function addressOf({ remoteAddr }: Pick<Connection, 'remoteAddr'>): string {
  return withoutPeerId(remoteAddr.toString())
}

/**
 * Where this machine is itself: peers beside this one come from there. Of IPv6 a network has one
 * source, so it does not count.
 */
function isOwnSource(source: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return own.some(
    ({ address, family, internal }) => (family === 'IPv4' || internal) && sourceOf(`/ip${family === 'IPv4' ? 4 : 6}/${address}`) === source,
  )
}
