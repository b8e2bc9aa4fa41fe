import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { Failures } from '../../scripts/failures.ts'
import { ROOT } from '../../scripts/run.ts'

const FILE = join(ROOT, 'test/process/a.test.ts')

function failed(name: string, cause: Error, failureType = 'testCodeFailure'): Parameters<Failures['add']>[0] {
  return { name, file: FILE, line: 7, details: { error: Object.assign(new Error('test failed', { cause }), { failureType }) } }
}

suite('what failed, told at the end', () => {
  test('names the file, the test, what was thrown and its cause, the first first', () => {
    const failures = new Failures()
    failures.add(failed('a fact', new Error('not in 10 ms: it is so', { cause: new Error('409 is no 412') })), '')
    failures.add(failed('another', new Error('second')), 'again, alone')
    const [first = '', second = ''] = failures.describe()
    assert.match(first, /^failed, number 1: test\/process\/a\.test\.ts:7: a fact\n {4}Error: not in 10 ms: it is so\n[^]*409 is no 412/)
    assert.match(second, /^failed, number 2: test\/process\/a\.test\.ts:7: another \(again, alone\)\n {4}Error: second/)
  })

  test('leaves out what only follows from other failures', () => {
    const failures = new Failures()
    failures.add(failed('a group', new Error('1 subtest failed'), 'subtestsFailed'), '')
    assert.deepEqual(failures.describe(), [])
  })

  test('fits into a hundred lines, whatever was printed', () => {
    const failures = new Failures()
    failures.addProgram('check', 'a line\n'.repeat(1_000))
    for (let count = 0; count < 20; count += 1) failures.add(failed(`fact ${count}`, new Error('a line\n'.repeat(1_000))), '')
    const texts = failures.describe()
    assert.ok(texts.join('\n').split('\n').length < 95)
    assert.equal(texts.at(-1), 'and 16 more, above')
  })
})
