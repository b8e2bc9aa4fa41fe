/**
 * The lines of raft-nginx, as docs/coming-from.md has them, at the peers that its demo starts; and
 * nginx in front of them, by the file that is documented.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { whyNoNginx } from '../../scripts/demo/nginx.ts'
import { ROOT } from '../../scripts/run.ts'
import { cleanEnvironment, until } from './network.ts'
import { linesBelow, runLine } from './page-lines.ts'

const STORY_MS = 240_000
const SPREAD_MS = 60_000
/** Far above what it takes, for a machine with much else to do. */
const GAP_MAX_MS = 10_000
const NO_CURL = spawnSync('curl', ['--version']).error === undefined ? false : 'curl is not installed'

describe('the lines of raft-nginx', { skip: NO_CURL }, () => {
  const [, ...lines] = linesBelow('raft-nginx and hraftd')
  let demo: ChildProcess
  let directory = ''
  let said = ''

  const found = (pattern: RegExp): string => pattern.exec(said)?.[1] ?? ''

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'replicator-hraftd-'))
    demo = spawn(process.execPath, [join(ROOT, 'scripts/demo.ts'), 'hraftd'], {
      env: { ...cleanEnvironment(), TMPDIR: directory },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [demo.stdout, demo.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (said += text))
    await until('the demo has told all', () => said.includes('Ctrl-C ends all of it') || demo.exitCode !== null, STORY_MS)
    assert.match(said, /all of it held/)
  })
  after(() => {
    demo.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  })

  it('print what the page says at every port, after the end of the peer that led', async (context) => {
    const gap = found(/the longest gap between two of \d+ writes was (\d+) ms/)
    context.diagnostic(`${gap} ms without a write`)
    assert(gap !== '' && Number(gap) < GAP_MAX_MS, said)
    const served = [...said.matchAll(/edge\/(\d) serves http:\/\/localhost:(\d+)$/gm)].map(([, number = '', port = '']) => [number, port])
    const ports = new Map(served as [string, string][])
    assert.ok(lines.length >= 9)
    for (const { command, printed } of lines) {
      const given = command.replaceAll(/localhost:8([123])00/g, (_, number: string) => `localhost:${ports.get(number)}`)
      const silent = given.replace('curl ', 'curl -s -f ')
      let text = ''
      await until(
        `${given} prints ${printed}`,
        () => {
          const ended = runLine(silent)
          ;({ text } = ended)
          return ended.code === 0 && text === (printed ?? '')
        },
        SPREAD_MS,
      ).catch((error: unknown) => assert.fail(`${(error as Error).message}: ${text}`))
    }
  })

  it('nginx takes writes to whoever leads, spreads reads, and keeps the gate of a peer', { skip: whyNoNginx() }, async () => {
    const proxy = `http://127.0.0.1:${found(/nginx at http:\/\/localhost:(\d+) /)}`
    const gate = `http://127.0.0.1:${found(/the gate of edge\/1 is http:\/\/localhost:(\d+):/)}`
    const states = new Map<string, string>()
    await until(
      'all three answer reads, and one of them leads',
      async () => {
        const { Node, State } = (await (await fetch(`${proxy}/raft`)).json()) as { readonly Node: string; readonly State: string }
        states.set(Node, State)
        return states.size === 3 && [...states.values()].filter((state) => state === 'Leader').length === 1
      },
      SPREAD_MS,
    )
    for (let count = 0; count < 6; count += 1) {
      const response = await fetch(`${proxy}/key`, { method: 'POST', body: `{"by":"nginx ${count}"}` })
      assert.equal(response.status, 200, await response.text())
      const reply = await fetch(`${proxy}/key/by`)
      assert.equal(await reply.text(), `{"by":"nginx ${count}"}`)
    }
    const leads = ((await (await fetch(`${gate}/raft`)).json()) as { readonly State: string }).State === 'Leader'
    const written = await fetch(`${gate}/key`, { method: 'POST', body: '{"by":"gate"}' })
    assert.deepEqual([written.status, (await fetch(`${gate}/key/by`)).status], [leads ? 200 : 403, 200])
  })

  it('its demo ends with all that it started', async () => {
    const ended = once(demo, 'exit')
    demo.kill('SIGINT')
    assert.deepEqual(await ended, [0, null], said)
    assert.deepEqual(readdirSync(directory), [])
  })
})
