/**
 * Keeps connections: dials the peers that `known-peers.ts` says are due, and the addresses of the
 * command line until it is known who lives there. libp2p's own redialling is off, because it gives
 * up.
 *
 * It alone decides who is dialled: libp2p's other parts would dial whoever they were told of.
 */
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import type { Logger } from 'pino'
import type { PeerId } from '../../protocols/base/identity.ts'
import { CONNECTED_PEERS_MAX } from '../../protocols/membership/roster.ts'
import { ADDRESSES_MAX } from '../../protocols/base/limits.ts'
import { peerIdOfAddress } from './addresses.ts'
import { KnownPeers } from './known-peers.ts'
import type { RememberedPeer } from './known-peers.ts'
import { peerFoundInstead, reasonOf } from './reasons.ts'
import { backoffMs, patienceAfter } from './retrying.ts'
import type { Patience } from './retrying.ts'

/**
 * Dials under way at once: each costs some 35 ms of CPU at both ends, and a joining peer has other
 * things to do.
 */
const DIALS_MAX = 16

export interface ConnectorInit {
  readonly self: PeerId
  /** Multiaddrs named on the command line, with or without a peer id. */
  readonly given: readonly string[]
  readonly known: readonly RememberedPeer[]
  readonly logger: Logger
  /** Dials a peer at these addresses, or returns the connection that is there. */
  readonly dial: (addresses: Multiaddr[], signal: AbortSignal) => Promise<Connection>
  /** Makes sure that a stream is being opened on the connection. */
  readonly open: (connection: Connection, signal: AbortSignal) => Promise<void>
  readonly connectedCount: () => number
  /** So many addresses are dialled because others spoke of them. */
  readonly hearsayDialled: (count: number) => void
  /** Asked when there are connections enough, and before it is forgotten. */
  readonly isVoter: (peerId: PeerId) => boolean
  /** It was removed from the network: not worth remembering once it is gone. */
  readonly isRemoved: (peerId: PeerId) => boolean
}

/** An address whose peer id is not known yet. */
interface Nameless {
  readonly address: string
  failures: number
  nextDialAtMs: number
}

export class Connector {
  readonly #init: ConnectorInit
  readonly #known: KnownPeers
  readonly #stopping = new AbortController()
  readonly #dialled = new Set<PeerId>()
  #nameless: Nameless[] = []
  #dialsUnderWay = 0
  #timer: NodeJS.Timeout | undefined
  #timerAtMs = Number.POSITIVE_INFINITY
  #running = false

  constructor(init: ConnectorInit) {
    this.#init = init
    this.#known = new KnownPeers(init.self, Math.random)
    this.#known.isKept = (peerId) => {
      if (init.isVoter(peerId)) return 'always'
      return init.isRemoved(peerId) ? 'never' : 'for a time'
    }
    const nowMs = performance.now()
    for (const peer of init.known) this.#known.learn(peer.peerId, peer.addresses.filter(isMultiaddr), 'member', nowMs)
    // After what is remembered, for the newest address is tried first: whoever names one knows
    // better.
    for (const address of init.given) this.#give(address, nowMs)
  }

  start(): void {
    this.#running = true
    this.#schedule()
  }

  stop(): void {
    this.#running = false
    this.#stopping.abort()
    clearTimeout(this.#timer)
  }

  /**
   * A peer was heard of at these addresses. They may be anything: each is read when it is dialled,
   * because whoever tells of many peers at once must not have all their addresses read in one turn.
   *
   * @param isWanted dialled however many are connected
   * @param isVouched a member says so
   */
  heard(peerId: PeerId, addresses: readonly string[], isWanted: boolean, isVouched = false): void {
    const told = addresses.slice(0, ADDRESSES_MAX)
    if (this.#known.learn(peerId, told, 'heard', performance.now(), isWanted, isVouched)) this.#schedule()
  }

  /** The greeting is done. `dialled`: the address it was dialled at, if it was. */
  connected(peerId: PeerId, addresses: readonly string[], dialled: string | undefined): void {
    this.#known.connected(peerId, addresses.filter(isMultiaddr), dialled, performance.now())
  }

  disconnected(peerId: PeerId): void {
    this.#known.disconnected(peerId, performance.now())
    this.#schedule()
  }

  refused(peerId: PeerId, reason: string): void {
    this.#known.refused(peerId, reason, performance.now())
    this.#schedule()
  }

  /** True while this dials the peer. Nobody else dials anybody. */
  isDialled(peerId: PeerId): boolean {
    return this.#dialled.has(peerId)
  }

  /** Why a peer could not be reached the last time, in a few words; undefined when it could. */
  failure(peerId: PeerId): string | undefined {
    return this.#known.failure(peerId)
  }

  /** Those worth keeping on disk. */
  members(): RememberedPeer[] {
    return this.#known.members()
  }

  #give(address: string, nowMs: number): void {
    const peerId = peerIdOfAddress(address)
    if (peerId === this.#init.self) return
    if (peerId === undefined) this.#nameless.push({ address, failures: 0, nextDialAtMs: nowMs })
    else this.#known.learn(peerId, [address], 'given', nowMs)
  }

  #schedule(): void {
    if (!this.#running || this.#dialsUnderWay >= DIALS_MAX) return
    const atMs = this.#nameless.reduce((next, { nextDialAtMs }) => Math.min(next, nextDialAtMs), this.#known.nextDialAtMs())
    if (atMs === this.#timerAtMs) return
    clearTimeout(this.#timer)
    this.#timerAtMs = atMs
    if (atMs === Number.POSITIVE_INFINITY) return
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, atMs - performance.now()))
  }

  #tick(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY
    const nowMs = performance.now()
    for (const nameless of this.#nameless) {
      if (nameless.nextDialAtMs > nowMs || this.#dialsUnderWay >= DIALS_MAX) continue
      nameless.nextDialAtMs = Number.POSITIVE_INFINITY
      void this.#dialNameless(nameless)
    }
    for (const peerId of this.#known.due(nowMs)) {
      if (this.#dialsUnderWay >= DIALS_MAX) break
      if (this.#isOneTooMany(peerId)) {
        this.#known.postponed(peerId, nowMs)
        continue
      }
      if (this.#dialled.has(peerId)) {
        this.#known.postponed(peerId, nowMs)
        continue
      }
      const { addresses, hearsayCount, failures } = this.#known.dialling(peerId, nowMs)
      this.#init.hearsayDialled(hearsayCount)
      if (addresses.length > 0) void this.#dialPeer(peerId, addresses, patienceAfter(failures))
    }
    this.#schedule()
  }

  /**
   * Peers merely heard of are dialled while few are connected; members, wanted peers, voters and
   * named ones whatever their number.
   */
  #isOneTooMany(peerId: PeerId): boolean {
    const { connectedCount, isVoter } = this.#init
    return connectedCount() >= CONNECTED_PEERS_MAX && this.#known.isOptional(peerId) && !isVoter(peerId)
  }

  async #dialPeer(peerId: PeerId, addresses: readonly string[], patience: Patience): Promise<void> {
    let reason: string | undefined
    this.#dialled.add(peerId)
    await this.#dialling(
      patience,
      (signal) => this.#dialInTurn(peerId, addresses, patience, signal),
      (error) => {
        reason = reasonOf(error)
        this.#unreached(this.#isNews(peerId, reason), { peerId, reason, error: error.message })
      },
    )
    this.#dialled.delete(peerId)
    // Connected, the time of the next try is not looked at; lost meanwhile, it is set anew.
    this.#known.tried(peerId, reason, performance.now())
    this.#schedule()
  }

  /**
   * Tries one address after another. Where another peer answers, it is greeted instead: it may be
   * one of ours.
   */
  async #dialInTurn(peerId: PeerId, addresses: readonly string[], { addressMs }: Patience, signal: AbortSignal): Promise<Connection> {
    const errors: unknown[] = []
    for (const address of addresses) {
      const target = parsed(`${address}/p2p/${peerId}`)
      if (target === undefined) {
        errors.push(new Error('no multiaddr'))
        continue
      }
      try {
        return await this.#init.dial([target], AbortSignal.any([signal, AbortSignal.timeout(addressMs)]))
      } catch (error) {
        errors.push(error)
        if (signal.aborted) break
        const found = peerFoundInstead(error)
        if (found !== undefined) await this.#foundInstead(peerId, address, found, signal)
      }
    }
    throw errors.length === 1 ? errors[0] : new AggregateError(errors, 'no address of the peer answers')
  }

  /**
   * Another peer has the address of one that was looked for: machines whose addresses rotate meet
   * like that.
   */
  async #foundInstead(sought: PeerId, address: string, found: PeerId, signal: AbortSignal): Promise<void> {
    if (found === this.#init.self || this.#known.isConnected(found)) {
      this.#known.isElsewhere(sought, address)
      return
    }
    // Whoever names a peer by its id wants that peer. And whoever is there because others said so
    // is not looked for: what they say counts for the peer they named.
    const isRemembered = this.#known.origin(sought) === 'member' && this.#known.isProved(sought, address)
    if (this.#dialled.has(found) || !isRemembered) return
    this.#dialled.add(found)
    try {
      const connection = await this.#init.dial([multiaddr(address).encapsulate(`/p2p/${found}`)], signal)
      await this.#init.open(connection, signal)
    } catch (error) {
      this.#init.logger.debug({ peerId: found, address, error: String(error) }, 'another peer answers where one was looked for')
    } finally {
      this.#dialled.delete(found)
    }
  }

  async #dialNameless(nameless: Nameless): Promise<void> {
    const { address } = nameless
    const connection = await this.#dialling(
      patienceAfter(nameless.failures),
      (signal) => this.#init.dial([multiaddr(address)], signal),
      (error) => {
        if (error.message.includes('dial self')) this.#nameless = this.#nameless.filter((other) => other !== nameless)
        this.#unreached(nameless.failures === 0, { address, reason: reasonOf(error), error: error.message })
      },
    )
    if (connection !== undefined) {
      // From now on it is a peer like any other named one.
      this.#nameless = this.#nameless.filter((other) => other !== nameless)
      this.#known.learn(connection.remotePeer.toString() as PeerId, [address], 'given', performance.now())
    } else {
      nameless.failures += 1
      nameless.nextDialAtMs = performance.now() + backoffMs(nameless.failures, Math.random)
    }
    this.#schedule()
  }

  /**
   * True when one that was named, or was a member, cannot be reached for another reason than the
   * last time.
   */
  #isNews(peerId: PeerId, reason: string): boolean {
    return this.#known.origin(peerId) !== 'heard' && this.#known.failure(peerId) !== reason
  }

  #unreached(isNews: boolean, fields: object): void {
    if (isNews) this.#init.logger.info(fields, 'could not reach a peer; going on trying')
    else this.#init.logger.debug(fields, 'could not reach a peer')
  }

  /** Dials, and has a stream opened. */
  async #dialling(
    { dialMs }: Patience,
    dial: (signal: AbortSignal) => Promise<Connection>,
    failed: (error: Error) => void,
  ): Promise<Connection | undefined> {
    this.#dialsUnderWay += 1
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(dialMs)])
    try {
      const connection = await dial(signal)
      await this.#init.open(connection, signal)
      return connection
    } catch (error) {
      if (this.#running) failed(error instanceof Error ? error : new Error(String(error)))
      return undefined
    } finally {
      this.#dialsUnderWay -= 1
    }
  }
}

/** Addresses told by others may be anything. */
function isMultiaddr(text: string): boolean {
  return parsed(text) !== undefined
}

function parsed(text: string): Multiaddr | undefined {
  try {
    return multiaddr(text)
  } catch {
    return undefined
  }
}
