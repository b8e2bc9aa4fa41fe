/**
 * The connections of clients, of all listeners of one server; the bounds are shared by all servers.
 * There is room for so many, and for so many of one client. Where there is none, the one that has been idle the longest makes room; where none
 * is idle, the new one is refused.
 */
import type { Socket } from 'node:net'
import type { Clients } from './clients.ts'
import type { Cuts } from './load-metrics.ts'
import type { Load, Share } from './load.ts'

/** A connection that is let in. */
interface Slot {
  readonly socket: Socket
  readonly share: Share
  /** Read before the first request could come: the handshake of TLS. */
  bytesBefore: number
}

/** Who says when a connection has something to answer. */
export interface Watched {
  onBusy: (() => void) | undefined
  onIdle: (() => void) | undefined
}

interface SocketsInit {
  /** Where an idle connection that made room is counted. */
  readonly cuts: Cuts
  /** Called when another comes and all are taken. */
  readonly full: (() => void) | undefined
}

export class Sockets {
  readonly #load: Load
  readonly #clients: Clients
  readonly #cuts: Cuts
  readonly #full: (() => void) | undefined
  readonly #slots = new Map<Socket, Slot>()
  /** The one that has been idle the longest first, in all and by share. */
  readonly #idle = new Set<Slot>()
  readonly #idleOf = new Map<Share, Set<Slot>>()

  constructor(load: Load, clients: Clients, { cuts, full }: SocketsInit) {
    this.#load = load
    this.#clients = clients
    this.#cuts = cuts
    this.#full = full
  }

  /** Counts a connection until it is closed; false when there is no room for it. */
  admit(socket: Socket): boolean {
    const { share } = this.#clients.ofSocket(socket)
    this.#makeRoom(share)
    if (!this.#load.take('connections', share, 1)) return false
    const slot = { socket, share, bytesBefore: 0 }
    this.#slots.set(socket, slot)
    this.#rest(slot)
    socket.once('close', () => this.#forget(slot))
    return true
  }

  /** Has a connection count as busy while it has requests. @param socket that was admitted */
  watch(connection: Watched, socket: Socket): void {
    const slot = this.#slots.get(socket)
    if (slot === undefined) return
    slot.bytesBefore = socket.bytesRead
    connection.onBusy = () => this.#wake(slot)
    connection.onIdle = () => this.#rest(slot)
  }

  /** Closes those that never sent anything: Node takes them for busy ones. */
  closeSilent(): void {
    for (const { socket, bytesBefore } of this.#slots.values()) if (socket.bytesRead === bytesBefore) socket.destroy()
  }

  #makeRoom(share: Share): void {
    const lack = this.#load.lack('connections', share, 1)
    if (lack === undefined) return
    if (lack === 'all') this.#full?.()
    const [longest] = (lack === 'client' ? this.#idleOf.get(share) : this.#idle) ?? []
    if (longest === undefined) return
    this.#cuts.idle += 1
    this.#forget(longest)
    longest.socket.destroy()
  }

  #rest(slot: Slot): void {
    if (!this.#slots.has(slot.socket)) return
    this.#idle.add(slot)
    const own = this.#idleOf.get(slot.share)
    if (own === undefined) this.#idleOf.set(slot.share, new Set([slot]))
    else own.add(slot)
  }

  #wake(slot: Slot): void {
    this.#idle.delete(slot)
    this.#idleOf.get(slot.share)?.delete(slot)
  }

  #forget(slot: Slot): void {
    if (!this.#slots.delete(slot.socket)) return
    this.#wake(slot)
    if (this.#idleOf.get(slot.share)?.size === 0) this.#idleOf.delete(slot.share)
    this.#load.give('connections', slot.share, 1)
  }
}
