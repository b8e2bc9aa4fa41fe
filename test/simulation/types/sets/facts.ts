/**
 * Facts about the rules of sets that a simulated world meets too seldom. Each throws a Violation
 * where it does not hold.
 */
import type { Config } from '../../../../protocols/base/config.ts'
import { identity } from '../../../../protocols/base/identity.ts'
import type { ClusterId, Incarnation, NetworkId, PeerId } from '../../../../protocols/base/identity.ts'
import { NO_TABLES } from '../../../../protocols/base/rows.ts'
import { SetCollection } from '../../../../protocols/sets/collection.ts'
import { SETS_SETTINGS } from '../../../../protocols/sets/context.ts'
import type { SetsContext } from '../../../../protocols/sets/context.ts'
import { cursorText, numberOfCursor } from '../../../../protocols/sets/cursor.ts'
import { DiskRows } from '../../../../protocols/sets/disk-rows.ts'
import { keyOfElement } from '../../../../protocols/sets/element.ts'
import { Holdings } from '../../../../protocols/sets/holdings.ts'
import { isKept } from '../../../../protocols/sets/keeping.ts'
import { NO_STAMP, SETS } from '../../../../protocols/sets/requests.ts'
import { sha256, utf8 } from '../../../../src/bytes.ts'
import { isElement, readElement } from '../../../../src/transit/documents.ts'
import { check } from '../../checkers/violation.ts'

const STORE = 'ab'.repeat(16) as Incarnation
const OTHER_STORE = 'cd'.repeat(16) as Incarnation
const CLUSTER = 'a' as ClusterId

/** A cursor is of the store that gave it: another numbers its changes otherwise. */
function cursorOfAnotherStore(): void {
  const cursor = cursorText(STORE, 7)
  check(numberOfCursor(cursor, STORE) === 7, 'C7', () => 'a cursor is not read as it was written')
  check(numberOfCursor(cursor, OTHER_STORE) === undefined, 'C7', () => 'a cursor of another store is taken')
}

/** `wait=cluster` is a majority of the own cluster's voters. */
function majorityOfTheCluster(): void {
  const voters = ['a1', 'a2', 'a3'].map((name) => identity(name as PeerId, STORE))
  const config: Config = { networkId: '' as NetworkId, epoch: 0, clusters: new Map([[CLUSTER, voters]]), forming: false, protocolMin: 1 }
  const isKeptBy = (count: number): boolean =>
    isKept(config, CLUSTER, 'cluster', (id) => voters.slice(0, count).some((voter) => voter.id === id))
  check(!isKeptBy(1) && isKeptBy(2), 'C3', () => 'not a majority counts as kept by the cluster')
}

/** C8: equal elements are equal bytes, however they were spelled; others are others. */
function oneSpelling(): void {
  const bytes = (text: string): string => Buffer.from(readElement(text).value ?? []).toString()
  const same = [
    ['11', '"~i11"', '"~n11"'],
    ['0', '-0', '"~i-0"'],
    ['1.0', '1e0', '"~d1"'],
    ['"~uF81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"', '"~uf81d4fae-7dec-11d0-a765-00a0c91e6bf6"'],
    ['[1,"a"]', '["~#list",["~i1","\\u0061"]]'],
  ]
  for (const spellings of same) {
    const found = new Set(spellings.map(bytes))
    check(found.size === 1 && !found.has(''), 'C8', () => `${spellings.join(' and ')} are ${[...found].join(' and ')}`)
    for (const text of found) check(isElement(Buffer.from(text)), 'C8', () => `${text} is not its own spelling`)
  }
  check(new Set(same.map(([text = '']) => bytes(text))).size === same.length, 'C8', () => 'two elements are one')
}

/** A pulled page may have rows of several sets: each goes into its own, and counts. */
function pageOfSeveralSets(): void {
  const disk = new DiskRows(utf8, sha256)
  const source = new Holdings(NO_TABLES.rows(SETS), disk, ignore, ignore)
  const told = new Map<string, string[]>()
  const context = { utf8, settings: SETS_SETTINGS } as SetsContext
  const collection = new SetCollection(
    source,
    disk,
    context,
    (set, rows) =>
      told.set(
        set,
        rows.map(({ key }) => key),
      ) && rows.length,
  )
  const names = [...['a', 'b', 'a'].entries()].map(([index, set]) => {
    const key = keyOfElement(Uint8Array.of(0x31 + index))
    source.take(source.make(set), [{ key, added: 1, removed: NO_STAMP }])
    return disk.nameOf(set, key)
  })
  const count = collection.take(names.map((key) => ({ key, record: collection.held(key) ?? new Uint8Array(0) })))
  const found = JSON.stringify([...told])
  check(count === 3 && found === '[["a",["1","3"]],["b",["2"]]]', 'C1', () => `a page of two sets is taken as ${found}`)
}

const ignore = (): void => undefined

export function checkFacts(): void {
  oneSpelling()
  pageOfSeveralSets()
  cursorOfAnotherStore()
  majorityOfTheCluster()
}
