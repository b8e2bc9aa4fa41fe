/**
 * Requests of further types through the loop: one answer or many, what ends them, and nothing
 * before its write is on disk.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { TypeContext, TypeDefinition } from '../../protocols/data-type.ts'
import type { TypeOutcome } from '../../protocols/effects.ts'
import type { ClientId } from '../../protocols/events.ts'
import { until } from '../contract/transport.ts'
import { CoreNetwork } from './core-network.ts'
import type { CorePeer } from './core-network.ts'

/** Remembers who asked, and leaves the answers to the test. */
class Asked {
  context: TypeContext | undefined
  readonly clients: ClientId[] = []
  readonly cancelled: ClientId[] = []
  readonly definition: TypeDefinition = {
    name: 'asked',
    code: 9,
    since: 2,
    create: (context) => {
      this.context = context
      return {
        told: () => undefined,
        asked: ({ client }) => void this.clients.push(client),
        cancel: (client) => void this.cancelled.push(client),
      }
    },
  }

  /** Says something to the last client, behind a write. */
  say(what: string, isLast: boolean, peer: CorePeer): void {
    const client = this.clients.at(-1) as ClientId
    this.context?.persist('s', [{ name: 'row', bytes: new Uint8Array(1) }])
    this.context?.[isLast ? 'answer' : 'tell'](client, what, { type: 'asked', name: 's' })
    peer.runtime.dispatch({ kind: 'tick' })
  }
}

suite('requests of further types', () => {
  async function opened(): Promise<{ peer: CorePeer; asked: Asked; network: CoreNetwork }> {
    const asked = new Asked()
    const network = new CoreNetwork()
    network.types = [asked.definition]
    const peer = await network.join('a', 'c1', 1)
    return { peer, asked, network }
  }

  test('a watch is told in order what is on disk, and its last answer ends it', async () => {
    const { peer, asked, network } = await opened()
    const told: string[] = []
    const event = { kind: 'typed' as const, type: 'asked', request: 'watch', deadlineMs: Number.POSITIVE_INFINITY }
    const { end } = peer.runtime.watch(
      (client) => ({ ...event, client }),
      ({ answer }: TypeOutcome, isLast) => void told.push(`${String(answer)}${isLast ? '.' : ''}`),
    )
    assert.deepEqual(asked.clients, [])
    await until('it is asked', () => asked.clients.length === 1)
    for (const [what, isLast] of [
      ['one', false],
      ['two', false],
      ['three', true],
    ] as const) {
      asked.say(what, isLast, peer)
      assert(!told.includes(what), 'told before it is on disk')
      await until(`${what} is told`, () => told.some((each) => each.startsWith(what)))
    }
    end()
    assert.deepEqual([told, asked.cancelled], [['one', 'two', 'three.'], []])
    await network.close()
  })

  test('a watch that its client ends is told nothing more, and the type hears of it once', async () => {
    const { peer, asked, network } = await opened()
    const told: unknown[] = []
    const event = { kind: 'typed' as const, type: 'asked', request: 'watch', deadlineMs: Number.POSITIVE_INFINITY }
    const { end } = peer.runtime.watch(
      (client) => ({ ...event, client }),
      ({ answer }) => void told.push(answer),
    )
    await until('it is asked', () => asked.clients.length === 1)
    end()
    end()
    asked.say('late', false, peer)
    await new Promise((resolve) => setImmediate(resolve))
    await peer.runtime.ask(
      (client) => ({ kind: 'get', client, key: 'k' as never, consistency: 'local', waitUntilMs: undefined, deadlineMs: 0 }),
      undefined,
    )
    assert.deepEqual([told, asked.cancelled], [[], asked.clients])
    assert.equal(peer.runtime.waitingCount, 0)
    await network.close()
  })

  test('a request that is answered once gives its answer', async () => {
    const { peer, asked, network } = await opened()
    const answer = peer.runtime.ask((client) => ({ kind: 'typed', type: 'asked', client, request: 'this', deadlineMs: 0 }), undefined)
    asked.say('done', true, peer)
    assert.deepEqual(await answer, { kind: 'typed', type: 'asked', answer: 'done' })
    await network.close()
  })

  test('a request whose client hangs up has no answer, and the type hears of it once', async () => {
    const { peer, asked, network } = await opened()
    const client = new AbortController()
    const answer = peer.runtime.ask((id) => ({ kind: 'typed', type: 'asked', client: id, request: 'this', deadlineMs: 0 }), client)
    client.abort()
    assert.equal(await answer, undefined)
    asked.say('late', true, peer)
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(asked.cancelled, asked.clients)
    assert.equal(peer.runtime.waitingCount, 0)
    await network.close()
  })

  test('a request that was answered is not cancelled by a client that hangs up afterwards', async () => {
    const { peer, asked, network } = await opened()
    const client = new AbortController()
    const answer = peer.runtime.ask((id) => ({ kind: 'typed', type: 'asked', client: id, request: 'this', deadlineMs: 0 }), client)
    asked.say('done', true, peer)
    await answer
    client.abort()
    assert.deepEqual(asked.cancelled, [])
    await network.close()
  })
})
