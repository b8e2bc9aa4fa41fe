/**
 * What peers say of registers: a table of its own, inside the message that every further type has.
 */
import type { Ballot } from '../base/ballot.ts'
import type { Utf8 } from '../base/bytes.ts'
import type { Identity } from '../base/identity.ts'
import { TARGETS_MAX } from '../base/limits.ts'
import type { RegisterKey } from '../base/register.ts'
import { readConfigs, writeConfigs } from '../wire/configs.ts'
import {
  readBallot,
  readFlag,
  readIdentities,
  readIdentity,
  readList,
  writeBallot,
  writeCount,
  writeFlag,
  writeIdentities,
  writeIdentity,
  writeKey,
} from '../wire/fields.ts'
import { refuse } from '../wire/malformed.ts'
import { ByteReader } from '../wire/reader.ts'
import { Table } from '../wire/rows.ts'
import { ByteWriter } from '../wire/writer.ts'
import {
  readEntry,
  readIfAny,
  readRegisterKey,
  readRegisterRecord,
  readShown,
  writeEntry,
  writeIfAny,
  writeRegisterRecord,
  writeShown,
} from './fields.ts'
import { readForwardedWrite, writeForwardedWrite } from './forward-fields.ts'
import type { Forwarded } from './forwards.ts'
import type { ForwardedWrite } from './judge.ts'
import type { Answer, Cast, Question } from './questions.ts'
import type { RegisterRecord } from './record.ts'

/**
 * Who passes on what is chosen: nobody, the receiver to its own cluster, or a voter to the whole
 * network but the sender's cluster.
 */
export type Reaching = 'receiver' | 'cluster' | 'network'

export interface Learn {
  readonly kind: 'learn'
  readonly key: RegisterKey
  readonly ballot: Ballot
  readonly version: number
  /** Undefined for whoever is thought to have accepted it at exactly this ballot and version. */
  readonly record: RegisterRecord | undefined
  readonly reaching: Reaching
}

export type RegisterMessage =
  /** `id` is the asker's own number for the question and comes back with the answer. */
  | { readonly kind: 'request'; readonly id: number; readonly target: Identity; readonly body: Question }
  | { readonly kind: 'reply'; readonly id: number; readonly vote: Cast }
  /** To a representative: forward the body to these voters of your cluster (you may be one). */
  | { readonly kind: 'relay'; readonly id: number; readonly targets: readonly Identity[]; readonly body: Question }
  | { readonly kind: 'relayed'; readonly id: number; readonly votes: readonly Cast[] }
  | Learn
  /** Asks for what is held; answered by a learn that carries it, or not at all. */
  | { readonly kind: 'want'; readonly key: RegisterKey }
  /**
   * Whoever sweeps asks a voter to refuse all ballots up to this one, and to settle what it
   * accepted there.
   */
  | { readonly kind: 'bar'; readonly ballot: Ballot }
  /** Done, with all that was written on disk. */
  | { readonly kind: 'barred'; readonly ballot: Ballot }
  /**
   * The sender's store has forgotten up to this ballot: whoever has not may pull it, and do the
   * same.
   */
  | { readonly kind: 'swept'; readonly ballot: Ballot }
  /** A write for the owner of this ballot, to be committed at it or dropped. */
  | { readonly kind: 'forward'; readonly id: number; readonly key: RegisterKey; readonly ballot: Ballot; readonly write: ForwardedWrite }
  /** What became of it; `id` is that of the forward. */
  | { readonly kind: 'forwarded'; readonly id: number; readonly key: RegisterKey; readonly result: Forwarded }

/** Each at the place of its code. */
const REACHINGS: readonly Reaching[] = ['receiver', 'cluster', 'network']

const QUESTIONS: Table<Question> = new Table<Question>({
  reserve: {
    code: 0,
    write(writer, { key, ballot }) {
      writeKey(writer, key)
      writeBallot(writer, ballot)
    },
    read: (reader) => ({ kind: 'reserve', key: readRegisterKey(reader), ballot: readBallot(reader) }),
  },
  commit: {
    code: 1,
    write(writer, { key, ballot, record }) {
      writeKey(writer, key)
      writeBallot(writer, ballot)
      writeRegisterRecord(writer, record)
    },
    read: (reader) => ({
      kind: 'commit',
      key: readRegisterKey(reader),
      ballot: readBallot(reader),
      record: readRegisterRecord(reader),
    }),
  },
  read: {
    code: 2,
    write(writer, { key, epoch }) {
      writeKey(writer, key)
      writer.varint(epoch)
    },
    read: (reader) => ({ kind: 'read', key: readRegisterKey(reader), epoch: reader.varint() }),
  },
})

const ANSWERS: Table<Answer> = new Table<Answer>({
  promised: {
    code: 0,
    write(writer, { ballot, shown }) {
      writeBallot(writer, ballot)
      writeShown(writer, shown)
    },
    read: (reader) => ({ kind: 'promised', ballot: readBallot(reader), shown: readShown(reader) }),
  },
  rejected: {
    code: 1,
    write(writer, { ballot, higher }) {
      writeBallot(writer, ballot)
      writeBallot(writer, higher)
    },
    read: (reader) => ({ kind: 'rejected', ballot: readBallot(reader), higher: readBallot(reader) }),
  },
  committed: {
    code: 2,
    write(writer, { ballot, version }) {
      writeBallot(writer, ballot)
      writer.varint(version)
    },
    read: (reader) => ({ kind: 'committed', ballot: readBallot(reader), version: reader.varint() }),
  },
  seen: {
    code: 3,
    write(writer, { epoch, shown }) {
      writer.varint(epoch)
      writeShown(writer, shown)
    },
    read: (reader) => ({ kind: 'seen', epoch: reader.varint(), shown: readShown(reader) }),
  },
  moved: {
    code: 4,
    write(writer, { ballot, held }) {
      writeBallot(writer, ballot)
      writeEntry(writer, held)
    },
    read: (reader) => ({ kind: 'moved', ballot: readBallot(reader), held: readEntry(reader) }),
  },
  stale: {
    code: 5,
    write: (writer, { configs }) => writeConfigs(writer, configs),
    read: (reader) => ({ kind: 'stale', configs: readConfigs(reader) }),
  },
})

const RESULTS: Table<Forwarded> = new Table<Forwarded>({
  applied: {
    code: 0,
    write(writer, { version, wasAbsent }) {
      writer.varint(version)
      writeFlag(writer, wasAbsent)
    },
    read: (reader) => ({ kind: 'applied', version: reader.varint(), wasAbsent: readFlag(reader) }),
  },
  repeated: {
    code: 1,
    write(writer, { version, wasAbsent, writtenAtMs }) {
      writer.varint(version)
      writeFlag(writer, wasAbsent)
      writer.varint(writtenAtMs)
    },
    read: (reader) => ({ kind: 'repeated', version: reader.varint(), wasAbsent: readFlag(reader), writtenAtMs: reader.varint() }),
  },
  reused: {
    code: 2,
    write: (writer, { version }) => writer.varint(version),
    read: (reader) => ({ kind: 'reused', version: reader.varint() }),
  },
  forgotten: {
    code: 3,
    write: (writer, { number }) => writer.varint(number),
    read: (reader) => ({ kind: 'forgotten', number: reader.varint() }),
  },
  refused: {
    code: 4,
    write(writer, { current, number }) {
      writeIfAny(writer, current, writeRegisterRecord)
      writer.varint(number)
    },
    read: (reader) => ({ kind: 'refused', current: readIfAny(reader, readRegisterRecord), number: reader.varint() }),
  },
  dropped: {
    code: 5,
    write: () => undefined,
    read: () => ({ kind: 'dropped' }),
  },
})

const MESSAGES: Table<RegisterMessage> = new Table<RegisterMessage>({
  request: {
    code: 0,
    write(writer, { id, target, body }) {
      writer.varint(id)
      writeIdentity(writer, target)
      QUESTIONS.write(writer, body)
    },
    read: (reader) => ({ kind: 'request', id: reader.varint(), target: readIdentity(reader), body: QUESTIONS.read(reader) }),
  },
  reply: {
    code: 1,
    write(writer, { id, vote }) {
      writer.varint(id)
      writeCast(writer, vote)
    },
    read: (reader) => ({ kind: 'reply', id: reader.varint(), vote: readCast(reader) }),
  },
  relay: {
    code: 2,
    write(writer, { id, targets, body }) {
      writer.varint(id)
      writeIdentities(writer, targets, TARGETS_MAX)
      QUESTIONS.write(writer, body)
    },
    read: (reader) => ({ kind: 'relay', id: reader.varint(), targets: readIdentities(reader, TARGETS_MAX), body: QUESTIONS.read(reader) }),
  },
  relayed: {
    code: 3,
    write(writer, { id, votes }) {
      writer.varint(id)
      writeCount(writer, votes.length, TARGETS_MAX)
      for (const vote of votes) writeCast(writer, vote)
    },
    read: (reader) => ({ kind: 'relayed', id: reader.varint(), votes: readList(reader, TARGETS_MAX, readCast) }),
  },
  learn: {
    code: 4,
    write(writer, { key, ballot, version, record, reaching }) {
      writeKey(writer, key)
      writeBallot(writer, ballot)
      writer.varint(version)
      writeIfAny(writer, record, writeRegisterRecord)
      writer.u8(REACHINGS.indexOf(reaching))
    },
    read(reader) {
      const key = readRegisterKey(reader)
      const ballot = readBallot(reader)
      const version = reader.varint()
      const record = readIfAny(reader, readRegisterRecord)
      if (record !== undefined && record.version !== version) refuse('a record of another version than the one that is told')
      return { kind: 'learn', key, ballot, version, record, reaching: REACHINGS[reader.u8()] ?? refuse('no such reach') }
    },
  },
  want: {
    code: 5,
    write: (writer, { key }) => writeKey(writer, key),
    read: (reader) => ({ kind: 'want', key: readRegisterKey(reader) }),
  },
  bar: {
    code: 6,
    write: (writer, { ballot }) => writeBallot(writer, ballot),
    read: (reader) => ({ kind: 'bar', ballot: readBallot(reader) }),
  },
  barred: {
    code: 7,
    write: (writer, { ballot }) => writeBallot(writer, ballot),
    read: (reader) => ({ kind: 'barred', ballot: readBallot(reader) }),
  },
  swept: {
    code: 8,
    write: (writer, { ballot }) => writeBallot(writer, ballot),
    read: (reader) => ({ kind: 'swept', ballot: readBallot(reader) }),
  },
  forward: {
    code: 9,
    write(writer, { id, key, ballot, write }) {
      writer.varint(id)
      writeKey(writer, key)
      writeBallot(writer, ballot)
      writeForwardedWrite(writer, write)
    },
    read: (reader) => ({
      kind: 'forward',
      id: reader.varint(),
      key: readRegisterKey(reader),
      ballot: readBallot(reader),
      write: readForwardedWrite(reader),
    }),
  },
  forwarded: {
    code: 10,
    write(writer, { id, key, result }) {
      writer.varint(id)
      writeKey(writer, key)
      RESULTS.write(writer, result)
    },
    read: (reader) => ({ kind: 'forwarded', id: reader.varint(), key: readRegisterKey(reader), result: RESULTS.read(reader) }),
  },
})

/** Messages as bytes, and back. */
export class RegisterCodec {
  readonly #utf8: Utf8
  readonly #writer: ByteWriter

  constructor(utf8: Utf8) {
    this.#utf8 = utf8
    this.#writer = new ByteWriter(utf8)
  }

  encode(message: RegisterMessage): Uint8Array {
    MESSAGES.write(this.#writer, message)
    return this.#writer.finish()
  }

  /** Values in the message are views of `bytes`. @throws MalformedBytes */
  decode(bytes: Uint8Array): RegisterMessage {
    const reader = new ByteReader(bytes, this.#utf8)
    const message = MESSAGES.read(reader)
    reader.end()
    return message
  }
}

function writeCast(writer: ByteWriter, { sender, body }: Cast): void {
  writeIdentity(writer, sender)
  ANSWERS.write(writer, body)
}

function readCast(reader: ByteReader): Cast {
  return { sender: readIdentity(reader), body: ANSWERS.read(reader) }
}
