/** A log within this program: a lone member, upon cells in memory that outlive it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { utf8 } from '../../src/bytes.ts'
import { LogRefused, NotAQuery, openLog, Rejected, storeUpon } from '../../src/library/log.ts'
import type { Machine, OpenLogInit, ReplicatedLog } from '../../src/library/log.ts'
import { MemoryCells } from '../../src/stores/cells.ts'

const READY_MS = 60_000

/** Counts what it is told, under names of its own. */
const COUNTER: Machine = {
  apply: async (command, state, { index }) => {
    const text = utf8.decode(command)
    if (text === '') throw new Rejected('syntax', 'no-name')
    const count = Number(utf8.decode((await state.get(text)) ?? utf8.encode('0'))) + 1
    state.put(text, utf8.encode(String(count)))
    return { count, index }
  },
  query: async (query, view) => {
    if (query.length === 0) throw new NotAQuery('a query is a name')
    return Number(utf8.decode((await view.get(utf8.decode(query))) ?? utf8.encode('0')))
  },
}

function told(bytes: Uint8Array): unknown {
  return JSON.parse(utf8.decode(bytes))
}

async function problemOf(answer: Promise<unknown>): Promise<LogRefused> {
  try {
    await answer
  } catch (error) {
    if (error instanceof LogRefused) return error
    throw error
  }
  throw new Error('it was not refused')
}

describe('a log within a program', () => {
  let directory = ''
  let log: ReplicatedLog
  const cells = new MemoryCells()
  const open = (more: Partial<OpenLogInit> = {}): ReplicatedLog =>
    openLog({
      name: 'counts',
      store: storeUpon('counter', COUNTER, async () => cells),
      cid: 'c1',
      data: join(directory, 'data'),
      listen: '/ip4/127.0.0.1/tcp/0',
      minPeers: 1,
      logLevel: 'silent',
      ...more,
    })

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'replicator-library-'))
    log = open()
    await log.start()
    await log.ready(AbortSignal.timeout(READY_MS))
  })
  after(async () => {
    await log.stop()
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  })

  it('takes commands and shows what they made, as JSON', async () => {
    const { count, index } = told(await log.save('a')) as { readonly count: number; readonly index: number }
    assert.equal(count, 1)
    assert(index > 1)
    assert.deepEqual([told(await log.load('a')), told(await log.load('b', { consistency: 'local' }))], [1, 0])
    assert.deepEqual(
      (await log.listMembers()).map(({ id, status }) => ({ id, status })),
      [{ id: log.id, status: 'leader' }],
    )
  })

  it('does a command with an id once, and refuses the id to another', async () => {
    const first = told(await log.save('once', { id: 'one' }))
    assert.deepEqual(told(await log.save('once', { id: 'one' })), first)
    assert.equal((await problemOf(log.save('other', { id: 'one' }))).problem, 'idempotency-key-reused')
    assert.equal(told(await log.load('once')), 1)
  })

  it('says what a store refuses, and what is no query', async () => {
    const refused = await problemOf(log.save(''))
    assert.deepEqual([refused.problem, refused.class, refused.code], ['rejected', 'syntax', 'no-name'])
    assert.equal((await problemOf(log.load(''))).problem, 'not-a-query')
    assert.equal((await problemOf(log.save('a', { id: 'spaces are none' }))).problem, 'bad-parameter')
    assert.equal((await problemOf(log.addMember('nobody'))).problem, 'bad-parameter')
  })

  it('goes on where it was when it is opened again', async () => {
    await log.save('kept')
    const { id } = log
    await log.stop()
    log = open()
    assert.throws(() => log.id, /not started/)
    await log.start()
    await assert.rejects(log.start(), /started before/)
    await log.ready(AbortSignal.timeout(READY_MS))
    assert.deepEqual([log.id, told(await log.load('kept'))], [id, 1])
  })

  it('refuses settings in one line before it opens anything', () => {
    assert.throws(() => open({ name: 'a b' }), /the name of a log/)
    assert.throws(() => open({ listen: 'here' }), /^Error: -listen "here": this is no multiaddr/)
    assert.throws(() => open({ minPeers: 0 }), /-min-peers/)
    assert.throws(() => open({ store: storeUpon('a/b', COUNTER, async () => cells) }), /the kind of a store/)
  })
})
