/** A set that is kept equal with a node of another system. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import pino from 'pino'
import type { Entry } from '../../protocols/sets/requests.ts'
import { lwwRoutes } from '../../src/http/routes/sets.ts'
import { External } from '../../src/offload/external.ts'
import { FakeSets } from './fake-sets.ts'
import { eventually, startHttp } from './http-fixture.ts'

function entry(element: string, added: number, removed: number): Entry {
  return { element: Buffer.from(element), added, removed }
}

async function update(sets: FakeSets, ...entries: readonly Entry[]): Promise<void> {
  await sets.ask<'update'>({ kind: 'update', set: 'main', entries, clock: { kind: 'right' }, wait: 'here' })
}

async function held(sets: FakeSets): Promise<string> {
  const answer = await sets.ask<'updates-after'>({ kind: 'updates-after', set: 'main', after: undefined })
  const entries = answer.kind === 'updates' ? [...answer.entries] : []
  return entries
    .map(({ element, added, removed }) => `${Buffer.from(element).toString()} ${added} ${removed}`)
    .toSorted()
    .join()
}

it('a set and the set of an external node become equal, both ways, also after that node was away', async () => {
  await using node = await startHttp()
  const { url } = await node.server.listen({ host: '127.0.0.1', port: 0 }, undefined, lwwRoutes(node.sets, 'main'))
  const sets = new FakeSets()
  await update(node.sets, entry('11', 1, -1), entry('"there"', 5, 6), entry('[1]', 7, -1))
  await update(sets, entry('11', -1, 2), entry('"here"', 8, -1))
  let warning: string | undefined
  const external = new External({
    url,
    set: 'main',
    sets,
    logger: pino({ level: 'silent' }),
    warn: (text) => (warning = text),
    lookMs: 10,
  })
  try {
    const equal = async (what: string): Promise<void> => {
      let isEqual = false
      await eventually(() => {
        void Promise.all([held(sets), held(node.sets)]).then(([one, other]) => (isEqual = one === other && one.includes(what)))
        return isEqual
      }, what)
    }
    await equal('11 1 2')
    assert.equal(await held(sets), '"here" 8 -1,"there" 5 6,11 1 2,[1] 7 -1')
    node.sets.onAsk = () => {
      throw new Error('it is away')
    }
    await eventually(() => warning !== undefined, 'it is warned')
    assert.match(warning ?? '', /the node of -lww-external http.* cannot be kept equal: /)
    await update(sets, entry('"meanwhile"', 9, -1))
    node.sets.onAsk = undefined
    await update(node.sets, entry('"late"', 3, -1))
    await equal('"meanwhile"')
    await equal('"late"')
    await eventually(() => warning === undefined, 'the warning is taken back')
  } finally {
    await external.stop()
  }
})
