/**
 * The scripts that start and end the environment of lww-node: one node and a Redis where one is
 * installed, kept equal with a running node of that system, and nothing is left.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { ROOT } from '../../scripts/run.ts'
import { cleanEnvironment, until } from './network.ts'

const directory = mkdtempSync(join(tmpdir(), 'replicator-env-'))
const TIMEOUT_MS = 120_000
const SPREAD_MS = 60_000
const TRANSIT = { 'Content-Type': 'application/transit+json' }

function script(name: 'start-env.sh' | 'stop-env.sh', ...parameters: readonly string[]): { code: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(join(ROOT, 'scripts/env', name), parameters, {
    encoding: 'utf8',
    env: { ...cleanEnvironment(), REPLICATOR_ENV_DIRECTORY: directory },
    timeout: TIMEOUT_MS,
  })
  return { code: status, text: stdout + stderr }
}

/** A running node of the system that is taken in. */
let external: ChildProcess | undefined

async function startExternal(): Promise<string> {
  external = spawn(process.execPath, [join(ROOT, 'test/others/lww-node.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(external.stdout?.setEncoding('utf8') ?? external, 'data')) as [string]
  return line.trim()
}

async function post(url: string, path: string, elements: string): Promise<void> {
  const response = await fetch(url + path, { method: 'POST', headers: TRANSIT, body: elements })
  assert.equal(await response.text(), 'ok')
}

/** The members of a set, as they are written, in an order of their own. */
async function members(url: string): Promise<string> {
  const [, elements] = (await (await fetch(`${url}/`)).json()) as [string, unknown[]]
  return JSON.stringify(elements.toSorted((a, b) => (String(a) < String(b) ? -1 : 1)))
}

after(() => {
  external?.kill('SIGKILL')
  script('stop-env.sh', '-p')
  rmSync(directory, { recursive: true, force: true })
})

it(
  'start one node that serves the set and that of a running system, both equal, and end it without a trace',
  { timeout: TIMEOUT_MS, skip: process.platform !== 'linux' },
  async () => {
    const old = await startExternal()
    await post(old, '/insert', '[1,"old"]')
    const { code, text } = script('start-env.sh', '--prod', '--external-nodes', old)
    assert.equal(code, 0, text)
    const url = /serves (http:\/\/localhost:\d+)/.exec(text)?.[1] ?? ''
    const both = async (what: string, held: string): Promise<void> =>
      until(what, async () => (await Promise.all([url, old].map(members))).every((each) => each === held), SPREAD_MS)
    await both('what was there comes over', '[1,"old"]')
    await Promise.all([post(url, '/insert', '[2,"new"]'), post(old, '/delete', '["old"]'), post(old, '/insert', '[3]')])
    await both('changes of both are at both', '[1,2,3,"new"]')
    await Promise.all([post(url, '/delete', '[1,3]'), post(old, '/delete', '["new"]')])
    await both('each removes what the other added', '[2]')
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
