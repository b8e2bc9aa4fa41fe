/**
 * Anything that may go over the wire, for property tests. A kind of message without an arbitrary
 * does not compile.
 */
import * as fc from 'fast-check'
import type { Arbitrary } from 'fast-check'
import type { Ballot, Ceiling } from '../../protocols/base/ballot.ts'
import { compareIdentities, identity } from '../../protocols/base/identity.ts'
import type { ClusterId, Identity, Incarnation, NetworkId, PeerId, PeerName } from '../../protocols/base/identity.ts'
import { isContentType } from '../../protocols/base/record.ts'
import type { Accepted, ValueRecord } from '../../protocols/base/record.ts'
import { configKey, dataKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import type { Home } from '../../protocols/base/units.ts'
import type { Barred, Clusters, Config } from '../../protocols/base/config.ts'
import type { AcceptorReply, AcceptorRequest, Vote } from '../../protocols/wire/agreement-messages.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import type { Health, RosterEntry } from '../../protocols/wire/membership-messages.ts'
import type { RowAnswer, RowQuestion } from '../../protocols/wire/repair-messages.ts'
import type { Message } from '../../protocols/wire/messages.ts'

type Kinds<Union extends { readonly kind: string }> = {
  readonly [Kind in Union['kind']]: Arbitrary<Extract<Union, { readonly kind: Kind }>>
}

const whole: Arbitrary<number> = fc.oneof(fc.nat(300), fc.maxSafeNat())
const hex16: Arbitrary<string> = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex'))
const hex8: Arbitrary<string> = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('hex'))
const bytes16: Arbitrary<Uint8Array> = fixed(16)
const networkId: Arbitrary<NetworkId> = hex16.map((digits) => digits as NetworkId)
const peerId: Arbitrary<PeerId> = letters('!"#~0123456789ABCDEFabcdef', 128).map((text) => text as PeerId)
const clusterId: Arbitrary<ClusterId> = letters('abcXYZ019._-', 64).map((text) => text as ClusterId)
const writeId: Arbitrary<string> = letters('!~abcdef0123456789-', 128)
// `binary` makes any Unicode character; `grapheme` those that a person sees as one.
const text = (maxLength: number): Arbitrary<string> =>
  fc.oneof(fc.string({ maxLength }), fc.string({ unit: 'binary', maxLength }), fc.string({ unit: 'grapheme', maxLength }))

const identities: Arbitrary<Identity> = fc.tuple(peerId, hex16).map(([peer, digits]) => identity(peer, digits as Incarnation))
const ballot: Arbitrary<Ballot> = shape({ epoch: whole, round: whole, by: identities })
const ceiling: Arbitrary<Ceiling> = shape({ epoch: whole, round: whole })
const key: Arbitrary<RegisterKey> = fc.oneof(
  text(200)
    .filter((one) => one !== '' && !one.includes('\0') && Buffer.byteLength(one) <= 1024)
    .map((one) => dataKey(one)),
  whole.map((epoch) => configKey(epoch)),
)
const contentType: Arbitrary<string> = fc.oneof(
  fc.constantFrom('application/octet-stream', 'text/plain', ''),
  text(60).filter((one) => Buffer.byteLength(one) <= 255 && isContentType(one)),
)
export const records: Arbitrary<ValueRecord> = shape({
  writeId,
  value: fc.uint8Array({ maxLength: 300 }).map(plain),
  contentType,
  writtenAtMs: whole,
})
const homes: Arbitrary<Home> = fc.oneof(
  shape({ kind: fc.constant('cluster' as const), cluster: clusterId }),
  shape({ kind: fc.constant('voter' as const), voter: identities }),
)
export const accepted: Arbitrary<Accepted> = fc.oneof(shape({ ballot, record: records }), shape({ ballot, record: records, home: homes }))
const clusters: Arbitrary<Clusters> = fc
  .uniqueArray(fc.tuple(clusterId, fc.uniqueArray(identities, { minLength: 1, maxLength: 5, selector: (one) => one.id })), {
    maxLength: 7,
    selector: ([id]) => id,
  })
  .map((entries) => new Map(entries.map(([id, voters]) => [id, voters.toSorted(compareIdentities)])))
const barred: Arbitrary<Barred> = shape({
  peers: fc.uniqueArray(peerId, { maxLength: 9 }),
  clusters: fc.uniqueArray(clusterId, { maxLength: 9 }),
}).filter(({ peers, clusters: ids }) => peers.length + ids.length > 0)
const finishedConfigs: Arbitrary<Config> = fc.record(
  { networkId, epoch: whole, clusters, forming: fc.boolean(), protocolMin: whole, barred },
  { requiredKeys: ['networkId', 'epoch', 'clusters', 'forming', 'protocolMin'], noNullPrototype: true },
)
const joining: Arbitrary<Pick<Config, 'nextBarred'> & { next: Clusters }> = fc.record(
  { next: clusters, nextBarred: barred },
  { requiredKeys: ['next'], noNullPrototype: true },
)
export const configs: Arbitrary<Config> = fc.oneof(
  finishedConfigs,
  fc.tuple(finishedConfigs, joining).map(([config, next]) => ({ ...config, ...next })),
)
const configLists: Arbitrary<Config[]> = fc.array(configs, { maxLength: 3 })
const addresses: Arbitrary<string[]> = fc.array(text(100), { maxLength: 16 })
const installedEpoch: Arbitrary<number> = whole.map((epoch) => epoch - 1)

const requestKinds: Kinds<AcceptorRequest> = {
  reserve: shape({ kind: fc.constant('reserve'), key, ballot }),
  commit: shape({ kind: fc.constant('commit'), key, ballot, record: records }),
  read: shape({ kind: fc.constant('read'), key, epoch: whole }),
  offer: shape({ kind: fc.constant('offer'), key, ballot, record: records, home: homes }),
}
const replyKinds: Kinds<AcceptorReply> = {
  promised: shape({ kind: fc.constant('promised'), ballot, accepted: maybe(accepted) }),
  rejected: shape({ kind: fc.constant('rejected'), ballot, higher: ballot }),
  committed: shape({ kind: fc.constant('committed'), ballot }),
  seen: shape({ kind: fc.constant('seen'), epoch: whole, accepted: maybe(accepted) }),
  chosen: shape({ kind: fc.constant('chosen'), record: records }),
  stale: shape({ kind: fc.constant('stale'), configs: configLists }),
  taken: shape({ kind: fc.constant('taken'), ballot }),
}
const requestBodies: Arbitrary<AcceptorRequest> = fc.oneof(...Object.values(requestKinds))
const votes: Arbitrary<Vote> = shape({ sender: identities, body: fc.oneof(...Object.values(replyKinds)) })
const health: Arbitrary<Health> = shape({
  networkId: maybe(networkId),
  epoch: installedEpoch,
  ceiling,
  caughtUp: fc.boolean(),
  keyCount: whole,
  root: bytes16,
  inDoubtCount: whole,
  tokens: maybe(hex8),
})
const rosterEntries: Arbitrary<RosterEntry> = shape({ peerId, clusterId, addresses })
const sentAtMs: Arbitrary<number> = fc.double({ noNaN: true, noDefaultInfinity: true })
const leafEntries: Arbitrary<{ key: RegisterKey; digest: Uint8Array }> = shape({ key, digest: bytes16 })
const keyLists: Arbitrary<RegisterKey[]> = fc.array(key, { maxLength: 10 })
const group: Arbitrary<number | undefined> = maybe(fc.nat(255))

const code = fc.nat(255)
const rowNames = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
const rows = fc.uint8Array({ maxLength: 60 }).map(plain)
const rowQuestions: Arbitrary<RowQuestion> = fc.oneof(
  shape({ kind: fc.constant('doubts-wanted' as const), id: whole, minEpoch: whole, after: maybe(rowNames) }),
  shape({ kind: fc.constant('hashes-wanted' as const), id: whole, minEpoch: whole, group }),
  shape({
    kind: fc.constant('leaves-wanted' as const),
    id: whole,
    minEpoch: whole,
    leaves: fc.array(fc.nat(65_535), { maxLength: 256 }),
    after: maybe(rowNames),
  }),
  shape({ kind: fc.constant('records-wanted' as const), id: whole, keys: fc.array(rowNames, { maxLength: 10 }) }),
)
const rowAnswers: Arbitrary<RowAnswer> = fc.oneof(
  shape({ kind: fc.constant('doubts' as const), id: whole, keys: fc.array(rowNames, { maxLength: 10 }), more: fc.boolean() }),
  shape({ kind: fc.constant('hashes' as const), id: whole, group, hashes: fixed(4096) }),
  shape({
    kind: fc.constant('leaves' as const),
    id: whole,
    entries: fc.array(shape({ key: rowNames, digest: bytes16 }), { maxLength: 10 }),
    leavesDone: fc.nat(256),
    after: maybe(rowNames),
  }),
  shape({
    kind: fc.constant('records' as const),
    id: whole,
    records: fc.array(shape({ key: rowNames, record: rows }), { maxLength: 5 }),
    keysDone: fc.nat(1024),
  }),
)

const messageKinds: Kinds<Message> = {
  request: shape({ kind: fc.constant('request'), id: whole, target: identities, body: requestBodies }),
  reply: shape({ kind: fc.constant('reply'), id: whole, vote: votes }),
  relay: fc.oneof(
    shape({
      kind: fc.constant('relay' as const),
      id: whole,
      targets: fc.array(identities, { maxLength: 16 }),
      body: requestBodies.filter(({ kind }) => kind !== 'offer'),
    }),
    shape({
      kind: fc.constant('relay' as const),
      id: whole,
      targets: fc.array(identities, { maxLength: 16 }),
      body: requestKinds.offer,
      gatherMs: whole,
    }),
  ),
  relayed: shape({ kind: fc.constant('relayed'), id: whole, votes: fc.array(votes, { maxLength: 16 }) }),
  learn: shape({
    kind: fc.constant('learn'),
    key,
    ballot: maybe(ballot),
    record: maybe(records),
    spread: fc.constantFrom(false as const, 'cluster' as const, 'network' as const),
  }),
  want: shape({ kind: fc.constant('want'), key }),
  'configs-wanted': shape({ kind: fc.constant('configs-wanted'), networkId: maybe(networkId), since: whole }),
  configs: shape({ kind: fc.constant('configs'), configs: configLists }),
  heartbeat: shape({
    kind: fc.constant('heartbeat'),
    sentAtMs,
    echoMs: maybe(sentAtMs),
    wantsAnswer: fc.boolean(),
    health,
    doubted: fc.array(peerId, { maxLength: 32 }),
    reached: maybe(fc.array(peerId, { maxLength: 64 })),
  }),
  roster: shape({ kind: fc.constant('roster'), entries: fc.array(rosterEntries, { maxLength: 10 }) }),
  'doubts-wanted': shape({ kind: fc.constant('doubts-wanted'), id: whole, minEpoch: whole, after: maybe(key) }),
  doubts: shape({ kind: fc.constant('doubts'), id: whole, keys: keyLists, more: fc.boolean() }),
  'hashes-wanted': shape({ kind: fc.constant('hashes-wanted'), id: whole, minEpoch: whole, group }),
  hashes: shape({ kind: fc.constant('hashes'), id: whole, group, hashes: fixed(4096) }),
  'leaves-wanted': shape({
    kind: fc.constant('leaves-wanted'),
    id: whole,
    minEpoch: whole,
    leaves: fc.array(fc.nat(65_535), { maxLength: 256 }),
    after: maybe(key),
  }),
  leaves: shape({
    kind: fc.constant('leaves'),
    id: whole,
    entries: fc.array(leafEntries, { maxLength: 10 }),
    leavesDone: fc.nat(256),
    after: maybe(key),
  }),
  'records-wanted': shape({ kind: fc.constant('records-wanted'), id: whole, keys: keyLists }),
  records: shape({
    kind: fc.constant('records'),
    id: whole,
    records: fc.array(shape({ key, record: records }), { maxLength: 5 }),
    keysDone: fc.nat(1024),
  }),
  'covered-wanted': shape({ kind: fc.constant('covered-wanted'), epoch: whole }),
  covered: shape({ kind: fc.constant('covered'), epoch: whole, sender: identities, sources: fc.array(identities, { maxLength: 35 }) }),
  'rows-wanted': shape({ kind: fc.constant('rows-wanted'), type: code, question: rowQuestions }),
  'rows-told': shape({ kind: fc.constant('rows-told'), type: code, mark: fc.uint8Array({ maxLength: 40 }).map(plain), answer: rowAnswers }),
  'typed-spare': shape({ kind: fc.constant('typed-spare'), type: code, body: fc.uint8Array({ maxLength: 300 }).map(plain) }),
  'typed-bulk': shape({ kind: fc.constant('typed-bulk'), type: code, body: fc.uint8Array({ maxLength: 300 }).map(plain) }),
  typed: shape({ kind: fc.constant('typed'), type: code, body: fc.uint8Array({ maxLength: 300 }).map(plain) }),
}

/** A message of each kind, by kind. */
export const messagesByKind: ReadonlyMap<string, Arbitrary<Message>> = new Map(Object.entries(messageKinds))
export const messages: Arbitrary<Message> = fc.oneof(...messagesByKind.values())
const nameless: Arbitrary<Greeting> = shape({
  protocolMin: whole,
  protocolMax: whole,
  networkId: maybe(networkId),
  clusterId,
  identity: identities,
  epoch: installedEpoch,
  ceiling,
  minPeers: whole,
  addresses,
})
export const greetings: Arbitrary<Greeting> = fc
  .tuple(nameless, maybe(letters('aZ0', 40)))
  .map(([greeting, name]) => (name === undefined ? greeting : { ...greeting, name: name as PeerName }))

function maybe<Value>(arbitrary: Arbitrary<Value>): Arbitrary<Value | undefined> {
  return fc.option(arbitrary, { nil: undefined })
}

/** Ordinary objects: those without a prototype would differ from what is read. */
function shape<Value>(model: { [Field in keyof Value]: Arbitrary<Value[Field]> }): Arbitrary<Value> {
  return fc.record(model, { noNullPrototype: true })
}

function letters(alphabet: string, maxLength: number): Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...alphabet.split('')), minLength: 1, maxLength })
}

function fixed(length: number): Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length }).map(plain)
}

/** fast-check's arrays carry methods of its own, which comparisons would see. */
function plain(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes)
}
