/**
 * Which stream is used for which peer. Any number of connections may exist between two peers, for
 * both may dial at once; exactly one stream is used, and both ends choose the same one. Whoever
 * uses the table hears of a peer once when it comes and once when it goes.
 */
import type { PeerId } from '../../protocols/base/identity.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import type { PeerStream } from './peer-stream.ts'

/**
 * Two streams proven within this time of each other are a pair opened at once, and the one opened
 * by the lower peer id stays. A stream that comes later shows that the other end has lost the older
 * one, and takes its place. As long as a greeting may take.
 */
export const SIMULTANEOUS_MS = 10_000

export interface PeerTableEvents {
  connected(remote: Greeting): void
  disconnected(peerId: PeerId, reason: string): void
}

interface Entry {
  current: PeerStream
  /** No longer written to, but still read until the other end has emptied them. */
  readonly retiring: Set<PeerStream>
}

export class PeerTable {
  readonly #events: PeerTableEvents
  readonly #entries = new Map<PeerId, Entry>()

  constructor(events: PeerTableEvents) {
    this.#events = events
  }

  /** How many peers are connected. */
  get size(): number {
    return this.#entries.size
  }

  has(peerId: PeerId): boolean {
    return this.#entries.has(peerId)
  }

  /** The stream to write to. */
  current(peerId: PeerId): PeerStream | undefined {
    return this.#entries.get(peerId)?.current
  }

  /** The streams to write to, of all peers. */
  streams(): PeerStream[] {
    return [...this.#entries.values()].map(({ current }) => current)
  }

  /** Takes a stream whose greeting is done. */
  proven(stream: PeerStream, remote: Greeting): void {
    const entry = this.#entries.get(stream.peerId)
    if (entry === undefined) {
      this.#entries.set(stream.peerId, { current: stream, retiring: new Set() })
      this.#events.connected(remote)
      return
    }
    const fate = fateOf(entry.current, stream)
    if (fate === 'restarted') {
      this.drop(stream.peerId, 'it came back on a new connection')
      this.proven(stream, remote)
      return
    }
    const retired = fate === 'newer stays' ? entry.current : stream
    if (fate === 'newer stays') entry.current = stream
    entry.retiring.add(retired)
    retired.retire()
  }

  /** True when a message of this stream is from the peer as it is known now. */
  isKnown(stream: PeerStream): boolean {
    const entry = this.#entries.get(stream.peerId)
    return entry !== undefined && (entry.current === stream || entry.retiring.has(stream))
  }

  /** A stream has ended. With the one in use the peer goes. */
  closed(stream: PeerStream, reason: string): void {
    const entry = this.#entries.get(stream.peerId)
    if (entry === undefined || entry.retiring.delete(stream) || entry.current !== stream) return
    this.#remove(entry, reason)
  }

  /** Ends all streams of a peer. */
  drop(peerId: PeerId, reason: string): void {
    const entry = this.#entries.get(peerId)
    if (entry !== undefined) this.#remove(entry, reason)
  }

  #remove(entry: Entry, reason: string): void {
    const peerId = entry.current.peerId
    this.#entries.delete(peerId)
    for (const stream of [entry.current, ...entry.retiring]) stream.abort(reason)
    this.#events.disconnected(peerId, reason)
  }
}

/**
 * What becomes of an older and a newer stream to one peer. Both ends, asked at about the same time,
 * say the same.
 */
export function fateOf(older: PeerStream, newer: PeerStream): 'older stays' | 'newer stays' | 'restarted' {
  const same = older.remote?.identity.id === newer.remote?.identity.id
  if (!same || newer.provenAtMs - older.provenAtMs > SIMULTANEOUS_MS) return 'restarted'
  if (older.openedBy === newer.openedBy) return older.openerNonce < newer.openerNonce ? 'older stays' : 'newer stays'
  return older.openedBy < newer.openedBy ? 'older stays' : 'newer stays'
}
