import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parseAdmitted } from '../../src/settings/admitted.ts'
import { parseCommandLine } from '../../src/settings/command-line.ts'

const ONE = '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'
const OTHER = '12D3KooWGRUfG4sBT9Ur2bQZ5d6vfJcoUiHyCBhDV6KGvoDUsLBc'
let directory = ''
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'replicator-admit-'))
})
after(() => rmSync(directory, { recursive: true, force: true }))

test('peers are admitted by a peer id a line; comments and empty lines name nobody', () => {
  const text = `# ours\n${ONE}  # east\r\n\n  ${OTHER}\n${ONE}\n`
  assert.deepEqual([...parseAdmitted(Buffer.from(text))], [ONE, OTHER])
  assert.deepEqual([...parseAdmitted(new Uint8Array(0))], [])
})

test('a line that is no peer id is refused by its number', () => {
  assert.throws(() => parseAdmitted(Buffer.from(`${ONE}\nnobody\n`)), /line 2 is no peer id/)
})

test('the file of -admit is read with the command line, and a bad one is a usage error', () => {
  const path = join(directory, 'admit')
  writeFileSync(path, `${ONE}\n`)
  const parsed = parseCommandLine(['-cid', 'a', '-admit', path], {})
  assert(parsed.kind === 'run')
  assert.equal(parsed.config.admit?.path, path)
  writeFileSync(path, 'nobody\n')
  for (const file of [path, join(directory, 'nope')]) {
    const bad = parseCommandLine(['-cid', 'a', '-admit', file], {})
    assert(bad.kind === 'usage-error')
    assert.match(bad.message, /^-admit .*(line 1 is no peer id|cannot be read \(ENOENT\))/)
  }
})
