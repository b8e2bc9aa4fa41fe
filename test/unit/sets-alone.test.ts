/**
 * One peer's sets, with nothing around them: what it answers where its clock is wrong, what is
 * restored, and what a later cut takes away.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { identity } from '../../protocols/base/identity.ts'
import type { Incarnation, PeerId } from '../../protocols/base/identity.ts'
import { NO_TABLES } from '../../protocols/base/rows.ts'
import type { RowWrite } from '../../protocols/base/rows.ts'
import { SetCollection } from '../../protocols/sets/collection.ts'
import { SETS_SETTINGS } from '../../protocols/sets/context.ts'
import type { SetsContext } from '../../protocols/sets/context.ts'
import { DiskRows } from '../../protocols/sets/disk-rows.ts'
import { keyOfElement } from '../../protocols/sets/element.ts'
import type { ElementKey } from '../../protocols/sets/element.ts'
import { Holdings } from '../../protocols/sets/holdings.ts'
import { LAST_PLACE, writeSetsMessage } from '../../protocols/sets/messages.ts'
import type { SetsMessage } from '../../protocols/sets/messages.ts'
import { NO_STAMP, SETS } from '../../protocols/sets/requests.ts'
import type { DroppedAnswer, Entry, SetAnswer, SetRequest } from '../../protocols/sets/requests.ts'
import { ByteWriter } from '../../protocols/wire/writer.ts'
import { sha256, utf8 } from '../../src/bytes.ts'
import { Chance } from '../simulation/chance.ts'
import { SmallPeer } from '../simulation/types/sets/small-peer.ts'
import type { SmallWorld } from '../simulation/types/sets/small-peer.ts'

const writer = new ByteWriter(utf8)
const SET = 'fleet'
const ELEMENT = Uint8Array.of(0x31, 0x31)
const others = ['a', 'b', 'c'].map((name) => identity(name as PeerId, '0'.repeat(32) as Incarnation))
const [source] = others

/** A peer that holds the whole: the only voter, chosen at once. */
function lonePeer(): { readonly peer: SmallPeer; readonly world: SmallWorld; readonly sent: Uint8Array[] } {
  const peers: SmallPeer[] = []
  const sent: Uint8Array[] = []
  const world: SmallWorld = {
    chance: new Chance(1),
    nowMs: 0,
    peers,
    voters: [],
    transmit: (_from, _to, body) => void sent.push(body),
    decide: (_name, value, _deadlineMs, settled) => settled(value),
  }
  const peer = new SmallPeer('p', world, { historyMs: undefined })
  peers.push(peer)
  world.voters = [peer.self]
  peer.start()
  world.nowMs = 10_000
  peer.tick()
  peer.sync()
  return { peer, world, sent }
}

function ask(peer: SmallPeer, request: SetRequest): SetAnswer | undefined {
  const answers = peer.ask(request)
  peer.sync()
  return answers[0]
}

function hear(peer: SmallPeer, from: (typeof others)[number] | undefined, message: SetsMessage): void {
  assert(from !== undefined)
  peer.hear(from, writeSetsMessage(writer, message))
  peer.sync()
}

function insertion(element: Uint8Array): SetRequest {
  return { kind: 'insert', set: SET, elements: [element], wait: 'here' }
}

suite('the sets of one peer', () => {
  test('a clock that is more than a minute off most others gives no stamps until that ends', () => {
    const { peer } = lonePeer()
    for (const other of others) hear(peer, other, { kind: 'standing', wallMs: peer.wallMs, isWhole: true, cuts: 0 })
    assert.equal(ask(peer, insertion(ELEMENT))?.kind, 'stored')
    peer.clockOffMs = 90_000
    // Half of a round trip of a millisecond is counted.
    assert.deepEqual(ask(peer, insertion(ELEMENT)), { kind: 'clock-off', offByMs: 89_999 })
    assert.match(peer.sets?.warnings()[0] ?? '', /90.0 s ahead of most others/)
    peer.clockOffMs = 0
    assert.equal(ask(peer, insertion(ELEMENT))?.kind, 'stored')
  })

  test('what nobody of this protocol says changes nothing', () => {
    const { peer } = lonePeer()
    peer.hear(others[0] as (typeof others)[number], Uint8Array.of(0, 1, 2))
    assert.deepEqual(ask(peer, { kind: 'list' }), { kind: 'sets', sets: [] })
  })

  test('what is restored whole brings its cut, and an older cut nothing that is settled', () => {
    const { peer } = lonePeer()
    const entry = (added: number): Entry => ({ element: utf8.encode(String(added)), added, removed: NO_STAMP })
    const cut = { number: 3, stamp: 1_000, bar: 1_200 }
    const restore = (entries: readonly Entry[], number: number, isLast: boolean): SetRequest => ({
      kind: 'restore',
      set: SET,
      entries,
      cut: { ...cut, number },
      isLast,
    })
    assert.equal(ask(peer, restore([entry(900)], 3, false))?.kind, 'stored')
    const list = (): unknown => ask(peer, { kind: 'list' })
    assert.match(JSON.stringify(list()), /"cut":\{"number":0,"stamp":-1,"bar":1200\}/)
    ask(peer, restore([entry(1_500)], 3, true))
    assert.match(JSON.stringify(list()), /"memberCount":2.*"number":3,"stamp":1000/)
    ask(peer, restore([entry(800), entry(1_700)], 2, true))
    assert.match(JSON.stringify(list()), /"memberCount":3.*"number":3/)
    const old: SetRequest = { kind: 'update', set: SET, entries: [entry(1_200)], clock: { kind: 'right' }, wait: 'here' }
    assert.equal(ask(peer, old)?.kind, 'bad-stamp')
  })

  test('a member that a later cut does not know goes, is handed out until it is kept elsewhere, and ends every cursor', () => {
    const { peer, sent } = lonePeer()
    const old: Entry = { element: ELEMENT, added: 500, removed: NO_STAMP }
    ask(peer, { kind: 'update', set: SET, entries: [old], clock: { kind: 'right' }, wait: 'here' })
    const read = ask(peer, { kind: 'updates-after', set: SET, after: undefined })
    const cut = { number: 1, stamp: 1_000, bar: 1_000 }
    hear(peer, source, { kind: 'sets', isWhole: true, sets: [{ set: SET, cut }] })
    assert.equal(sent.length > 0, true)
    // The question's number is the last that this peer gave.
    for (let id = 0; id < 50; id += 1) hear(peer, source, { kind: 'whole', id, cut, to: LAST_PLACE, rows: [] })
    assert.deepEqual(ask(peer, { kind: 'members', set: SET })?.kind, 'members')
    const dropped = peer.askDropped({ kind: 'dropped' }) as DroppedAnswer
    assert.deepEqual(dropped.lots, [{ set: SET, cut: 1, entries: [old] }])
    assert.equal(read?.kind === 'updates' && ask(peer, { kind: 'updates-after', set: SET, after: read.cursor })?.kind, 'cursor-gone')
    const [lot] = dropped.lots
    assert(lot !== undefined)
    peer.askDropped({ kind: 'dropped-kept', lot })
    assert.deepEqual((peer.askDropped({ kind: 'dropped' }) as DroppedAnswer).lots, [])
    assert.equal(keyOfElement(lot.entries[0]?.element ?? ELEMENT), '11')
  })
})

test('rows of one answer of repair are written together, what is kept of their set once, and what is malformed not at all', () => {
  const written: string[][] = []
  const disk = new DiskRows(utf8, sha256)
  const write = (_set: string, writes: readonly RowWrite[]): void => void written.push(writes.map(({ name }) => name))
  const holdings = new Holdings(NO_TABLES.rows(SETS), disk, write, () => undefined)
  const context = { utf8, settings: SETS_SETTINGS } as SetsContext
  const collection = new SetCollection(holdings, disk, context, (set, told) => holdings.take(holdings.make(set), told).length)
  const key = (number: number): ElementKey => keyOfElement(utf8.encode(String(number)))
  for (const number of [1, 2, 3]) holdings.take(holdings.make(SET), [{ key: key(number), added: 1, removed: NO_STAMP }])
  const page = [1, 2, 3].map((number) => ({
    key: disk.nameOf(SET, key(number)),
    record: collection.held(disk.nameOf(SET, key(number))) as Uint8Array,
  }))
  const [first] = page as [(typeof page)[number]]
  const elsewhere = new Holdings(NO_TABLES.rows(SETS), disk, write, () => undefined)
  const other = new SetCollection(elsewhere, disk, context, (set, told) => elsewhere.take(elsewhere.make(set), told).length)
  written.length = 0
  assert.equal(other.take([...page, { key: first.key, record: first.record.subarray(1) }]), 3)
  assert.deepEqual(written, [['e/fleet/1', 'e/fleet/2', 'e/fleet/3', 's/fleet']])
  assert.equal(other.take(page), 0)
  assert.equal(written.length, 1)
  assert.deepEqual(other.tree.rootHash(), collection.tree.rootHash())
})
