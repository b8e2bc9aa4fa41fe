/** Messages by which peers know who is there. */
import type { Ceiling } from '../base/ballot.ts'
import type { ClusterId, NetworkId, PeerId } from '../base/identity.ts'
import { DOUBTED_MAX, REACHED_MAX, ROSTER_ENTRIES_MAX } from '../base/limits.ts'
import type { ByteReader } from './reader.ts'
import type { ByteWriter } from './writer.ts'
import {
  readAddresses,
  readCeiling,
  readClusterId,
  readFlag,
  readInstalledEpoch,
  readList,
  readNetworkIdIfAny,
  readPeerId,
  writeAddresses,
  writeCeiling,
  writeClusterId,
  writeCount,
  writeFixed,
  writeFlag,
  writeInstalledEpoch,
  writeNetworkIdIfAny,
  writePeerId,
} from './fields.ts'
import { refuse } from './malformed.ts'
import type { MessageRows } from './message-rows.ts'

/**
 * What is known of a peer, passed on so that peers find one another without a search. Soft: nothing
 * is decided by it.
 */
export interface RosterEntry {
  readonly peerId: PeerId
  readonly clusterId: ClusterId
  /** Multiaddrs in text form. */
  readonly addresses: readonly string[]
}

/** What a peer says of itself in a heartbeat. */
export interface Health {
  readonly networkId: NetworkId | undefined
  /** -1 when no config is installed. */
  readonly epoch: number
  readonly ceiling: Ceiling
  /** Complete once since it started: it may become a voter. */
  readonly caughtUp: boolean
  readonly keyCount: number
  /** 16 bytes. */
  readonly root: Uint8Array
  readonly inDoubtCount: number
  /**
   * What tells its token file from others: 16 hexadecimal digits, which are only compared;
   * undefined without a file.
   */
  readonly tokens: string | undefined
  /** What it holds of further types that are repaired; left out when there is none. */
  readonly types?: readonly TypeHealth[]
}

/** What a peer says of the rows of one further type. */
export interface TypeHealth {
  readonly type: number
  readonly rowCount: number
  /** 16 bytes. */
  readonly root: Uint8Array
}

export type MembershipMessage =
  /**
   * `sentAtMs`: the sender's own time. `echoMs`: the receiver's time, from its last heartbeat,
   * moved on by as long as it lay here. `wantsAnswer`: the receiver answers at once, unless it has
   * a heartbeat of its own to send soon. `doubted`: peers of the sender's cluster that have been
   * silent to it for a while; whoever hears of it may ask them itself. `reached`: peers of its
   * cluster, and voters, that the sender hears; undefined when it is as the last heartbeat on this
   * connection said.
   */
  | {
      readonly kind: 'heartbeat'
      readonly sentAtMs: number
      readonly echoMs: number | undefined
      readonly wantsAnswer: boolean
      readonly health: Health
      readonly doubted: readonly PeerId[]
      readonly reached: readonly PeerId[] | undefined
    }
  | { readonly kind: 'roster'; readonly entries: readonly RosterEntry[] }

type Of<Kind extends MembershipMessage['kind']> = Extract<MembershipMessage, { readonly kind: Kind }>

/** Bytes of the root of a hash tree. */
const ROOT_BYTES = 16
/** Further types that a heartbeat tells of at most: as many as have a code. */
const TYPES_MAX = 256
/** Bytes of what tells token files apart. */
const TOKENS_BYTES = 8

export const MEMBERSHIP: MessageRows<MembershipMessage> = {
  heartbeat: { code: 8, way: 'votes', write: writeHeartbeat, read: readHeartbeat },
  roster: {
    code: 10,
    way: 'votes',
    write(writer, { entries }) {
      writeCount(writer, entries.length, ROSTER_ENTRIES_MAX)
      for (const entry of entries) writeRosterEntry(writer, entry)
    },
    read: (reader) => ({ kind: 'roster', entries: readList(reader, ROSTER_ENTRIES_MAX, readRosterEntry) }),
  },
}

function writeHeartbeat(writer: ByteWriter, message: Of<'heartbeat'>): void {
  const { health } = message
  writer.f64(message.sentAtMs)
  writeFlag(writer, message.echoMs !== undefined)
  if (message.echoMs !== undefined) writer.f64(message.echoMs)
  writeFlag(writer, message.wantsAnswer)
  writeNetworkIdIfAny(writer, health.networkId)
  writeInstalledEpoch(writer, health.epoch)
  writeCeiling(writer, health.ceiling)
  writeFlag(writer, health.caughtUp)
  writer.varint(health.keyCount)
  writeFixed(writer, health.root, ROOT_BYTES)
  writer.varint(health.inDoubtCount)
  writeFlag(writer, health.tokens !== undefined)
  if (health.tokens !== undefined) writer.hex(health.tokens)
  writeCount(writer, message.doubted.length, DOUBTED_MAX)
  for (const peerId of message.doubted) writePeerId(writer, peerId)
  writeFlag(writer, message.reached !== undefined)
  if (message.reached !== undefined) {
    writeCount(writer, message.reached.length, REACHED_MAX)
    for (const peerId of message.reached) writePeerId(writer, peerId)
  }
  writeTypes(writer, health.types ?? [])
}

/**
 * What a heartbeat ends with when there are further types: without them it is as it was before
 * there were any.
 */
function writeTypes(writer: ByteWriter, types: readonly TypeHealth[]): void {
  if (types.length === 0) return
  writeCount(writer, types.length, TYPES_MAX)
  for (const { type, rowCount, root } of types) {
    writer.u8(type)
    writer.varint(rowCount)
    writeFixed(writer, root, ROOT_BYTES)
  }
}

function readTypes(reader: ByteReader): TypeHealth[] {
  if (reader.remaining === 0) return []
  const types = readList(reader, TYPES_MAX, (each) => ({ type: each.u8(), rowCount: each.varint(), root: each.raw(ROOT_BYTES) }))
  return types.length > 0 ? types : refuse('no further types where some are due')
}

function readHeartbeat(reader: ByteReader): Of<'heartbeat'> {
  const sentAtMs = reader.f64()
  const echoMs = readFlag(reader) ? reader.f64() : undefined
  const wantsAnswer = readFlag(reader)
  const health = readHealth(reader)
  const doubted = readList(reader, DOUBTED_MAX, readPeerId)
  const reached = readFlag(reader) ? readList(reader, REACHED_MAX, readPeerId) : undefined
  const types = readTypes(reader)
  return { kind: 'heartbeat', sentAtMs, echoMs, wantsAnswer, health: types.length > 0 ? { ...health, types } : health, doubted, reached }
}

function readHealth(reader: ByteReader): Health {
  const networkId = readNetworkIdIfAny(reader)
  const epoch = readInstalledEpoch(reader)
  const ceiling = readCeiling(reader)
  const caughtUp = readFlag(reader)
  const keyCount = reader.varint()
  const root = reader.raw(ROOT_BYTES)
  const inDoubtCount = reader.varint()
  const tokens = readFlag(reader) ? reader.hex(TOKENS_BYTES) : undefined
  return { networkId, epoch, ceiling, caughtUp, keyCount, root, inDoubtCount, tokens }
}

function writeRosterEntry(writer: ByteWriter, entry: RosterEntry): void {
  writePeerId(writer, entry.peerId)
  writeClusterId(writer, entry.clusterId)
  writeAddresses(writer, entry.addresses)
}

function readRosterEntry(reader: ByteReader): RosterEntry {
  return { peerId: readPeerId(reader), clusterId: readClusterId(reader), addresses: readAddresses(reader) }
}
