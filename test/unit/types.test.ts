/**
 * Further types of data in a peer: whose message and whose request it is, and what waits for what.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ProtocolViolation } from '../../protocols/base/assert.ts'
import { OFFERS_SINCE } from '../../protocols/base/config.ts'
import type { TypeContext, TypeDefinition } from '../../protocols/data-type.ts'
import { MalformedBytes } from '../../protocols/wire/malformed.ts'
import { Types, protocolOf } from '../../protocols/types.ts'
import type { TypesContext } from '../../protocols/types.ts'
import { valueCountOf } from '../../src/network/message-weight.ts'
import { configOf, peer, sends, worldOf } from './core-harness.ts'
import type { TestWorld } from './core-harness.ts'

function type(name: string, code: number, seen: string[]): TypeDefinition {
  return {
    name,
    code,
    since: protocolOf([]) + 1,
    create: () => ({
      told: (from, body) => seen.push(`${name} is told ${body.length} bytes by ${from.peerId}`),
      asked: ({ request }) => seen.push(`${name} is asked ${String(request)}`),
    }),
  }
}

/** Types that use nothing of the peer around them. */
function typesOf(definitions: readonly TypeDefinition[]): Types {
  const tables = { rows: () => ({ get: () => undefined, range: () => [] }) }
  return new Types(definitions, { tables } as unknown as TypesContext)
}

test('a message goes to the type of its code, and one of a type that is not here is passed over', () => {
  const seen: string[] = []
  const { handles } = typesOf([type('a', 1, seen), type('b', 2, seen)])
  for (const code of [2, 3, 1]) handles.typed(peer('x'), { kind: 'typed', type: code, body: new Uint8Array(code) })
  handles['typed-bulk'](peer('x'), { kind: 'typed-bulk', type: 1, body: new Uint8Array(9) })
  assert.deepEqual(seen, ['b is told 2 bytes by x', 'a is told 1 bytes by x', 'a is told 9 bytes by x'])
})

test('a request goes to the type of its name, and there is no request of a type that is not here', () => {
  const seen: string[] = []
  const { requests } = typesOf([type('a', 1, seen)])
  const ask = (name: string): void => requests.typed({ kind: 'typed', type: name, client: 1, request: 'this', deadlineMs: 0 })
  ask('a')
  assert.deepEqual(seen, ['a is asked this'])
  assert.throws(() => ask('b'), ProtocolViolation)
})

test('two types go by different names and codes', () => {
  assert.throws(() => typesOf([type('a', 1, []), type('a', 2, [])]), ProtocolViolation)
  assert.throws(() => typesOf([type('a', 1, []), type('b', 1, [])]), ProtocolViolation)
})

test('a peer speaks the version of its latest type, and at least that from which on puts are offered', () => {
  assert.equal(protocolOf([]), OFFERS_SINCE)
  assert.equal(protocolOf([{ since: 2 }, { since: 3 }]), OFFERS_SINCE)
  assert.equal(protocolOf([{ since: 2 }, { since: 30 }]), 30)
})

test('what types say to one another is counted as no value of a client', () => {
  const body = new Uint8Array(9)
  for (const kind of ['typed', 'typed-bulk', 'typed-spare'] as const) assert.equal(valueCountOf({ kind, type: 1, body }), 0)
})

suite('a type in a peer', () => {
  const slot = { type: 'a', name: 's' }

  /** A world of two peers, both with a type whose context a test has. */
  function worldWith(old: readonly string[] = []): {
    world: TestWorld
    contexts: Map<string, TypeContext>
    seen: string[]
    decided: string[]
  } {
    const contexts = new Map<string, TypeContext>()
    const seen: string[] = []
    const decided: string[] = []
    const definition: TypeDefinition = {
      ...type('a', 1, seen),
      create: (context) => {
        contexts.set(context.self.peerId, context)
        return {
          told: (from, body) => {
            if (body[0] === 255) throw new MalformedBytes('nonsense')
            seen.push(`${from.peerId} says ${body.join()}`)
          },
          asked: () => undefined,
          decided: (name, value) => decided.push(`${context.self.peerId} ${name} ${value.join()}`),
        }
      },
    }
    const world = worldOf({ c1: ['p', 'q'] }, [configOf(0, { c1: ['p', 'q'] })], (name) => (old.includes(name) ? [] : [definition]))
    return { world, contexts, seen, decided }
  }

  test("an answer waits for the writes that it rests on, and the peer's rows show them at once", () => {
    const { world, contexts } = worldWith()
    const p = world.get('p')
    const context = contexts.get('p') as TypeContext
    p.syncsAtOnce = false
    context.persist('s', [{ name: 'row', bytes: Uint8Array.of(1) }])
    context.tell(7, 'shown', slot)
    context.answer(7, 'done', slot)
    assert.deepEqual(context.rows.get('row'), Uint8Array.of(1))
    p.step({ kind: 'tick' })
    assert.deepEqual([p.told.length, p.answers.has(7)], [0, false])
    p.sync()
    assert.deepEqual([p.told.length, p.answers.get(7)], [1, { kind: 'typed', type: 'a', answer: 'done' }])
  })

  test('what no peer writes closes the connection of whoever said it, and is a bug where the peer said it itself', () => {
    const { world } = worldWith()
    const q = world.get('q').identity
    const message = { kind: 'typed', type: 1, body: Uint8Array.of(255) } as const
    const effects = world.get('p').step({ kind: 'message', from: q, round: 0, message })
    assert.deepEqual(
      effects.filter(({ kind }) => kind === 'disconnect').map((effect) => effect.kind === 'disconnect' && effect.peerId),
      ['q'],
    )
    assert.throws(() => world.get('p').step({ kind: 'message', from: world.get('p').identity, round: 0, message }), MalformedBytes)
  })

  test('a key that a type decides has one value at every peer, and no client is shown it', () => {
    const { world, contexts, decided } = worldWith()
    const told: string[] = []
    for (const [index, name] of ['p', 'q'].entries()) {
      contexts.get(name)?.decide('cut', Uint8Array.of(index), world.nowMs + 5_000, (value) => told.push(String(value)))
      world.get(name).step({ kind: 'tick' })
    }
    world.reach('both are told', () => told.length === 2)
    world.reach('both know it', () => decided.length === 2)
    assert.equal(told[0], told[1])
    for (const name of ['p', 'q']) {
      const { core } = world.get(name)
      assert.deepEqual([contexts.get(name)?.decided('cut')?.join(), core.chosen.count, core.chosen.bytes], [told[0], 0, 0])
    }
    assert.deepEqual(new Set(decided), new Set([`p cut ${told[0]}`, `q cut ${told[0]}`]))
  })

  test('a peer of a build without the type is not told of it', () => {
    const { world, contexts, seen } = worldWith(['q'])
    const context = contexts.get('p') as TypeContext
    assert.deepEqual([context.speaks('p' as never), context.speaks('q' as never), context.isOpen], [true, false, false])
    context.send('q' as never, Uint8Array.of(5), 'nothing')
    context.send('p' as never, Uint8Array.of(6), 'nothing')
    const left = sends(world.get('p').step({ kind: 'tick' })).filter(({ message }) => message.kind === 'typed')
    world.deliver()
    assert.deepEqual([left.map(({ to }) => to), seen], [['p'], ['p says 6']])
  })
})
