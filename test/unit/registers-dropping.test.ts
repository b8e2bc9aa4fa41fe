/** Deletions that are let go once they are swept. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Ballot } from '../../protocols/base/ballot.ts'
import { dataKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import { CELL_EMPTY } from '../../protocols/registers/cells.ts'
import type { Cells, Swept } from '../../protocols/registers/cells.ts'
import { Dropping } from '../../protocols/registers/dropping.ts'
import { tombstone } from '../../protocols/registers/judge.ts'
import { peer } from './core-harness.ts'

const DELETED = 2_000
const UPKEEPS = 40

function at(round: number): Ballot {
  return { epoch: 0, round, by: peer('a') }
}

/** So many deletions, the lowest at round 1, and what was done with them. */
class Deletions {
  swept: Swept = { ballot: at(1), number: 0 }
  readonly rounds = new Map<RegisterKey, number>()
  readonly moment = { nowMs: 0 }
  reads = 0
  readonly dropping: Dropping

  constructor(count: number) {
    for (let number = 1; number <= count; number += 1) this.rounds.set(dataKey(String(number).padStart(6, '0')), number)
    this.dropping = new Dropping({ moment: this.moment, cells: this.cells() })
  }

  upkeep(times: number): void {
    for (let time = 0; time < times; time += 1) this.dropping.upkeep()
  }

  private cells(): Cells {
    const swept = (): Swept => this.swept
    const { rounds } = this
    const cells = {
      get swept() {
        return swept()
      },
      get tombstones() {
        return rounds.size
      },
      isSwept: ({ round }: Ballot) => round <= this.swept.ballot.round,
      deleted: (after: string) => [...rounds.keys()].filter((key) => key > after),
      read: (key: RegisterKey) => {
        this.reads += 1
        return { ...CELL_EMPTY, held: { ballot: at(rounds.get(key) ?? 0), record: tombstone('w', 1) } }
      },
      sweep: (now: Swept, dropped: readonly RegisterKey[]) => {
        this.swept = now
        for (const key of dropped) rounds.delete(key)
      },
    }
    return cells as unknown as Cells
  }
}

suite('deletions that are swept', () => {
  test('are all let go, and their highest number stays', () => {
    const deletions = new Deletions(DELETED)
    deletions.swept = { ballot: at(DELETED), number: 0 }
    deletions.upkeep(UPKEEPS)
    assert.deepEqual([deletions.rounds.size, deletions.swept.number], [0, 2])
  })

  test('are looked at once for each sweep, however many wait for the next one', () => {
    const deletions = new Deletions(DELETED)
    deletions.upkeep(UPKEEPS)
    assert.equal(deletions.reads, DELETED)
    deletions.swept = { ballot: at(5), number: 0 }
    deletions.upkeep(UPKEEPS)
    assert.deepEqual([deletions.reads, deletions.rounds.size], [2 * DELETED - 1, DELETED - 5])
  })
})
