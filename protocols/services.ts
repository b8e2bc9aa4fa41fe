/**
 * The services of a peer, put together. What one needs of another it is given here, and nowhere
 * else.
 */
import { Agreement } from './agreement/agreement.ts'
import type { SpaceOf } from './agreement/space.ts'
import type { Ceiling } from './base/ballot.ts'
import type { Sha256 } from './base/bytes.ts'
import type { ClusterId, Identity, NetworkId, PeerId } from './base/identity.ts'
import type { Moment } from './base/moment.ts'
import type { Quorum } from './base/quorum.ts'
import { isConfigKey } from './base/register.ts'
import type { RegisterKey, Registers } from './base/register.ts'
import type { Tables } from './base/rows.ts'
import { ConfigChain } from './config/chain.ts'
import { Configs } from './config/configs.ts'
import type { TypeDefinition } from './data-type.ts'
import type { ChosenAtStart } from './keys/chosen.ts'
import { KeyCollection } from './keys/collection.ts'
import { Keys } from './keys/keys.ts'
import { Membership } from './membership/membership.ts'
import { Readiness } from './membership/readiness.ts'
import { Roster } from './membership/roster.ts'
import type { Outbox } from './outbox.ts'
import type { PageLimits } from './repair/answers.ts'
import { Repair } from './repair/repair.ts'
import type { Handlers, RequestKind, Requests, Service } from './service.ts'
import { Types, protocolOf } from './types.ts'
import type { Codec } from './wire/codec.ts'
import type { Health } from './wire/membership-messages.ts'
import type { Message } from './wire/messages.ts'

/** Numbers of questions begin at random below this, and stay below 2^53. */
const FIRST_ID_MAX = 2 ** 52

export interface PeerInit {
  readonly identity: Identity
  readonly clusterId: ClusterId
  /** Peers that the cluster needs before it votes. */
  readonly minPeers: number
  /**
   * A voter that was silent for so long gives its place to a learner of its cluster; undefined for
   * never.
   */
  readonly replaceAfterMs: number | undefined
  /** Join or reopen this network only; undefined for any. */
  readonly wantedNetwork: NetworkId | undefined
  readonly registers: Registers
  /** Of further types; left out where there are none. */
  readonly tables?: Tables | undefined
  readonly codec: Codec
  readonly sha256: Sha256
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  /** Milliseconds since 1970, as the machine has it: for types of data that stamp by it. */
  readonly wallMs: () => number
  /** As it was on disk before this opening: what memory forgot is at or below it. */
  readonly floor: Ceiling
  /** As raised for this opening (`raisedAtOpening`), and synced already. */
  readonly ceiling: Ceiling
  /** The newest config in the store, -1 for none. */
  readonly newestEpoch: number
  readonly chosen: Iterable<ChosenAtStart>
  readonly inDoubt: Iterable<RegisterKey>
  /** Keys with two chosen records, as persisted. */
  readonly diverged: Iterable<RegisterKey>
  /**
   * What tells the token file in force from others, 16 hexadecimal digits; undefined without one.
   * Others are told, and nothing is decided by it.
   */
  readonly tokens: () => string | undefined
  /**
   * Puts of this peer may begin with an offer, in one long round trip; left out for the two phases
   * alone. Others' offers are taken in any case.
   */
  readonly areOffersMade?: boolean
  /**
   * Of the answers to pulls; undefined for as much as a message takes. Small ones, so that few keys
   * need several pages.
   */
  readonly pageLimits?: PageLimits | undefined
  /** Types of data beside keys, in the order in which things are handed to them. */
  readonly types?: readonly TypeDefinition[] | undefined
  readonly nowMs: number
}

/**
 * All that a peer is made of. A type of data is added here, in the three functions below, and
 * nowhere else in the core.
 */
export interface Services {
  readonly roster: Roster
  readonly chain: ConfigChain
  readonly readiness: Readiness
  readonly membership: Membership
  readonly agreement: Agreement
  readonly configs: Configs
  readonly keys: Keys
  readonly repair: Repair
  readonly types: Types
}

/**
 * @param registers the store, as it shows what was persisted
 * @param onInstalled configs were installed; all services are to be told. Its argument is the
 * quorum that was in force until now
 */
export function createServices(
  init: PeerInit,
  moment: Moment,
  registers: Registers & Tables,
  outbox: Outbox,
  onInstalled: (before: Quorum | undefined) => void,
): Services {
  const { identity: self, clusterId, minPeers, replaceAfterMs, codec, sha256, random, wallMs, types: definitions = [] } = init
  // An answer to a question of an earlier run of this peer must not pass for one of this run's.
  let lastId = Math.floor(random() * FIRST_ID_MAX)
  const nextId = (): number => (lastId += 1)
  const chain = new ConfigChain(codec, registers, outbox, init.newestEpoch, init.wantedNetwork)
  const roster = new Roster(self.peerId, clusterId, moment, outbox)
  const shared = { self, clusterId, minPeers, moment, outbox, registers, codec, nextId, random, chain, roster }

  const isCaughtUp = (): boolean => repair.caughtUp
  const spaceOf: SpaceOf = (key) => (isConfigKey(key) ? configs.space : keys.space)
  const readiness = new Readiness({ ...shared, isCaughtUp, apart: () => membership.apart })
  const agreement: Agreement = new Agreement({
    ...shared,
    ceiling: init.ceiling,
    floor: init.floor,
    inDoubt: init.inDoubt,
    spaceOf,
    areOffersMade: init.areOffersMade ?? false,
    isTooOld: () => configs.isTooOld,
    configsSince: (epoch) => chain.since(epoch),
    onLaterEpoch: (peerId, later) => configs.onLaterEpoch(peerId, later),
    onHeldByQuorum: (key, record, ballot) => keys.tellAll(key, record, ballot),
  })
  const configs: Configs = new Configs({
    ...shared,
    agreement,
    replaceAfterMs,
    isCaughtUp,
    missing: () => readiness.missing(),
    protocolMax: protocolOf(definitions),
    onInstalled,
  })
  const keys: Keys = new Keys({
    ...shared,
    sha256,
    neighbours: roster,
    agreement,
    readiness,
    chosenAtStart: init.chosen,
    diverged: init.diverged,
    onHidden: (key, value) => types.onHidden(key, value),
    learn: (key, record) => spaceOf(key).learn(key, record),
  })
  const types: Types = new Types(definitions, {
    ...shared,
    wallMs,
    sha256,
    agreement,
    readiness,
    floor: init.floor,
    isTooOld: () => configs.isTooOld,
    onLaterEpoch: (peerId, later) => configs.onLaterEpoch(peerId, later),
    tables: registers,
    keys,
    pull: (type, source, ended) => repair.pull(type, source, ended),
  })
  const repair: Repair = new Repair({
    ...shared,
    types: types.repaired,
    collection: new KeyCollection({
      registers,
      chosen: keys.chosen,
      doubts: agreement.doubts,
      finisher: agreement.finisher,
      learn: (key, record) => spaceOf(key).learn(key, record),
    }),
    pageLimits: init.pageLimits,
    roundTripMs: (peerId) => roster.roundTripMs(peerId),
  })
  const health = (to: PeerId): Health => {
    const { tree } = keys.chosen
    const ofTypes = repair.healthOfTypes(to === self.peerId ? Infinity : (roster.get(to)?.protocolMax ?? 0))
    return {
      networkId: chain.current?.config.networkId,
      epoch: chain.epoch,
      ceiling: agreement.rounds.ceiling,
      caughtUp: repair.caughtUp,
      keyCount: tree.keyCount,
      root: tree.rootHash(),
      inDoubtCount: agreement.doubts.size,
      tokens: init.tokens(),
      ...(ofTypes.length > 0 && { types: ofTypes }),
    }
  }
  const membership = new Membership({
    ...shared,
    health,
    isCaughtUp,
    tokens: init.tokens,
    onInstalled: (sender, epoch) => configs.onInstalled(sender, epoch),
    onHeard: () => agreement.rounds.onHeard(),
    onEpoch: (peerId, networkId, epoch) => configs.onEpoch(peerId, networkId, epoch),
  })
  return { roster, chain, readiness, membership, agreement, configs, keys, repair, types }
}

/**
 * All is handed to them in this order, and effects leave in it. It is agreement, membership,
 * repair, configs, then the types of data; what is done for others, finishing and relaying, comes
 * last.
 */
export function inOrder({ agreement, membership, repair, configs, keys, types }: Services): readonly Service[] {
  return [agreement, membership, repair, configs, keys, ...types.all, agreement.finisher, agreement.representative]
}

/** Who handles a message. A kind that nobody handles does not compile. */
export function handlersOf({ agreement, membership, repair, configs, keys, types }: Services): Handlers<Message['kind']> {
  return {
    ...agreement.handles,
    ...membership.handles,
    ...repair.handles,
    ...configs.handles,
    ...keys.handles,
    ...types.handles,
  }
}

/** Who handles a client's request; complete as messages are. */
export function requestsOf({ configs, keys, types }: Services): Requests<RequestKind> {
  return { ...configs.requests, ...keys.requests, ...types.requests }
}

/** How much is under way. */
export interface Load {
  readonly puts: number
  readonly gets: number
  readonly runs: number
  readonly polls: number
  readonly relays: number
  readonly promises: number
  /** Of further types, by name of the type and of what is under way. */
  readonly [ofType: `${string}: ${string}`]: number
}

export function loadOf({ keys, agreement, types }: Services): Load {
  const { coordinator, polls, representative, acceptor } = agreement
  return {
    puts: keys.puts.size,
    gets: keys.reads.size,
    runs: coordinator.size,
    polls: polls.size,
    relays: representative.size,
    promises: acceptor.promiseCount,
    ...Object.fromEntries(
      [...types.byName].flatMap(([name, { load = {} }]) => Object.entries(load).map(([what, count]) => [`${name}: ${what}`, count])),
    ),
  }
}
