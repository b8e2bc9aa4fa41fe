/** Messages by which everyone learns what is chosen. */
import type { Ballot } from '../base/ballot.ts'
import type { ValueRecord } from '../base/record.ts'
import type { RegisterKey } from '../base/register.ts'
import { refuse } from './malformed.ts'
import type { ByteReader } from './reader.ts'
import type { ByteWriter } from './writer.ts'
import { readBallot, readFlag, readKey, readRecord, writeBallot, writeFlag, writeKey, writeRecord } from './fields.ts'
import type { MessageRows } from './message-rows.ts'

export type KeysMessage =
  /**
   * The register is chosen: with its record, or as what was accepted at exactly `ballot`. `spread`
   * asks the receiver to pass it on to the peers of its own cluster, or, of a voter, to the whole
   * network but the sender's cluster.
   */
  | {
      readonly kind: 'learn'
      readonly key: RegisterKey
      readonly ballot: Ballot | undefined
      readonly record: ValueRecord | undefined
      readonly spread: false | 'cluster' | 'network'
    }
  /** Asks for a chosen record; answered by a learn that carries it, or not at all. */
  | { readonly kind: 'want'; readonly key: RegisterKey }

type Of<Kind extends KeysMessage['kind']> = Extract<KeysMessage, { readonly kind: Kind }>

export const KEYS: MessageRows<KeysMessage> = {
  learn: {
    code: 4,
    way: 'votes',
    write: writeLearn,
    read: readLearn,
    values: ({ record }) => (record === undefined ? [] : [record.value]),
  },
  want: {
    code: 5,
    way: 'votes',
    write: (writer, { key }) => writeKey(writer, key),
    read: (reader) => ({ kind: 'want', key: readKey(reader) }),
  },
}

/** Each at the place of its code. */
const SPREADS: readonly Of<'learn'>['spread'][] = [false, 'cluster', 'network']

function writeLearn(writer: ByteWriter, message: Of<'learn'>): void {
  writeKey(writer, message.key)
  writeFlag(writer, message.ballot !== undefined)
  if (message.ballot !== undefined) writeBallot(writer, message.ballot)
  writeFlag(writer, message.record !== undefined)
  if (message.record !== undefined) writeRecord(writer, message.record)
  writer.u8(SPREADS.indexOf(message.spread))
}

function readLearn(reader: ByteReader): Of<'learn'> {
  const key = readKey(reader)
  const ballot = readFlag(reader) ? readBallot(reader) : undefined
  const record = readFlag(reader) ? readRecord(reader) : undefined
  const spread = SPREADS[reader.u8()] ?? refuse('no such spread')
  return { kind: 'learn', key, ballot, record, spread }
}
