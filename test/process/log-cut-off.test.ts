/**
 * A leader of a log that is cut off from the others, and not from clients: real peers in network
 * namespaces. What clients were told is checked by the project's checker and by porcupine.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isRead } from '../chaos/logs/history.ts'
import type { ListOperation } from '../chaos/logs/history.ts'
import { checkLinearList } from '../chaos/logs/linear.ts'
import { checkList, longestRead } from '../chaos/logs/rules.ts'
import { hindrance, passesInside } from '../chaos/namespaces.ts'
import type { CutHistory } from './cut-leader.ts'
import { askPorcupine, whyNoPorcupine } from './porcupine.ts'

describe('a leader that is cut off from the others', { skip: hindrance() ?? false }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'replicator-cut-off-'))
  let told: CutHistory
  let lists: ListOperation[][]

  before(async () => {
    const path = join(directory, 'history.json')
    await passesInside(AbortSignal.timeout(240_000), [fileURLToPath(new URL('cut-leader.ts', import.meta.url)), path])
    told = JSON.parse(readFileSync(path, 'utf8')) as CutHistory
    lists = told.operations.map(([, operations]) => operations as ListOperation[])
  })
  after(() => rmSync(directory, { recursive: true, force: true }))

  it('serves no read once it has stepped down, while the others serve reads and take writes', (context) => {
    const during = lists.flat().filter(({ beganMs, endedMs }) => beganMs > told.steppedDownMs && endedMs < told.healedMs)
    const [own, others] = [true, false].map((isOwn) => during.filter(({ peer }) => (peer === told.cutOff) === isOwn)) as [
      ListOperation[],
      ListOperation[],
    ]
    const count = (some: readonly ListOperation[], kind: string): number => some.filter(({ answer }) => answer.kind === kind).length
    context.diagnostic(
      `cut off: ${count(own, 'found')} reads of ${own.filter(isRead).length}; the others: ${count(others, 'found')} reads, ${count(others, 'done')} writes`,
    )
    assert.deepEqual([count(own, 'found'), count(own, 'done')], [0, 0])
    assert(count(others, 'found') > 0 && count(others, 'done') > 0, 'the others did nothing')
  })

  it('gave no stale answer at any time', () => {
    assert.deepEqual(told.oddities, [])
    for (const operations of lists) {
      assert.deepEqual(checkList(operations), [])
      assert.equal(checkLinearList(operations), 'linearizable')
    }
  })

  it('gave none that porcupine would call stale, and a stale one is found by both', { skip: whyNoPorcupine() }, () => {
    const stale = lists.map(withStaleRead)
    assert.deepEqual(askPorcupine([...lists, ...stale]), [...lists.map(() => true), ...stale.map(() => false)])
    for (const operations of stale) assert.equal(checkLinearList(operations), 'not linearizable')
  })
})

/** The last read shows one item less than there was. */
function withStaleRead(operations: readonly ListOperation[]): ListOperation[] {
  const whole = longestRead(operations)
  const last = operations.findLast((operation) => isRead(operation) && operation.answer.kind === 'found')
  assert(last !== undefined && whole.length > 1)
  const answer = { kind: 'found' as const, index: 1, items: whole.slice(0, -1) }
  const later = { ...last, beganMs: last.endedMs + 1, endedMs: last.endedMs + 2, answer }
  return [...operations, later]
}
