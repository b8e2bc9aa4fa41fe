/**
 * The scripts that start and end the environment of lww-node: one node and a Redis where one is
 * installed, and nothing is left.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { ROOT } from '../../scripts/run.ts'
import { cleanEnvironment, until } from './network.ts'

const directory = mkdtempSync(join(tmpdir(), 'replicator-env-'))
const TIMEOUT_MS = 120_000

function script(name: 'start-env.sh' | 'stop-env.sh', ...parameters: readonly string[]): { code: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(join(ROOT, 'scripts/env', name), parameters, {
    encoding: 'utf8',
    env: { ...cleanEnvironment(), REPLICATOR_ENV_DIRECTORY: directory },
    timeout: TIMEOUT_MS,
  })
  return { code: status, text: stdout + stderr }
}

after(() => {
  script('stop-env.sh', '-p')
  rmSync(directory, { recursive: true, force: true })
})

it(
  'start one node that serves the set, and end it without a trace',
  { timeout: TIMEOUT_MS, skip: process.platform !== 'linux' },
  async () => {
    const { code, text } = script('start-env.sh', '--prod')
    assert.equal(code, 0, text)
    const url = /serves (http:\/\/localhost:\d+)/.exec(text)?.[1] ?? ''
    await until('it takes an element', async () => {
      const init = { method: 'POST', headers: { 'Content-Type': 'application/transit+json' }, body: '[11, "foo"]' }
      return (await (await fetch(`${url}/insert`, init)).text()) === 'ok'
    })
    assert.equal(await (await fetch(`${url}/`)).text(), '["~#set",[11,"foo"]]')
    assert.match(script('start-env.sh', '-p').text, /lww-set-1 runs already/)
    assert.equal(script('stop-env.sh', '--prod').code, 0)
    await assert.rejects(fetch(`${url}/`))
    assert.ok(!existsSync(join(directory, 'prod')))
  },
)

it('refuse an option that they do not know', () => {
  for (const bad of [['--nodes'], ['--start', 'maybe'], ['-nc', 'three'], ['logs']])
    assert.equal(script('start-env.sh', ...bad).code, 2, bad.join(' '))
})
