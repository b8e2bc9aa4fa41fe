/**
 * Messages of agreement: what is asked of acceptors, what they answer, and how both are relayed.
 */
import type { Ballot } from '../base/ballot.ts'
import type { Config } from '../base/config.ts'
import type { Identity } from '../base/identity.ts'
import { TARGETS_MAX } from '../base/limits.ts'
import type { Accepted, ValueRecord } from '../base/record.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Home } from '../base/units.ts'
import type { ByteReader } from './reader.ts'
import type { ByteWriter } from './writer.ts'
import { readConfigs, writeConfigs } from './configs.ts'
import {
  readAcceptedIfAny,
  readBallot,
  readHome,
  readIdentities,
  readIdentity,
  readKey,
  readList,
  readRecord,
  writeAcceptedIfAny,
  writeBallot,
  writeCount,
  writeHome,
  writeIdentities,
  writeIdentity,
  writeKey,
  writeRecord,
} from './fields.ts'
import type { MessageRows } from './message-rows.ts'
import { Table } from './rows.ts'

/**
 * What a coordinator asks of one acceptor. The epoch of a reserve and of a commit is its ballot's.
 */
export type AcceptorRequest =
  | { readonly kind: 'reserve'; readonly key: RegisterKey; readonly ballot: Ballot }
  | { readonly kind: 'commit'; readonly key: RegisterKey; readonly ballot: Ballot; readonly record: ValueRecord }
  | { readonly kind: 'read'; readonly key: RegisterKey; readonly epoch: number }
  /** A record without a reserve before it, to voters outside its home. */
  | { readonly kind: 'offer'; readonly key: RegisterKey; readonly ballot: Ballot; readonly record: ValueRecord; readonly home: Home }

/** What an acceptor answers. */
export type AcceptorReply =
  | { readonly kind: 'promised'; readonly ballot: Ballot; readonly accepted: Accepted | undefined }
  | { readonly kind: 'rejected'; readonly ballot: Ballot; readonly higher: Ballot }
  | { readonly kind: 'committed'; readonly ballot: Ballot }
  | { readonly kind: 'seen'; readonly epoch: number; readonly accepted: Accepted | undefined }
  | { readonly kind: 'chosen'; readonly record: ValueRecord }
  /**
   * The receiver is in a later epoch; the configs that the asker lacks, oldest first, at most
   * CONFIGS_PER_MESSAGE_MAX.
   */
  | { readonly kind: 'stale'; readonly configs: readonly Config[] }
  /** The offer of this ballot is accepted, as an offer. */
  | { readonly kind: 'taken'; readonly ballot: Ballot }

/** A reply with the voter that gave it: votes are counted by this pair and never by connection. */
export interface Vote {
  readonly sender: Identity
  readonly body: AcceptorReply
}

export type AgreementMessage =
  /** `id` is the asker's own number for the question and comes back with the answer. */
  | { readonly kind: 'request'; readonly id: number; readonly target: Identity; readonly body: AcceptorRequest }
  | { readonly kind: 'reply'; readonly id: number; readonly vote: Vote }
  /** To a representative: forward the body to these voters of your cluster (you may be one). */
  | {
      readonly kind: 'relay'
      readonly id: number
      readonly targets: readonly Identity[]
      readonly body: AcceptorRequest
      /** Of an offer, and of nothing else: how long to gather answers, in milliseconds. */
      readonly gatherMs?: number
    }
  | { readonly kind: 'relayed'; readonly id: number; readonly votes: readonly Vote[] }

/** What is asked of an acceptor; the key comes first in all of it. */
export const REQUESTS: Table<AcceptorRequest> = new Table<AcceptorRequest>({
  reserve: {
    code: 0,
    write(writer, body) {
      writeKey(writer, body.key)
      writeBallot(writer, body.ballot)
    },
    read: (reader) => ({ kind: 'reserve', key: readKey(reader), ballot: readBallot(reader) }),
  },
  commit: {
    code: 1,
    write(writer, body) {
      writeKey(writer, body.key)
      writeBallot(writer, body.ballot)
      writeRecord(writer, body.record)
    },
    read: (reader) => ({ kind: 'commit', key: readKey(reader), ballot: readBallot(reader), record: readRecord(reader) }),
    values: (body) => [body.record.value],
  },
  read: {
    code: 2,
    write(writer, body) {
      writeKey(writer, body.key)
      writer.varint(body.epoch)
    },
    read: (reader) => ({ kind: 'read', key: readKey(reader), epoch: reader.varint() }),
  },
  offer: {
    code: 3,
    write(writer, body) {
      writeKey(writer, body.key)
      writeBallot(writer, body.ballot)
      writeRecord(writer, body.record)
      writeHome(writer, body.home)
    },
    read(reader) {
      const [key, ballot, record] = [readKey(reader), readBallot(reader), readRecord(reader)]
      return { kind: 'offer', key, ballot, record, home: readHome(reader) }
    },
    values: (body) => [body.record.value],
  },
})

/** What an acceptor answers. */
export const REPLIES: Table<AcceptorReply> = new Table<AcceptorReply>({
  promised: {
    code: 0,
    write(writer, body) {
      writeBallot(writer, body.ballot)
      writeAcceptedIfAny(writer, body.accepted)
    },
    read: (reader) => ({ kind: 'promised', ballot: readBallot(reader), accepted: readAcceptedIfAny(reader) }),
    values: ({ accepted }) => valuesOf(accepted),
  },
  rejected: {
    code: 1,
    write(writer, body) {
      writeBallot(writer, body.ballot)
      writeBallot(writer, body.higher)
    },
    read: (reader) => ({ kind: 'rejected', ballot: readBallot(reader), higher: readBallot(reader) }),
  },
  committed: {
    code: 2,
    write: (writer, body) => writeBallot(writer, body.ballot),
    read: (reader) => ({ kind: 'committed', ballot: readBallot(reader) }),
  },
  seen: {
    code: 3,
    write(writer, body) {
      writer.varint(body.epoch)
      writeAcceptedIfAny(writer, body.accepted)
    },
    read: (reader) => ({ kind: 'seen', epoch: reader.varint(), accepted: readAcceptedIfAny(reader) }),
    values: ({ accepted }) => valuesOf(accepted),
  },
  chosen: {
    code: 4,
    write: (writer, body) => writeRecord(writer, body.record),
    read: (reader) => ({ kind: 'chosen', record: readRecord(reader) }),
    values: ({ record }) => [record.value],
  },
  stale: {
    code: 5,
    write: (writer, body) => writeConfigs(writer, body.configs),
    read: (reader) => ({ kind: 'stale', configs: readConfigs(reader) }),
  },
  taken: {
    code: 6,
    write: (writer, body) => writeBallot(writer, body.ballot),
    read: (reader) => ({ kind: 'taken', ballot: readBallot(reader) }),
  },
})

export const AGREEMENT: MessageRows<AgreementMessage> = {
  request: {
    code: 0,
    way: 'votes',
    write(writer, { id, target, body }) {
      writer.varint(id)
      writeIdentity(writer, target)
      REQUESTS.write(writer, body)
    },
    read: (reader) => ({ kind: 'request', id: reader.varint(), target: readIdentity(reader), body: REQUESTS.read(reader) }),
    values: ({ body }) => REQUESTS.values(body),
  },
  reply: {
    code: 1,
    way: 'votes',
    write(writer, { id, vote }) {
      writer.varint(id)
      writeVote(writer, vote)
    },
    read: (reader) => ({ kind: 'reply', id: reader.varint(), vote: readVote(reader) }),
    values: ({ vote }) => REPLIES.values(vote.body),
  },
  relay: {
    code: 2,
    way: 'votes',
    write(writer, { id, targets, body, gatherMs = 0 }) {
      writer.varint(id)
      writeIdentities(writer, targets, TARGETS_MAX)
      REQUESTS.write(writer, body)
      if (body.kind === 'offer') writer.varint(gatherMs)
    },
    read(reader) {
      const [id, targets, body] = [reader.varint(), readIdentities(reader, TARGETS_MAX), REQUESTS.read(reader)]
      const relay = { kind: 'relay', id, targets, body } as const
      return body.kind === 'offer' ? { ...relay, gatherMs: reader.varint() } : relay
    },
    values: ({ body }) => REQUESTS.values(body),
  },
  relayed: {
    code: 3,
    way: 'votes',
    write(writer, { id, votes }) {
      writer.varint(id)
      writeCount(writer, votes.length, TARGETS_MAX)
      for (const vote of votes) writeVote(writer, vote)
    },
    read: (reader) => ({ kind: 'relayed', id: reader.varint(), votes: readList(reader, TARGETS_MAX, readVote) }),
    values: ({ votes }) => votes.flatMap((vote) => REPLIES.values(vote.body)),
    // Each vote by itself says the same.
    parts: ({ id, votes }) => votes.map((vote) => ({ kind: 'relayed', id, votes: [vote] })),
  },
}

function valuesOf(accepted: Accepted | undefined): readonly Uint8Array[] {
  return accepted === undefined ? [] : [accepted.record.value]
}

function writeVote(writer: ByteWriter, vote: Vote): void {
  writeIdentity(writer, vote.sender)
  REPLIES.write(writer, vote.body)
}

function readVote(reader: ByteReader): Vote {
  return { sender: readIdentity(reader), body: REPLIES.read(reader) }
}
