/**
 * Directed scenarios as reviewed text: what each does, line by line, is kept beside this file.
 * `UPDATE_TRACES=1` writes the files anew; the difference is then read by a person.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { FAR_SCENARIOS } from '../simulation/directed-far.ts'
import { SCENARIOS } from '../simulation/directed.ts'

for (const { name, play } of [...SCENARIOS, ...FAR_SCENARIOS]) {
  test(`${name} happens as reviewed`, () => {
    const path = fileURLToPath(new URL(`${name}.txt`, import.meta.url))
    const said = `${play().join('\n')}\n`
    if (process.env['UPDATE_TRACES'] === '1') writeFileSync(path, said)
    assert.equal(said, readFileSync(path, 'utf8'))
  })
}
