/**
 * Repair of the rows of further types: between whom, what is told with them, and what a change of
 * the config waits for.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { RowWrite } from '../../protocols/base/rows.ts'
import type { DataType, TypeContext, TypeDefinition } from '../../protocols/data-type.ts'
import { IndexedRows, rowDigest } from '../../protocols/repair/indexed-rows.ts'
import { refuse } from '../../protocols/wire/malformed.ts'
import { protocolOf } from '../../protocols/types.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { configOf, worldOf } from './core-harness.ts'
import type { TestWorld } from './core-harness.ts'

/**
 * Rows that only come, or are taken away by a test; the first byte of a mark says how often that
 * was done.
 */
class Held implements DataType {
  readonly rows: IndexedRows
  readonly collection: NonNullable<DataType['collection']>
  /** What pulls told, in words. */
  readonly visits: string[] = []
  readonly context: TypeContext
  removals = 0
  /** Rows that are listed and not delivered. */
  readonly withheld: Set<string> = new Set()
  accepts: (mark: Uint8Array) => boolean = () => true

  constructor(context: TypeContext) {
    const rows = new IndexedRows(context.rows, rowDigest(context.sha256, context.codec))
    this.context = context
    this.rows = rows
    this.collection = {
      isCarriedOver: true,
      tree: rows.tree,
      leaf: (leaf, after, limit) => rows.leaf(leaf, after, limit),
      lacks: (name, digest) => rows.lacks(name, digest),
      held: (name) => (this.withheld.has(name) ? undefined : rows.get(name)),
      isWithheld: () => false,
      take: (told) => {
        this.persist(told.flatMap(({ key, record }) => rows.put(key, record)))
        return told.length
      },
      page: () => ({ keys: [], more: false }),
      settle: (_, settled) => settled(true),
      mark: () => Uint8Array.of(this.removals),
      visit: (source) => ({
        told: (mark) => this.accepts(mark),
        listed: (_, names) => void this.visits.push(`${source.peerId} has ${[...names].join(' ')}`),
        ended: (isDone) => void this.visits.push(isDone ? 'done' : 'failed'),
      }),
    }
  }

  put(name: string): void {
    this.persist(this.rows.put(name, Uint8Array.of(1)))
  }

  remove(name: string): void {
    this.removals += 1
    this.persist(this.rows.remove(name))
  }

  told(): void {
    // It says nothing beside its rows.
  }

  asked(): void {
    // Nobody asks it anything.
  }

  private persist(rows: readonly RowWrite[]): void {
    this.context.persist('all', rows)
  }
}

const VOTERS = ['a', 'b', 'c']

/** What builds with the type speak, and no build without it. */
const NEWER = protocolOf([]) + 1

/** @param old of a build without the type */
function started(
  names: readonly string[] = VOTERS,
  old: readonly string[] = [],
  protocolMin = NEWER,
): { world: TestWorld; held: (name: string) => Held } {
  const types = new Map<string, Held>()
  const definition: TypeDefinition = {
    name: 'held',
    code: 3,
    since: NEWER,
    create: (context) => {
      const type = new Held(context)
      types.set(context.self.peerId, type)
      return type
    },
  }
  const config = { ...configOf(0, { c1: VOTERS }), protocolMin }
  const world = worldOf({ c1: names }, [config], (name) => (old.includes(name) ? [] : [definition]))
  return { world, held: (name) => types.get(name) as Held }
}

function rowsAt(type: Held): string[] {
  return [...type.rows.range('')].map(({ name }) => name)
}

function isOfRows({ kind }: Message): boolean {
  return kind === 'rows-wanted' || kind === 'rows-told'
}

suite('rows of a further type', () => {
  test('come to every peer by repair, and roots say when they have', () => {
    const { world, held } = started()
    for (let row = 0; row < 40; row += 1) held('a').put(`row ${row}`)
    world.reach('all have them', () => VOTERS.every((name) => rowsAt(held(name)).length === 40))
    const before = world.seen.filter(({ message }) => isOfRows(message)).length
    world.advance(60_000)
    assert.equal(world.seen.filter(({ message }) => isOfRows(message)).length, before)
  })

  test('are told to no peer of a build without the type, which hears heartbeats as they were', () => {
    const { world, held } = started(VOTERS, ['c'], NEWER - 1)
    held('a').put('row')
    world.reach('b has it', () => rowsAt(held('b')).length === 1)
    world.advance(30_000)
    const toOld = world.seen.filter(({ to }) => to === 'c')
    assert.equal(toOld.filter(({ message }) => isOfRows(message)).length, 0)
    assert.equal(toOld.filter(({ message }) => message.kind === 'heartbeat' && message.health.types !== undefined).length, 0)
    assert(world.seen.some(({ to, message }) => to === 'b' && message.kind === 'heartbeat' && message.health.types?.[0]?.rowCount === 1))
  })

  test('whole leaves tell a puller what its source lacks', () => {
    const { world, held } = started()
    for (const name of ['kept', 'gone']) held('a').put(name)
    world.reach('b has them', () => rowsAt(held('b')).length === 2)
    held('a').remove('gone')
    held('b').visits.length = 0
    let isDone: boolean | undefined
    held('b').context.pull(world.get('a').identity, (done) => (isDone = done))
    world.get('b').step({ kind: 'tick' })
    world.reach('the pull is over', () => isDone !== undefined)
    assert.deepEqual([isDone, held('b').visits], [true, ['a has ', 'done']])
  })

  test('a mark that is not accepted fails the pull, and nothing is concluded from it', () => {
    const { world, held } = started()
    world.advance(5_000)
    for (const name of ['b', 'c']) held(name).accepts = ([removals = 0]) => removals === 0
    for (const name of ['one', 'two']) held('a').put(name)
    held('a').remove('two')
    world.advance(20_000)
    assert.deepEqual(rowsAt(held('b')), [])
    assert(held('b').visits.includes('failed'))
    for (const name of ['b', 'c']) held(name).accepts = () => true
    world.reach('it is copied after all', () => rowsAt(held('b')).length === 1)
  })

  test('a row that is listed and not delivered fails the pull', () => {
    const { world, held } = started()
    held('a').put('row')
    held('a').withheld.add('row')
    let isDone: boolean | undefined
    held('b').context.pull(world.get('a').identity, (done) => (isDone = done))
    world.get('b').step({ kind: 'tick' })
    world.reach('the pull is over', () => isDone !== undefined)
    assert.equal(isDone, false)
  })

  test('a row that no peer writes fails the pull and closes the connection, and the peer goes on', () => {
    const { world, held } = started()
    held('b').collection.take = () => refuse('not a row')
    held('a').put('row')
    const disconnected = (): boolean => world.get('b').notes.some((note) => note.kind === 'refused' && note.reason === 'not a row')
    world.reach('b has refused it', disconnected)
    assert.deepEqual(rowsAt(held('b')), [])
  })

  test('a pull of a peer that is not connected fails at once', () => {
    const { world, held } = started()
    let isDone: boolean | undefined
    const { identity } = world.get('a')
    world.get('a').crash()
    held('b').context.pull(identity, (done) => (isDone = done))
    assert.equal(isDone, false)
  })

  test('a new voter covers an old one when it holds the rows of every type', () => {
    const { world, held } = started(['a', 'b', 'c', 'd', 'e'])
    world.advance(5_000)
    world.loses = (_, to, message) => 'de'.includes(to) && message.kind === 'rows-told'
    held('a').put('row')
    const client = world.change(world.get('a'), { remove: ['b', 'c'], add: ['d', 'e'] }, 60_000)
    world.advance(3_500)
    const { config } = world.get('a').core
    assert(config?.next !== undefined, 'the change was finished before its new voter had the rows')
    world.loses = () => false
    const outcome = world.outcome(world.get('a'), client, 60_000)
    if (outcome.kind === 'changed') assert.deepEqual(rowsAt(held('d')), ['row'])
  })
})
