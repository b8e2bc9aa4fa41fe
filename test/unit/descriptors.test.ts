/** How many connections clients may have, by what the system gives. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { measureDescriptors, roomFor } from '../../src/peer/descriptors.ts'

suite('connections of clients', () => {
  test('are half of the descriptors that are free at the start, and few of them are warned of', () => {
    assert.equal(roomFor(20_000, 40).connections, 9_980)
    assert.equal(roomFor(20_000, 40).warning, undefined)
    const few = roomFor(70, 30)
    assert.equal(few.connections, 20)
    assert.match(few.warning ?? '', /only 20 HTTP connections.*70 files.*ulimit -n/)
    assert.equal(roomFor(70, 69).connections, 4)
  })

  test('are told by what this process has, where the system tells', async () => {
    const { connections } = await measureDescriptors()
    assert.ok(connections === undefined || connections >= 4)
  })
})
