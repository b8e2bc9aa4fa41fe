/** Who keeps the store of a log is told when to open it, and when it is for nobody any more. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Rows, RowWrite } from '../../protocols/base/rows.ts'
import type { TypeContext } from '../../protocols/data-type.ts'
import type { ClientId } from '../../protocols/events.ts'
import { birthKey, endKey, generationKey, writeBirth } from '../../protocols/log/birth.ts'
import type { Birth } from '../../protocols/log/birth.ts'
import { LOG_LIMITS } from '../../protocols/log/limits.ts'
import { Logs } from '../../protocols/log/logs.ts'
import { LogRows } from '../../protocols/log/rows.ts'
import type { HostTold } from '../../protocols/log/requests.ts'
import { utf8 } from '../../src/bytes.ts'
import { peerA, peerB } from './wire-examples.ts'

const LOG_ID = '0123456789abcdef0123456789abcdef'
const HOST: ClientId = 7

function birth(generation: number): Birth {
  const voters = generation === 0 ? [peerA, peerB] : [peerB]
  return {
    name: 'orders',
    life: 1,
    logId: LOG_ID,
    generation,
    store: 'kv',
    place: 'cluster:c1',
    electionMs: 1_000,
    voters,
    isLeased: false,
  }
}

/** The type alone, at a peer that is connected to nobody and offers a store. */
class Alone {
  readonly told: string[] = []
  readonly logs: Logs
  readonly #held = new Map<string, Uint8Array>()

  constructor() {
    const { told } = this
    const context = {
      self: peerA,
      moment: { nowMs: 0 },
      wallMs: () => 0,
      random: () => 0,
      codec: { utf8 },
      roster: { connected: () => [], isConnected: () => false, clusterId: 'c1' },
      rows: this.rows,
      decidedNames: () => [],
      persist: (_: string, rows: readonly RowWrite[]) => this.write(rows),
      note: () => {},
      tell: (_: ClientId, event: HostTold) => told.push(event.kind === 'open' ? `open ${event.generation}` : event.kind),
    }
    this.logs = new Logs(context as unknown as TypeContext, 3, LOG_LIMITS)
    const request = { kind: 'host', log: 'orders', store: 'kv', place: undefined, learns: false } as const
    this.logs.asked({ kind: 'typed', type: 'logs', client: HOST, request, deadlineMs: 0 })
  }

  decided(key: string, record: Birth): void {
    this.logs.decided(key, writeBirth(record, utf8))
  }

  write(rows: readonly RowWrite[]): void {
    for (const { name, bytes } of rows) {
      if (bytes === undefined) this.#held.delete(name)
      else this.#held.set(name, bytes)
    }
  }

  get rows(): Rows {
    const held = this.#held
    return {
      get: (name) => held.get(name),
      *range(prefix, after = '') {
        for (const name of [...held.keys()].filter((each) => each.startsWith(prefix) && each > after).toSorted())
          yield { name, bytes: held.get(name) as Uint8Array }
      },
    }
  }
}

suite('whoever keeps the store of a log', () => {
  test('lets go of it where the log goes on elsewhere and nothing of it is here', () => {
    const peer = new Alone()
    peer.decided(birthKey('orders', 1), birth(0))
    assert.deepEqual(peer.told, ['open 0'])
    peer.decided(generationKey('orders', 1, 1), birth(1))
    assert.deepEqual(peer.told, ['open 0', 'ended'])
  })

  test('opens it for the later generation where the peer had rows of the one before', () => {
    const peer = new Alone()
    peer.decided(birthKey('orders', 1), birth(0))
    peer.write(new LogRows(LOG_ID, peer.rows, utf8).of({ kind: 'hard-state', term: 1, vote: undefined }))
    peer.decided(generationKey('orders', 1, 1), birth(1))
    assert.deepEqual(peer.told, ['open 0', 'open 1'])
    peer.logs.decided(endKey('orders', 1), utf8.encode(LOG_ID))
    assert.deepEqual(peer.told, ['open 0', 'open 1', 'ended'])
    assert.deepEqual([...peer.rows.range(LOG_ID)], [])
  })
})
