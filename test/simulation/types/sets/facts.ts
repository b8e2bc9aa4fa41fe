/** Facts about the rules of sets that a simulated world meets too seldom. Each throws a Violation where it does not hold. */
import type { Config } from '../../../../protocols/base/config.ts'
import { identity } from '../../../../protocols/base/identity.ts'
import type { ClusterId, Incarnation, NetworkId, PeerId } from '../../../../protocols/base/identity.ts'
import { cursorText, numberOfCursor } from '../../../../protocols/sets/cursor.ts'
import { isKept } from '../../../../protocols/sets/keeping.ts'
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

export function checkFacts(): void {
  cursorOfAnotherStore()
  majorityOfTheCluster()
}
