/**
 * What the logs of peers say to one another: what replicas say (`messages.ts`), and beside it who
 * offers a store, requests that another peer has to answer, and how a replica stands.
 */
import type { Utf8 } from '../base/bytes.ts'
import { readFlag, readIdentity, readList, writeCount, writeFlag, writeIdentity } from '../wire/fields.ts'
import { refuse } from '../wire/malformed.ts'
import { ByteReader } from '../wire/reader.ts'
import { Table } from '../wire/rows.ts'
import type { ByteWriter } from '../wire/writer.ts'
import type { Identity } from '../base/identity.ts'
import type { MemberChange } from './membership.ts'
import type { Position, SubmitId } from './entry.ts'
import type { Consistency } from './events.ts'
import { CODE_BYTES_MAX, LOG_LIMITS, PLACE_BYTES_MAX, SUBMIT_ID_BYTES_MAX } from './limits.ts'
import type { LogMessage } from './message.ts'
import { LOG_ID_BYTES, OUTCOMES, readLogMessageFrom, readPosition, writeLogMessageTo, writePosition } from './messages.ts'
import type { ReplicaView, WorkAnswer } from './requests.ts'

/** Bytes of a log's name. */
const NAME_BYTES_MAX = 64
/** Bytes of the kind of a store. */
const KIND_BYTES_MAX = 32
/** Logs that one peer offers stores for. */
export const LOGS_MAX = 32
/** Bytes of a query. */
export const QUERY_BYTES_MAX: number = LOG_LIMITS.commandBytesMax
/** Bytes of what a query finds: what a message between peers has room for. */
export const RESULT_BYTES_MAX = 16_777_216
/** Bytes of what is wrong with a query. */
const DETAIL_BYTES_MAX = 1_024
const DIGEST_CHARACTERS = 32
/** Members that one request changes. */
export const CHANGES_MAX = 64

export interface Offer {
  readonly log: string
  readonly store: string
  /** It wants a replica where it does not vote. */
  readonly learns: boolean
}

/** What a peer that holds no replica asks of one that does. */
export type Work =
  | {
      readonly kind: 'submit'
      readonly submitId: SubmitId
      readonly isNamedByClient: boolean
      readonly since: number
      readonly command: Uint8Array
    }
  | { readonly kind: 'query'; readonly query: Uint8Array; readonly consistency: Consistency }
  /** For the leader alone. */
  | { readonly kind: 'change'; readonly changes: readonly MemberChange[]; readonly isForced: boolean }
  | { readonly kind: 'transfer'; readonly to: Identity }
  | { readonly kind: 'place'; readonly place: string }
  /** The entry at that index counts as rejected. */
  | { readonly kind: 'verdict'; readonly index: number }
  /** All contents are compared. */
  | { readonly kind: 'check' }

/** A backup of a store on its way to another. Who speaks of it keeps a store; replicas pass it on. */
export type SnapshotTalk = { readonly logId: string; readonly transfer: number } & (
  | {
      readonly kind: 'piece'
      readonly place: number
      /** Where the backup stands. */
      readonly position: Position
      readonly isLast: boolean
      readonly bytes: Uint8Array
    }
  | { readonly kind: 'piece-stored'; readonly place: number }
  /** Where the store that it was for stands now; undefined when the backup did not get there. */
  | { readonly kind: 'taken'; readonly position: Position | undefined }
)

export type Talk =
  | SnapshotTalk
  | { readonly kind: 'raft'; readonly message: LogMessage }
  /** All of them. */
  | { readonly kind: 'offers'; readonly offers: readonly Offer[] }
  /** @param timeoutMs how long it may take there */
  | { readonly kind: 'ask'; readonly number: number; readonly logId: string; readonly timeoutMs: number; readonly work: Work }
  | { readonly kind: 'answer'; readonly number: number; readonly answer: WorkAnswer }
  | { readonly kind: 'state-wanted'; readonly number: number; readonly logId: string }
  | { readonly kind: 'state'; readonly number: number; readonly view: ReplicaView }
  /** Who leads has to have its store filled, from that index on, by whoever has a store of the log. */
  | { readonly kind: 'fill-wanted'; readonly logId: string; readonly generation: number; readonly indexMin: number }

const CONSISTENCIES = ['linearizable', 'local', 'after', 'lease'] as const
const NOT_ORDERED = ['overloaded', 'too-large', 'stalled', 'no-leader', 'leader-changed'] as const
const UNAVAILABLE = ['no-majority', 'stalled'] as const
const CHANGES = ['voter', 'learner', 'remove'] as const
const NOT_CHANGED = [
  'not-leader',
  'not-begun',
  'change-in-flight',
  'unreachable',
  'too-many-voters',
  'no-voters',
  'given-up',
  'applied-somewhere',
  'no-store-left',
] as const
const ROLES = ['leader', 'follower', 'candidate', 'learner'] as const
const STATES = ['ready', 'stalled', 'no-store', 'halted'] as const

const TALK: Table<Talk> = new Table<Talk>({
  raft: {
    code: 0,
    write: (writer, { message }) => writeLogMessageTo(writer, message),
    read: (reader) => ({ kind: 'raft', message: readLogMessageFrom(reader) }),
  },
  offers: {
    code: 1,
    write: (writer, { offers }) => {
      writeCount(writer, offers.length, LOGS_MAX)
      for (const { log, store, learns } of offers) {
        writer.text(log)
        writer.text(store)
        writeFlag(writer, learns)
      }
    },
    read: (reader) => ({
      kind: 'offers',
      offers: readList(reader, LOGS_MAX, (each) => ({
        log: each.text(NAME_BYTES_MAX),
        store: each.text(KIND_BYTES_MAX),
        learns: readFlag(each),
      })),
    }),
  },
  ask: {
    code: 2,
    write: (writer, { number, logId, timeoutMs, work }) => {
      writer.varint(number)
      writer.hex(logId)
      writer.varint(timeoutMs)
      WORKS.write(writer, work)
    },
    read: (reader) => ({
      kind: 'ask',
      number: reader.varint(),
      logId: reader.hex(LOG_ID_BYTES),
      timeoutMs: reader.varint(),
      work: WORKS.read(reader),
    }),
  },
  answer: {
    code: 3,
    write: (writer, { number, answer }) => {
      writer.varint(number)
      ANSWERS.write(writer, answer)
    },
    read: (reader) => ({ kind: 'answer', number: reader.varint(), answer: ANSWERS.read(reader) }),
  },
  'state-wanted': {
    code: 4,
    write: (writer, { number, logId }) => {
      writer.varint(number)
      writer.hex(logId)
    },
    read: (reader) => ({ kind: 'state-wanted', number: reader.varint(), logId: reader.hex(LOG_ID_BYTES) }),
  },
  state: {
    code: 5,
    write: (writer, { number, view }) => {
      writer.varint(number)
      writeView(writer, view)
    },
    read: (reader) => ({ kind: 'state', number: reader.varint(), view: readView(reader) }),
  },
  piece: {
    code: 6,
    write: (writer, { logId, transfer, place, position, isLast, bytes }) => {
      writer.hex(logId)
      writer.varint(transfer)
      writer.varint(place)
      writePosition(writer, position)
      writeFlag(writer, isLast)
      writer.sized(bytes)
    },
    read: (reader) => ({
      kind: 'piece',
      logId: reader.hex(LOG_ID_BYTES),
      transfer: reader.varint(),
      place: reader.varint(),
      position: readPosition(reader),
      isLast: readFlag(reader),
      bytes: reader.sized(RESULT_BYTES_MAX),
    }),
  },
  'piece-stored': {
    code: 7,
    write: (writer, { logId, transfer, place }) => {
      writer.hex(logId)
      writer.varint(transfer)
      writer.varint(place)
    },
    read: (reader) => ({ kind: 'piece-stored', logId: reader.hex(LOG_ID_BYTES), transfer: reader.varint(), place: reader.varint() }),
  },
  taken: {
    code: 8,
    write: (writer, { logId, transfer, position }) => {
      writer.hex(logId)
      writer.varint(transfer)
      writeFlag(writer, position !== undefined)
      if (position !== undefined) writePosition(writer, position)
    },
    read: (reader) => ({
      kind: 'taken',
      logId: reader.hex(LOG_ID_BYTES),
      transfer: reader.varint(),
      position: readFlag(reader) ? readPosition(reader) : undefined,
    }),
  },
  'fill-wanted': {
    code: 9,
    write: (writer, { logId, generation, indexMin }) => {
      writer.hex(logId)
      writer.varint(generation)
      writer.varint(indexMin)
    },
    read: (reader) => ({
      kind: 'fill-wanted',
      logId: reader.hex(LOG_ID_BYTES),
      generation: reader.varint(),
      indexMin: reader.varint(),
    }),
  },
})

const WORKS: Table<Work> = new Table<Work>({
  submit: {
    code: 0,
    write: (writer, { submitId, isNamedByClient, since, command }) => {
      writer.text(submitId)
      writeFlag(writer, isNamedByClient)
      writer.varint(since)
      writer.sized(command)
    },
    read: (reader) => ({
      kind: 'submit',
      submitId: reader.text(SUBMIT_ID_BYTES_MAX) as SubmitId,
      isNamedByClient: readFlag(reader),
      since: reader.varint(),
      command: reader.sized(LOG_LIMITS.commandBytesMax).slice(),
    }),
  },
  query: {
    code: 1,
    write: (writer, { query, consistency }) => {
      writer.sized(query)
      writer.u8(CONSISTENCIES.indexOf(typeof consistency === 'string' ? consistency : 'after'))
      if (typeof consistency !== 'string') writePosition(writer, consistency.after)
    },
    read: (reader) => {
      const query = reader.sized(QUERY_BYTES_MAX).slice()
      const consistency = oneOf(CONSISTENCIES, reader)
      return { kind: 'query', query, consistency: consistency === 'after' ? { after: readPosition(reader) } : consistency }
    },
  },
  change: {
    code: 2,
    write: (writer, { changes, isForced }) => {
      writeCount(writer, changes.length, CHANGES_MAX)
      for (const { kind, peer } of changes) {
        writer.u8(CHANGES.indexOf(kind))
        writeIdentity(writer, peer)
      }
      writeFlag(writer, isForced)
    },
    read: (reader) => ({
      kind: 'change',
      changes: readList(reader, CHANGES_MAX, (each) => ({ kind: oneOf(CHANGES, each), peer: readIdentity(each) })),
      isForced: readFlag(reader),
    }),
  },
  transfer: {
    code: 3,
    write: (writer, { to }) => writeIdentity(writer, to),
    read: (reader) => ({ kind: 'transfer', to: readIdentity(reader) }),
  },
  place: {
    code: 4,
    write: (writer, { place }) => writer.text(place),
    read: (reader) => ({ kind: 'place', place: reader.text(PLACE_BYTES_MAX) }),
  },
  verdict: {
    code: 5,
    write: (writer, { index }) => writer.varint(index),
    read: (reader) => ({ kind: 'verdict', index: reader.varint() }),
  },
  check: { code: 6, write: () => {}, read: () => ({ kind: 'check' }) },
})

const ANSWERS: Table<WorkAnswer> = new Table<WorkAnswer>({
  outcome: {
    code: 0,
    write: (writer, { position, outcome, since = 0 }) => {
      writePosition(writer, position)
      OUTCOMES.write(writer, outcome)
      writer.varint(since)
    },
    read: (reader) => ({ kind: 'outcome', position: readPosition(reader), outcome: OUTCOMES.read(reader), since: reader.varint() }),
  },
  'not-ordered': {
    code: 1,
    write: (writer, { why, since = 0 }) => {
      writer.u8(NOT_ORDERED.indexOf(why))
      writer.varint(since)
    },
    read: (reader) => ({ kind: 'not-ordered', why: oneOf(NOT_ORDERED, reader), since: reader.varint() }),
  },
  'in-doubt': {
    code: 2,
    write: (writer, { since = 0 }) => writer.varint(since),
    read: (reader) => ({ kind: 'in-doubt', since: reader.varint() }),
  },
  unavailable: {
    code: 3,
    write: (writer, { why }) => writer.u8(UNAVAILABLE.indexOf(why)),
    read: (reader) => ({ kind: 'unavailable', why: oneOf(UNAVAILABLE, reader) }),
  },
  answered: {
    code: 4,
    write: (writer, { position, result }) => {
      writePosition(writer, position)
      writer.sized(result)
    },
    read: (reader) => ({ kind: 'answered', position: readPosition(reader), result: reader.sized(RESULT_BYTES_MAX) }),
  },
  'not-a-query': {
    code: 5,
    write: (writer, { detail }) => writer.text(detail),
    read: (reader) => ({ kind: 'not-a-query', detail: reader.text(DETAIL_BYTES_MAX) }),
  },
  'result-too-large': { code: 6, write: () => {}, read: () => ({ kind: 'result-too-large' }) },
  'not-here': { code: 7, write: () => {}, read: () => ({ kind: 'not-here' }) },
  changing: { code: 8, write: () => {}, read: () => ({ kind: 'changing' }) },
  changed: { code: 9, write: () => {}, read: () => ({ kind: 'changed' }) },
  'not-changed': {
    code: 10,
    write: (writer, { why }) => writer.u8(NOT_CHANGED.indexOf(why)),
    read: (reader) => ({ kind: 'not-changed', why: oneOf(NOT_CHANGED, reader) }),
  },
  'log-ended': { code: 11, write: () => {}, read: () => ({ kind: 'log-ended' }) },
})

/** @param writer for all talk of one sender: one each would cost more than the writing */
export function writeTalk(talk: Talk, writer: ByteWriter): Uint8Array {
  writer.clear()
  TALK.write(writer, talk)
  return writer.finish()
}

/** Commands and results may be views of the bytes. @throws MalformedBytes */
export function readTalk(bytes: Uint8Array, utf8: Utf8): Talk {
  const reader = new ByteReader(bytes, utf8)
  const talk = TALK.read(reader)
  reader.end()
  return talk
}

function writeView(writer: ByteWriter, view: ReplicaView): void {
  const { peer, role, state, generation, term, last, commit, applied, code, digest, leader } = view
  writeIdentity(writer, peer)
  writer.u8(ROLES.indexOf(role))
  writer.u8(STATES.indexOf(state))
  writer.varint(generation)
  writer.varint(term)
  writePosition(writer, last)
  writer.varint(commit)
  writer.varint(applied)
  writer.text(code)
  writer.text(digest)
  writeFlag(writer, leader !== undefined)
  if (leader !== undefined) writeIdentity(writer, leader)
}

function readView(reader: ByteReader): ReplicaView {
  return {
    peer: readIdentity(reader),
    role: oneOf(ROLES, reader),
    state: oneOf(STATES, reader),
    generation: reader.varint(),
    term: reader.varint(),
    last: readPosition(reader),
    commit: reader.varint(),
    applied: reader.varint(),
    code: reader.text(CODE_BYTES_MAX),
    digest: reader.text(DIGEST_CHARACTERS),
    leader: readFlag(reader) ? readIdentity(reader) : undefined,
  }
}

function oneOf<const Values extends readonly string[]>(values: Values, reader: ByteReader): Values[number] {
  return values[reader.u8()] ?? refuse('a number that stands for nothing')
}
