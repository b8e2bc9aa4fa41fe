/**
 * One example of everything that goes over the wire. `protocols/wire/README.md` shows them with
 * their bytes; a test compares the two.
 */
import type { Ballot } from '../../protocols/base/ballot.ts'
import { identity } from '../../protocols/base/identity.ts'
import type { ClusterId, Identity, Incarnation, NetworkId, PeerId, PeerName } from '../../protocols/base/identity.ts'
import type { Accepted, ValueRecord } from '../../protocols/base/record.ts'
import { configKey, dataKey } from '../../protocols/base/register.ts'
import type { Config } from '../../protocols/base/config.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import { FrameReader, Frames } from '../../protocols/wire/frames.ts'
import type { Frame } from '../../protocols/wire/frames.ts'
import type { AcceptorReply, AcceptorRequest } from '../../protocols/wire/agreement-messages.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import type { Message } from '../../protocols/wire/messages.ts'

export interface Example {
  readonly name: string
  readonly value: unknown
  encode(codec: Codec): Uint8Array
  decode(codec: Codec, bytes: Uint8Array): unknown
}

export const peerA: Identity = identity('peer-a' as PeerId, '000102030405060708090a0b0c0d0e0f' as Incarnation)
export const peerB: Identity = identity('peer-b' as PeerId, 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff' as Incarnation)
export const networkId: NetworkId = 'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf' as NetworkId
export const ballot: Ballot = { epoch: 1, round: 300, by: peerA }
export const record: ValueRecord = {
  writeId: 'w-1',
  value: Uint8Array.of(1, 2, 3),
  contentType: 'text/plain',
  writtenAtMs: 1_700_000_000_000,
}
export const config: Config = {
  networkId,
  epoch: 1,
  clusters: new Map([['east' as ClusterId, [peerA]]]),
  forming: false,
  protocolMin: 1,
}
export const joint: Config = { ...config, epoch: 2, next: new Map([...config.clusters, ['west' as ClusterId, [peerB]]]) }
const barring: Config = {
  ...joint,
  epoch: 4,
  barred: { peers: ['peer-z' as PeerId], clusters: [] },
  nextBarred: { peers: ['peer-z' as PeerId, 'peer-b' as PeerId], clusters: ['north' as ClusterId] },
}
export const greeting: Greeting = {
  protocolMin: 1,
  protocolMax: 1,
  networkId,
  clusterId: 'east' as ClusterId,
  identity: peerA,
  epoch: -1,
  ceiling: { epoch: 0, round: 65_536 },
  minPeers: 3,
  addresses: ['/ip4/127.0.0.1/tcp/4001'],
}

const offered: Accepted = { ballot, record, home: { kind: 'voter', voter: peerA } }
const digest = new Uint8Array(16).fill(0xd1)
const key = dataKey('k')

/** Every kind of message at least once, by name. */
export const messages: ReadonlyMap<string, Message> = new Map([
  ['request: reserve', request({ kind: 'reserve', key: dataKey('ключ'), ballot })],
  ['request: commit', request({ kind: 'commit', key, ballot, record })],
  ['request: read', request({ kind: 'read', key: configKey(2), epoch: 1 })],
  ['request: offer', request({ kind: 'offer', key, ballot, record, home: { kind: 'voter', voter: peerA } })],
  ['reply: promised', reply({ kind: 'promised', ballot, accepted: undefined })],
  ['reply: promised, with an accepted record', reply({ kind: 'promised', ballot, accepted: { ballot: { ...ballot, by: peerB }, record } })],
  [
    'reply: promised, with an offer',
    reply({ kind: 'promised', ballot, accepted: { ballot, record, home: { kind: 'cluster', cluster: 'east' as ClusterId } } }),
  ],
  ['reply: rejected', reply({ kind: 'rejected', ballot, higher: { epoch: 1, round: 301, by: peerB } })],
  ['reply: committed', reply({ kind: 'committed', ballot })],
  ['reply: seen', reply({ kind: 'seen', epoch: 1, accepted: undefined })],
  ['reply: chosen', reply({ kind: 'chosen', record })],
  ['reply: stale', reply({ kind: 'stale', configs: [config] })],
  ['reply: taken', reply({ kind: 'taken', ballot })],
  ['relay', { kind: 'relay', id: 8, targets: [peerA, peerB], body: { kind: 'reserve', key, ballot } }],
  [
    'relay: offer',
    {
      kind: 'relay',
      id: 8,
      targets: [peerB],
      body: { kind: 'offer', key, ballot, record, home: { kind: 'cluster', cluster: 'east' as ClusterId } },
      gatherMs: 250,
    },
  ],
  ['relayed', { kind: 'relayed', id: 8, votes: [{ sender: peerB, body: { kind: 'committed', ballot } }] }],
  ['learn, with the record', { kind: 'learn', key, ballot: undefined, record, spread: 'cluster' }],
  ['learn, to be told to all', { kind: 'learn', key, ballot, record: undefined, spread: 'network' }],
  ['learn, by the ballot', { kind: 'learn', key, ballot, record: undefined, spread: false }],
  ['want', { kind: 'want', key }],
  ['configs-wanted', { kind: 'configs-wanted', networkId: undefined, since: 0 }],
  ['configs', { kind: 'configs', configs: [joint] }],
  [
    'heartbeat',
    {
      kind: 'heartbeat',
      sentAtMs: 1234.5,
      echoMs: 987.25,
      wantsAnswer: true,
      health: {
        networkId,
        epoch: 2,
        ceiling: { epoch: 2, round: 65_536 },
        caughtUp: true,
        keyCount: 1000,
        root: digest,
        inDoubtCount: 0,
        tokens: 'b7e01c55d2f4a903',
      },
      doubted: [peerB.peerId],
      reached: [peerA.peerId],
    },
  ],
  [
    'heartbeat, with further types',
    {
      kind: 'heartbeat',
      sentAtMs: 1234.5,
      echoMs: undefined,
      wantsAnswer: false,
      health: {
        networkId,
        epoch: 2,
        ceiling: { epoch: 2, round: 65_536 },
        caughtUp: true,
        keyCount: 0,
        root: new Uint8Array(16),
        inDoubtCount: 0,
        tokens: undefined,
        types: [{ type: 3, rowCount: 300, root: digest }],
      },
      doubted: [],
      reached: undefined,
    },
  ],
  [
    'roster',
    { kind: 'roster', entries: [{ peerId: peerA.peerId, clusterId: 'east' as ClusterId, addresses: ['/ip4/127.0.0.1/tcp/4001'] }] },
  ],
  ['doubts-wanted', { kind: 'doubts-wanted', id: 9, minEpoch: 2, after: undefined }],
  ['doubts', { kind: 'doubts', id: 9, keys: [key, configKey(2)], more: true }],
  ['hashes-wanted', { kind: 'hashes-wanted', id: 9, minEpoch: 0, group: undefined }],
  ['hashes', { kind: 'hashes', id: 9, group: 255, hashes: new Uint8Array(4096).fill(0xab) }],
  ['leaves-wanted', { kind: 'leaves-wanted', id: 9, minEpoch: 0, leaves: [0, 65_535], after: key }],
  ['leaves', { kind: 'leaves', id: 9, entries: [{ key, digest }], leavesDone: 1, after: undefined }],
  ['records-wanted', { kind: 'records-wanted', id: 9, keys: [key] }],
  ['records', { kind: 'records', id: 9, records: [{ key, record }], keysDone: 1 }],
  ['covered-wanted', { kind: 'covered-wanted', epoch: 2 }],
  ['covered', { kind: 'covered', epoch: 2, sender: peerA, sources: [peerB] }],
  ['rows-wanted', { kind: 'rows-wanted', type: 3, question: { kind: 'leaves-wanted', id: 9, minEpoch: 0, leaves: [7], after: 'a row' } }],
  [
    'rows-told: leaves',
    {
      kind: 'rows-told',
      type: 3,
      mark: new Uint8Array(0),
      answer: { kind: 'leaves', id: 9, entries: [{ key: 'a row', digest }], leavesDone: 1, after: undefined },
    },
  ],
  [
    'rows-told: records',
    {
      kind: 'rows-told',
      type: 3,
      mark: Uint8Array.of(4),
      answer: { kind: 'records', id: 9, records: [{ key: 'a row', record: Uint8Array.of(1, 2, 3) }], keysDone: 1 },
    },
  ],
  ['typed-spare', { kind: 'typed-spare', type: 3, body: Uint8Array.of(1, 2, 3) }],
  ['typed-bulk', { kind: 'typed-bulk', type: 3, body: Uint8Array.of(1, 2, 3) }],
  ['typed', { kind: 'typed', type: 3, body: Uint8Array.of(1, 2, 3) }],
])

function request(body: AcceptorRequest): Message {
  return { kind: 'request', id: 7, target: peerB, body }
}

function reply(body: AcceptorReply): Message {
  return { kind: 'reply', id: 7, vote: { sender: peerB, body } }
}

/** The frames, by name. */
const frames: ReadonlyMap<string, Frame> = new Map<string, Frame>([
  ['frame: greeting', { kind: 'greeting', greeting }],
  ['frame: greeting, of a peer with a name', { kind: 'greeting', greeting: { ...greeting, name: 'east-1' as PeerName } }],
  ['frame: proof', { kind: 'proof', proof: Uint8Array.of(0xca, 0xfe) }],
  ['frame: nonce', { kind: 'nonce', nonce: new Uint8Array(32).fill(0x5e) }],
  ['frame: parting', { kind: 'parting', parting: 'not admitted' }],
  [
    'frame: messages',
    {
      kind: 'messages',
      round: 300,
      messages: [
        { kind: 'want', key },
        { kind: 'covered-wanted', epoch: 2 },
      ],
    },
  ],
])

function encodeFrame(codec: Codec, frame: Frame): Uint8Array {
  const writer = new Frames(codec)
  switch (frame.kind) {
    case 'greeting':
      return writer.greeting(frame.greeting)
    case 'proof':
      return writer.proof(frame.proof)
    case 'nonce':
      return writer.nonce(frame.nonce)
    case 'parting':
      return writer.parting(frame.parting)
    case 'messages':
      return writer.messages(frame.round, frame.messages)[0] as Uint8Array
  }
}

/** Every example, in the order of the README. */
export const examples: readonly Example[] = [
  {
    name: 'record',
    value: record,
    encode: (codec) => codec.encodeRecord(record),
    decode: (codec, bytes) => codec.decodeRecord(bytes),
  },
  {
    name: 'accepted',
    value: { ballot, record },
    encode: (codec) => codec.encodeAccepted({ ballot, record }),
    decode: (codec, bytes) => codec.decodeAccepted(bytes),
  },
  {
    name: 'accepted, an offer',
    value: offered,
    encode: (codec) => codec.encodeAccepted(offered),
    decode: (codec, bytes) => codec.decodeAccepted(bytes),
  },
  configExample('config', config),
  configExample('config, joint', joint),
  configExample('config, joint, barring', barring),
  ...[...messages].map(([name, message]) => messageExample(name, message)),
  ...[...frames].map(([name, frame]) => frameExample(name, frame)),
]

function configExample(name: string, value: Config): Example {
  return { name, value, encode: (codec) => codec.encodeConfig(value), decode: (codec, bytes) => codec.decodeConfig(bytes) }
}

function messageExample(name: string, value: Message): Example {
  return { name, value, encode: (codec) => codec.encodeMessage(value), decode: (codec, bytes) => codec.decodeMessage(bytes) }
}

function frameExample(name: string, value: Frame): Example {
  return { name, value, encode: (codec) => encodeFrame(codec, value), decode: (codec, bytes) => new FrameReader(codec).push(bytes)[0] }
}

/**
 * The value as the README shows it: an identity as `peer/incarnation`, bytes as hexadecimal, what
 * is undefined left out.
 */
export function shown(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => {
    if (field instanceof Uint8Array) return shortened(Buffer.from(field).toString('hex'))
    if (field instanceof Map) return Object.fromEntries(field as Map<string, unknown>)
    if (typeof field === 'object' && field !== null && 'incarnation' in field && 'id' in field) return field.id
    return typeof field === 'string' && field.startsWith('\0') ? `(${field.slice(1)})` : field
  })
}

/** Hexadecimal with a long run of one byte written as `(ab x 4096)`. */
export function shortened(hex: string): string {
  return hex.replace(/(..)\1{63,}/g, (run, byte: string) => `(${byte} x ${run.length / 2})`)
}
