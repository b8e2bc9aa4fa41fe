/**
 * What a cut took away from sets and perhaps nobody else has: kept in files before the peer lets go
 * of it.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import pino from 'pino'
import type { DroppedLot, DroppedRequest } from '../../protocols/sets/requests.ts'
import { keepDropped } from '../../src/peer/dropped.ts'
import { Warnings } from '../../src/peer/warnings.ts'
import { readReplica } from '../../src/transit/documents.ts'
import { eventually } from './http-fixture.ts'

const LOT: DroppedLot = { set: 's', cut: 3, entries: [{ element: Buffer.from('[1,"a"]'), added: 7, removed: 5 }] }

it('dropped elements are written to files of their own, as a replica that can be sent back, and then let go', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'replicator-dropped-'))
  const lots = [LOT, { ...LOT, entries: [{ element: Buffer.from('2'), added: 9, removed: -1 }] }]
  const warnings = new Warnings()
  const closers: (() => Promise<void>)[] = []
  try {
    const ask = async (_type: string, request: unknown): Promise<unknown> => {
      const asked = request as DroppedRequest
      if (asked.kind === 'dropped') return { kind: 'dropped', lots: lots.slice(0, 1) }
      assert.equal(asked.lot, lots.shift())
      return { kind: 'stored', shiftMs: 0 }
    }
    keepDropped(
      {
        types: { ask, watch: () => ({ say: () => undefined, end: () => undefined }) },
        directory,
        logger: pino({ level: 'silent' }),
        warnings,
      },
      closers,
    )
    await eventually(() => lots.length === 0, 'all is let go')
    for (const close of closers) await close()
    assert.deepEqual((await readdir(directory)).toSorted(), ['s-dropped-3-2.json', 's-dropped-3.json'])
    const { value } = readReplica(await readFile(join(directory, 's-dropped-3.json')), 'json')
    assert.deepEqual(value, LOT.entries)
    assert.equal((await stat(join(directory, 's-dropped-3.json'))).mode & 0o777, 0o600)
    assert.ok(
      warnings
        .all(true, 0, () => false)
        .some((warning) => /^1 elements of the set s .* were dropped at cut 3: they are in .*s-dropped-3\.json$/.test(warning)),
    )
  } finally {
    await rm(directory, { recursive: true })
  }
})
