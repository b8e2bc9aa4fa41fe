/** A voter of registers: what it promises, accepts, learns and shows. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Rounds } from '../../protocols/agreement/rounds.ts'
import { CEILING_NONE } from '../../protocols/base/ballot.ts'
import type { Ballot } from '../../protocols/base/ballot.ts'
import { RowsOverlay } from '../../protocols/base/rows.ts'
import type { RowWrite } from '../../protocols/base/rows.ts'
import { Cells } from '../../protocols/registers/cells.ts'
import type { CellStore } from '../../protocols/registers/cells.ts'
import { made } from '../../protocols/registers/judge.ts'
import type { Answer } from '../../protocols/registers/questions.ts'
import { MARK_NONE, isStub, stub } from '../../protocols/registers/record.ts'
import type { RegisterRecord } from '../../protocols/registers/record.ts'
import { rowDigest } from '../../protocols/repair/indexed-rows.ts'
import { Voter } from '../../protocols/registers/voter.ts'
import { sha256, utf8 } from '../../src/bytes.ts'
import { Bench, codec, key, peer } from './core-harness.ts'

const NOW_MS = 1_000

class Voting {
  readonly rows: RowsOverlay = new RowsOverlay({ get: () => undefined, range: () => [] })
  /** Each write, in its order. */
  readonly written: (readonly RowWrite[])[] = []
  readonly store: CellStore = {
    rows: this.rows,
    persist: (_, writes) => {
      this.written.push(writes)
      this.rows.apply(writes)
    },
    digestOf: rowDigest(sha256, codec),
  }
  readonly cells: Cells = new Cells(this.store, utf8)
  readonly voter: Voter

  constructor() {
    this.voter = new Voter(this.cells, new Rounds(peer('a'), new Bench().outbox, { epoch: 0, round: 9_999 }, CEILING_NONE), CEILING_NONE)
  }

  reserve(ballot: Ballot): Answer | undefined {
    return this.voter.answer({ kind: 'reserve', key, ballot }, NOW_MS)
  }

  commit(ballot: Ballot, record: RegisterRecord): string | undefined {
    return this.voter.answer({ kind: 'commit', key, ballot, record }, NOW_MS)?.kind
  }
}

function at(round: number, by = 'a'): Ballot {
  return { epoch: 0, round, by: peer(by) }
}

/** A version of the register, made on the one before. */
function version(number: number, text = 'x'): RegisterRecord {
  const write = {
    contents: { kind: 'value', value: utf8.encode(text), contentType: 'text/plain', ttlMs: undefined } as const,
    condition: undefined,
    writeId: `w-${text}-${number}`,
    mark: MARK_NONE,
    writtenAtMs: 5,
    isMaybeRetry: false,
    after: undefined,
  }
  return made(write, { base: undefined, number: number - 1 })
}

suite('a voter of registers', () => {
  test('refuses what is below its promise, and names it', () => {
    const { voter } = new Voting()
    voter.answer({ kind: 'reserve', key, ballot: at(7) }, NOW_MS)
    const answer = voter.answer({ kind: 'reserve', key, ballot: at(6) }, NOW_MS)
    assert(answer?.kind === 'rejected')
    assert.equal(answer.higher.round, 7)
  })

  test('a promise outlives the learning of a record', () => {
    const voting = new Voting()
    voting.reserve(at(9))
    assert.equal(voting.voter.learn(key, at(5, 'b'), 1, version(1)), 'learned')
    assert.equal(voting.commit(at(8), version(2)), 'rejected')
    assert.equal(voting.commit(at(9), version(2)), 'committed')
  })

  test('one ballot carries several versions, rising; an old duplicate is not answered', () => {
    const voting = new Voting()
    voting.reserve(at(3))
    assert.equal(voting.commit(at(3), version(1)), 'committed')
    assert.equal(voting.commit(at(3), version(2)), 'committed')
    assert.equal(voting.commit(at(3), version(1)), undefined)
    assert.equal(voting.cells.read(key).accepted?.record.version, 2)
  })

  test('two records at one ballot and version stop the peer', () => {
    const voting = new Voting()
    voting.commit(at(3), version(1))
    assert.throws(() => voting.commit(at(3), version(1, 'y')), /two records/)
  })

  test('what is as new as a commit is told instead of taking it', () => {
    const voting = new Voting()
    voting.voter.learn(key, at(2), 4, version(4))
    assert.equal(voting.commit(at(3), version(4, 'y')), 'moved')
    assert.equal(voting.commit(at(3), version(3)), 'moved')
    assert.equal(voting.commit(at(3), version(5)), 'committed')
  })

  test('the record that is held is taken once more at a higher ballot, above what was accepted beside it', () => {
    const voting = new Voting()
    voting.voter.learn(key, at(2), 4, version(4))
    voting.commit(at(2), version(5))
    assert.equal(voting.commit(at(3), version(4)), 'committed')
    assert.equal(voting.cells.read(key).accepted, undefined)
    assert.equal(voting.cells.read(key).held?.ballot.round, 3)
  })

  test('the record that is held at a ballot is one vote for it, however often it is asked for', () => {
    const voting = new Voting()
    voting.commit(at(3), version(4))
    voting.voter.learn(key, at(2), 4, version(4))
    assert.equal(voting.cells.read(key).held?.ballot.round, 3)
    assert.equal(voting.commit(at(3), version(4)), 'committed')
    assert.equal(voting.commit(at(2), version(4)), 'rejected')
  })

  test('a learn without a record takes what was accepted at exactly that ballot and version', () => {
    const voting = new Voting()
    voting.commit(at(3), version(1))
    assert.equal(voting.voter.learn(key, at(3), 2, undefined), 'wanted')
    assert.equal(voting.voter.learn(key, at(4), 1, undefined), 'wanted')
    assert.equal(voting.voter.learn(key, at(3), 1, undefined), 'learned')
  })

  test('what is held takes the ballot that its record was accepted at', () => {
    const voting = new Voting()
    voting.commit(at(6), version(1))
    voting.voter.learn(key, at(3), 1, version(1))
    const { held, accepted } = voting.cells.read(key)
    assert.equal(held?.ballot.round, 6)
    assert.equal(accepted, undefined)
  })

  test('what is accepted above a learned version stays', () => {
    const voting = new Voting()
    voting.commit(at(6), version(2))
    voting.voter.learn(key, at(6), 1, version(1))
    assert.equal(voting.cells.read(key).accepted?.record.version, 2)
  })

  test('a lower version at a higher ballot is an alarm, and both are kept', () => {
    const voting = new Voting()
    voting.voter.learn(key, at(3), 5, version(5))
    assert.equal(voting.voter.learn(key, at(4), 4, version(4)), 'diverged')
    const { held, diverged } = voting.cells.read(key)
    assert.deepEqual([held?.record.version, diverged?.record.version], [5, 4])
  })

  test('a stub raises no alarm, and is never told as something newer', () => {
    const voting = new Voting()
    voting.voter.learn(key, at(3), 5, version(5))
    voting.voter.forget(key, { ballot: at(7), record: stub(9) })
    assert.equal(voting.voter.learn(key, at(8), 6, version(6)), 'learned')
    voting.voter.forget(key, { ballot: at(9), record: stub(9) })
    assert.equal(voting.commit(at(10), version(7)), 'committed')
    assert.ok(isStub(voting.cells.read(key).held?.record ?? version(1)))
  })

  test('what was forgotten does not come back, by a learn or by a commit', () => {
    const voting = new Voting()
    voting.cells.sweep({ ballot: at(20), number: 4 }, [key])
    assert.equal(voting.voter.learn(key, at(20), 5, version(5)), 'gone')
    assert.equal(voting.commit(at(20), version(5)), 'rejected')
    const shown = voting.voter.answer({ kind: 'read', key, epoch: 0 }, NOW_MS)
    assert(shown?.kind === 'seen')
    assert.deepEqual([shown.shown.sweptTo?.round, shown.shown.number], [20, 4])
    assert.equal(voting.commit(at(21), version(5)), 'committed')
  })

  test('what is forgotten is found again by the next opening', () => {
    const voting = new Voting()
    voting.cells.sweep({ ballot: at(20), number: 4 }, [])
    const { swept } = new Cells(voting.store, utf8)
    assert.deepEqual([swept?.ballot.round, swept?.number], [20, 4])
  })

  test('of what it wrote lazily any may be lost, and the last that is left is right by itself', () => {
    const voting = new Voting()
    const deletion = { ...version(2), isDeleted: true }
    voting.commit(at(4), version(1))
    voting.voter.learn(key, at(4), 1, undefined)
    voting.voter.learn(key, at(5, 'b'), 2, deletion)
    voting.voter.learn(key, at(7, 'b'), 2, deletion)
    const [accepted, , , last] = voting.written
    const rows = new RowsOverlay({ get: () => undefined, range: () => [] })
    for (const writes of [accepted, last]) rows.apply(writes ?? [])
    const cells = new Cells({ ...voting.store, rows }, utf8)
    assert.equal(cells.read(key).accepted, undefined)
    assert.equal(cells.tombstones, 1)
  })

  test('a register that is live again is not counted as deleted, whichever of its writes are lost', () => {
    const voting = new Voting()
    voting.voter.learn(key, at(4), 1, version(1))
    voting.voter.learn(key, at(5, 'b'), 2, { ...version(2), isDeleted: true })
    for (const number of [3, 4]) voting.voter.learn(key, at(4 + number, 'b'), number, version(number))
    const [first, deletion, again, last] = voting.written
    assert.ok(first !== undefined && deletion !== undefined && again !== undefined && last !== undefined)
    for (const [kept, tombstones] of [
      [[first], 0],
      [[deletion], 1],
      [[deletion, again], 0],
      [[deletion, last], 0],
    ] as const) {
      const rows = new RowsOverlay({ get: () => undefined, range: () => [] })
      for (const writes of kept) rows.apply(writes)
      assert.equal(new Cells({ ...voting.store, rows }, utf8).tombstones, tombstones)
    }
  })
})
