/** What clients of watches have not read, over all of them. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Unread } from '../../src/http/registers/unread.ts'

function watchNamed(name: string, cut: string[], unread: () => Unread): { cut(): void } {
  const watch = {
    cut: () => {
      cut.push(name)
      // As its connection does when it closes.
      unread().forget(watch)
    },
  }
  return watch
}

suite('unread events of all watches', () => {
  test('are bounded: the watch that has most is cut, and the others go on', () => {
    const cut: string[] = []
    const unread: Unread = new Unread(100)
    const [slow, quick, late] = ['slow', 'quick', 'late'].map((name) => watchNamed(name, cut, () => unread)) as [
      { cut(): void },
      { cut(): void },
      { cut(): void },
    ]
    unread.add(slow, 60)
    unread.add(quick, 40)
    assert.deepEqual(cut, [])
    unread.taken(quick, 40)
    unread.add(late, 30)
    unread.add(quick, 20)
    assert.deepEqual(cut, ['slow'])
    // What the cut one had is not there any more, whatever its connection says of it later.
    unread.taken(slow, 60)
    unread.add(quick, 50)
    assert.deepEqual(cut, ['slow'])
    unread.add(late, 1)
    assert.deepEqual(cut, ['slow', 'quick'])
  })

  test('of one watch alone may be its end, but no endless loop', () => {
    const cut: string[] = []
    const unread: Unread = new Unread(10)
    unread.add(
      watchNamed('large', cut, () => unread),
      11,
    )
    assert.deepEqual(cut, ['large'])
  })
})
