/**
 * Every planted bug is noticed by some tier: the proof that the checkers can fail. The score is
 * printed.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { PLANTED_BUGS } from './bugs.ts'
import { installLoader, patched } from './loader.ts'
import { describeScore, score } from './score.ts'

const ROOT = new URL('../../../', import.meta.url)

installLoader(PLANTED_BUGS)

test('each patch of a planted bug finds its one place', () => {
  for (const bug of PLANTED_BUGS) {
    for (const { file } of bug.patches) {
      const url = new URL(file, ROOT)
      const source = readFileSync(url, 'utf8')
      assert.notEqual(patched(bug, url.pathname, source), source, bug.name)
    }
  }
})

for (const bug of PLANTED_BUGS) {
  test(`noticed when planted: ${bug.what}`, async (context) => {
    const result = await score(bug)
    context.diagnostic(describeScore(result))
    assert.notEqual(result.tier, undefined, `${bug.name} survives`)
  })
}
