/** What becomes of a log on disk when it goes on in a later generation. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Rows, RowWrite } from '../../protocols/base/rows.ts'
import type { Entry } from '../../protocols/log/entry.ts'
import { firstMembers } from '../../protocols/log/membership.ts'
import { LogRows } from '../../protocols/log/rows.ts'
import { utf8 } from '../../src/bytes.ts'
import { peerA, peerB } from './wire-examples.ts'

const LOG = '0123456789abcdef0123456789abcdef'
const BORN = firstMembers([peerA, peerB])
const ENTRIES: readonly Entry[] = [
  { term: 3, index: 1, atMs: 5, body: { kind: 'began' } },
  { term: 3, index: 2, atMs: 7, body: { kind: 'check', slice: 0 } },
]

class Disk {
  readonly held = new Map<string, Uint8Array>()
  readonly rows: LogRows = new LogRows(LOG, this.reads, utf8)

  write(rows: readonly RowWrite[]): void {
    for (const { name, bytes } of rows) {
      if (bytes === undefined) this.held.delete(name)
      else this.held.set(name, bytes)
    }
  }

  private get reads(): Rows {
    const { held } = this
    return {
      get: (name) => held.get(name),
      *range(prefix, after = '') {
        for (const name of [...held.keys()].filter((each) => each.startsWith(prefix) && each > after).toSorted())
          yield { name, bytes: held.get(name) as Uint8Array }
      },
    }
  }
}

function filled(): Disk {
  const disk = new Disk()
  disk.write(disk.rows.of({ kind: 'hard-state', term: 5, vote: peerB }))
  disk.write(disk.rows.of({ kind: 'entries', from: 1, entries: ENTRIES }))
  disk.write(disk.rows.of({ kind: 'differing', index: 2 }))
  return disk
}

suite('a later generation of a log', () => {
  test('goes on from all that the survivor holds, with itself as the only voter, in a term above all', () => {
    const survivor = filled()
    assert.equal(survivor.rows.generation, 0)
    survivor.write(survivor.rows.goingOn(1, firstMembers([peerA])))
    const stored = survivor.rows.stored(BORN)
    assert.equal(survivor.rows.generation, 1)
    assert.deepEqual([stored.term, stored.vote], [6, undefined])
    assert.deepEqual(stored.entries.slice(0, 2), ENTRIES)
    assert.deepEqual(stored.entries[2], { term: 6, index: 3, atMs: 7, body: { kind: 'members', members: firstMembers([peerA]) } })
  })

  test('keeps the wish for where voters are, as it was said last', () => {
    const wished: Entry = { term: 3, index: 2, atMs: 7, body: { kind: 'members', members: { ...BORN, place: 'spread:3' } } }
    const inEntry = filled()
    inEntry.write(inEntry.rows.of({ kind: 'entries', from: 2, entries: [wished] }))
    const inBase = filled()
    inBase.write(inBase.rows.of({ kind: 'reset', base: { term: 3, index: 9 }, members: { ...BORN, place: 'spread:3' } }))
    for (const survivor of [inEntry, inBase]) {
      survivor.write(survivor.rows.goingOn(1, firstMembers([peerA])))
      const body = survivor.rows.stored(BORN).entries.at(-1)?.body
      assert.deepEqual(body, { kind: 'members', members: { ...firstMembers([peerA]), place: 'spread:3' } })
    }
  })

  test('begins from nothing everywhere else: no vote, no entry and no store that differed counts', () => {
    const disk = filled()
    disk.write(disk.rows.begunAnew(1))
    const { term, vote, entries, base, membersAtBase, differingIndex } = disk.rows.stored(BORN)
    assert.equal(disk.rows.generation, 1)
    assert.deepEqual([term, vote, entries.length, base.index, membersAtBase, differingIndex], [0, undefined, 0, 0, BORN, undefined])
  })

  test('leaves nothing where the log has ended', () => {
    const disk = filled()
    disk.write(disk.rows.gone())
    assert.equal(disk.held.size, 0)
  })
})
