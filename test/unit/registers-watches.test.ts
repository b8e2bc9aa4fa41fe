/** Watches of registers: what is told, in which order, where a cursor leads, and who is cut. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { dataKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import { Changes } from '../../protocols/registers/changes.ts'
import { made } from '../../protocols/registers/judge.ts'
import { MARK_NONE, stub } from '../../protocols/registers/record.ts'
import type { Entry, RegisterRecord } from '../../protocols/registers/record.ts'
import type { WatchAnswer, WatchRequest } from '../../protocols/registers/requests.ts'
import { Watches } from '../../protocols/registers/watches.ts'
import { peer } from './core-harness.ts'

const CLIENT = 1
const BALLOT = { epoch: 0, round: 1, by: peer('a') }

/** What is held, and one client that watches it. */
class Watching {
  readonly told: string[] = []
  cursor = ''
  private readonly held = new Map<RegisterKey, Entry>()
  private readonly changes = new Changes()
  private readonly watches: Watches

  constructor(run = 'run') {
    const take = (_: number, answer: WatchAnswer): void => void this.take(answer)
    this.watches = new Watches({
      changes: this.changes,
      run,
      held: (key) => this.held.get(key),
      live: (prefix, after) => this.live(prefix, after),
      tell: take,
      end: take,
    })
  }

  put(key: string, version: number, size = 1): void {
    this.hold(key, record(version, new Uint8Array(size)))
  }

  hold(key: string, next: RegisterRecord): void {
    const before = this.held.get(dataKey(key))
    this.held.set(dataKey(key), { ballot: BALLOT, record: next })
    this.changes.held(dataKey(key), before?.record, next)
  }

  watch(from: WatchRequest['from'], more: Partial<WatchRequest> = {}): void {
    this.watches.begin(CLIENT, { kind: 'watch', prefix: '', values: false, from, ...more })
  }

  taken(bytes: number): void {
    this.watches.taken(CLIENT, bytes)
  }

  tick(times = 1): void {
    for (let each = 0; each < times; each += 1) this.watches.tick()
  }

  /** What was told since the last time. */
  take(answer?: WatchAnswer): string[] {
    if (answer === undefined) return this.told.splice(0)
    if (answer.kind !== 'events') this.told.push(answer.kind)
    else this.told.push(...answer.events.map(({ kind, key, version }) => `${kind} ${key} ${version}`))
    if (answer.kind === 'watching' || answer.kind === 'watch-ended') this.cursor = answer.cursor
    if (answer.kind === 'events') this.cursor = answer.events.at(-1)?.cursor ?? this.cursor
    return []
  }

  private *live(prefix: string, after: string): Iterable<readonly [RegisterKey, Entry]> {
    for (const key of [...this.held.keys()].toSorted()) {
      const entry = this.held.get(key)
      if (key.startsWith(prefix) && key > after && entry?.record.isDeleted === false) yield [key, entry]
    }
  }
}

function record(version: number, value: Uint8Array | undefined): RegisterRecord {
  const contents = value === undefined ? { kind: 'deleted' as const } : { kind: 'value' as const, value, contentType: '', ttlMs: undefined }
  const write = { contents, condition: undefined, writeId: 'w', mark: MARK_NONE, writtenAtMs: 0, isMaybeRetry: false, after: undefined }
  return made(write, { base: undefined, number: version - 1 })
}

suite('a watch of registers', () => {
  test('begins with what is live, in the order of the keys, and goes on with changes', () => {
    const watching = new Watching()
    watching.put('b', 3)
    watching.put('a', 1)
    watching.watch('start')
    watching.tick()
    watching.put('b', 4)
    watching.tick()
    assert.deepEqual(watching.take(), ['put a 1', 'put b 3', 'watching', 'put b 4'])
  })

  test('tells of a register what is held when it is told, once', () => {
    const watching = new Watching()
    watching.watch('now')
    watching.put('a', 1)
    watching.put('a', 2)
    watching.hold('b', record(7, undefined))
    watching.tick()
    assert.deepEqual(watching.take(), ['watching', 'put a 2', 'delete b 7'])
  })

  test('a register that was forgotten meanwhile is told with the highest version that it had', () => {
    const watching = new Watching()
    watching.put('a', 1)
    watching.watch('now')
    watching.put('a', 2)
    watching.hold('a', record(3, undefined))
    watching.hold('a', stub(9))
    watching.tick()
    assert.deepEqual(watching.take(), ['watching', 'delete a 3'])
  })

  test('a register that changes while the list is told is told again behind it', () => {
    const watching = new Watching()
    for (let each = 0; each < 600; each += 1) watching.put(`k${String(each).padStart(3, '0')}`, 1)
    watching.watch('start')
    watching.tick()
    watching.put('k000', 2)
    watching.tick(3)
    assert.deepEqual(watching.take().slice(-2), ['watching', 'put k000 2'])
  })

  test('goes on from a cursor with what came behind it', () => {
    const watching = new Watching()
    watching.watch('now')
    watching.put('a', 1)
    watching.put('b', 1)
    watching.tick()
    const { cursor } = watching
    watching.put('c', 1)
    watching.take()
    watching.watch({ cursor })
    watching.tick()
    assert.deepEqual(watching.take(), ['watching', 'put c 1'])
  })

  test('a cursor of another run, of the future or not remembered any more is refused', () => {
    const watching = new Watching('second')
    watching.watch({ cursor: 'first-0' })
    watching.watch({ cursor: 'second-5' })
    for (let each = 0; each <= 100_000; each += 1) watching.put('a', each + 1)
    watching.watch({ cursor: 'second-0' })
    assert.deepEqual(watching.take(), ['cursor-gone', 'cursor-gone', 'cursor-gone'])
    watching.watch({ cursor: 'second-1' })
    assert.deepEqual(watching.take(), ['watching'])
  })

  test('is told nothing of other prefixes, and its cursor goes on all the same', () => {
    const watching = new Watching()
    watching.watch('now', { prefix: 'a/' })
    watching.put('b', 1)
    watching.put('a/1', 1)
    watching.tick()
    assert.deepEqual(watching.take(), ['watching', 'put a/1 1'])
  })

  test('a forgotten register is told as deleted, with the version that was held before', () => {
    const watching = new Watching()
    watching.put('a', 3)
    watching.watch('now')
    watching.hold('a', stub(90))
    watching.tick()
    assert.deepEqual(watching.take(), ['watching', 'delete a 3'])
  })

  test('of a register that was gone already nothing is told when more of it is forgotten', () => {
    const watching = new Watching()
    watching.put('a', 3)
    watching.watch('now')
    watching.tick()
    watching.take()
    watching.hold('b', stub(4))
    watching.hold('a', stub(7))
    watching.hold('a', stub(9))
    watching.tick()
    assert.deepEqual(watching.take(), ['delete a 3'])
  })

  test('a client that does not read is cut, with the cursor to go on from', () => {
    const watching = new Watching()
    watching.watch('now', { values: true })
    for (let each = 1; each <= 5; each += 1) watching.put(`k${each}`, 1, 300_000)
    watching.tick()
    assert.deepEqual(watching.take(), ['watching', 'put k1 1', 'put k2 1', 'put k3 1', 'put k4 1', 'watch-ended'])
    watching.watch({ cursor: watching.cursor }, { values: true })
    watching.tick()
    assert.deepEqual(watching.take(), ['watching', 'put k5 1'])
  })

  test('a client that reads is not cut, and is waited for while the list is told', () => {
    const watching = new Watching()
    for (let each = 1; each <= 5; each += 1) watching.put(`k${each}`, 1, 200_000)
    watching.watch('start', { values: true })
    watching.tick(4)
    assert.deepEqual(watching.take(), ['put k1 1', 'put k2 1'])
    watching.taken(500_000)
    watching.tick()
    assert.deepEqual(watching.take(), ['put k3 1', 'put k4 1'])
  })
})
