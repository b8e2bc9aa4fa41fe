/** What this peer knows of another: what that one said of itself, and when it was last heard. */
import { CEILING_NONE } from '../base/ballot.ts'
import type { Ceiling } from '../base/ballot.ts'
import type { ClusterId, Identity, PeerId } from '../base/identity.ts'
import { preferenceOf } from '../base/preference.ts'
import type { PeerState } from '../effects.ts'
import type { Greeting } from '../wire/greeting.ts'
import type { Health } from '../wire/membership-messages.ts'

/** Every silence that is judged leaves this much for a round trip. */
const ROUND_TRIP_LEFT_MS = 500
/** A far peer has this many round trips: the delay of a link varies. */
const PATIENCE_ROUND_TRIPS = 2
/** Weight of the newest round trip in the running mean. */
const RTT_WEIGHT = 0.25
/** Round trips that are remembered of each peer. */
const ROUND_TRIPS_KEPT = 5

/** A peer as this one knows it. */
export interface RosterPeer {
  readonly peerId: PeerId
  identity: Identity
  readonly clusterId: ClusterId
  addresses: readonly string[]
  minPeers: number
  /** The highest protocol version that it speaks. */
  protocolMax: number
  isConnected: boolean
  state: PeerState
  /** Why it is in this state, in words. */
  reason: string
  /** The running mean of its round trips. */
  rttMs: number | undefined
  /** The last few round trips, the newest last. */
  roundTripsMs: readonly number[]
  /**
   * The middle one of them, so that one that met a pause does not count; undefined before there are
   * any.
   */
  usualRoundTripMs: number | undefined
  lastHeardMs: number
  /** When it last answered a heartbeat. */
  lastAnsweredMs: number
  /** When its connection was lost, if it was. */
  lostAtMs: number
  /**
   * Asked every second, and expected to be heard, from this time on; undefined: asked rarely, and
   * looked after by its neighbours.
   */
  watchedFromMs: number | undefined
  /** When another peer last told that it is silent. */
  doubtedAtMs: number
  /**
   * Of two peers that are equally near, the lower is chosen; different at each peer that chooses.
   */
  preference: number
  health: Health | undefined
  /**
   * What it told in answer to a question of this run, and so no sooner than this peer started: what
   * it said to an earlier run may come late.
   */
  answeredHealth: Health | undefined
  /** The highest ceiling it told for its present incarnation. */
  ceiling: Ceiling
  /**
   * Its first heartbeat since it was met has come; a greeting may be older than a heartbeat of an
   * earlier connection.
   */
  hasBeaten: boolean
  /** When its last heartbeat came. */
  beatAtMs: number
}

/** A peer that has just greeted. @param before the same peer as it was known until now */
export function greetedPeer(self: PeerId, remote: Greeting, before: RosterPeer | undefined, nowMs: number): RosterPeer {
  const { peerId } = remote.identity
  return {
    peerId,
    identity: remote.identity,
    clusterId: remote.clusterId,
    addresses: remote.addresses,
    minPeers: remote.minPeers,
    protocolMax: remote.protocolMax,
    isConnected: true,
    state: 'alive',
    reason: 'connected',
    rttMs: before?.rttMs,
    roundTripsMs: before?.roundTripsMs ?? [],
    usualRoundTripMs: before?.usualRoundTripMs,
    lastHeardMs: nowMs,
    lastAnsweredMs: Number.NEGATIVE_INFINITY,
    lostAtMs: nowMs,
    watchedFromMs: undefined,
    doubtedAtMs: Number.NEGATIVE_INFINITY,
    preference: preferenceOf(self, peerId),
    health: undefined,
    answeredHealth: undefined,
    ceiling: before?.identity.id === remote.identity.id ? before.ceiling : CEILING_NONE,
    hasBeaten: false,
    beatAtMs: Number.NEGATIVE_INFINITY,
  }
}

/**
 * A heartbeat was answered. The middle is found here, because heartbeats are few and each question
 * to voters asks for it.
 */
export function onRoundTrip(peer: RosterPeer, roundTripMs: number): void {
  peer.rttMs = peer.rttMs === undefined ? roundTripMs : peer.rttMs + (roundTripMs - peer.rttMs) * RTT_WEIGHT
  peer.roundTripsMs = [...peer.roundTripsMs, roundTripMs].slice(-ROUND_TRIPS_KEPT)
  peer.usualRoundTripMs = peer.roundTripsMs.toSorted((a, b) => a - b)[Math.floor((peer.roundTripsMs.length - 1) / 2)]
}

/** How much longer than a near peer it may be silent before anything is made of it. */
export function patienceMs(peer: RosterPeer): number {
  return Math.max(0, PATIENCE_ROUND_TRIPS * (peer.usualRoundTripMs ?? 0) - ROUND_TRIP_LEFT_MS)
}
