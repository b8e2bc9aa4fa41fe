/**
 * The page for whoever comes from another system: its lines are run, in order, and print what it
 * says.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { until } from './network.ts'
import { linesBelow, runLine } from './page-lines.ts'

const TIMEOUT_MS = 240_000
const SPREAD_MS = 60_000
const directory = mkdtempSync(join(tmpdir(), 'replicator-from-'))
const whyNot = spawnSync('curl', ['--version']).error === undefined ? process.platform !== 'linux' : 'curl is not installed'

const run = (command: string): ReturnType<typeof runLine> => runLine(command, { REPLICATOR_ENV_DIRECTORY: directory })

/** Stamps are of the time when it is run. */
function withoutStamps(text: string): string {
  return text.replaceAll(/\d{13}/g, 'STAMP')
}

after(() => {
  run('scripts/env/stop-env.sh --integration')
  rmSync(directory, { recursive: true, force: true })
})

it('the lines of lww-node are run as they stand', { timeout: TIMEOUT_MS, skip: whyNot }, async () => {
  const lines = linesBelow('lww-node')
  assert.ok(lines.length >= 10)
  const ports = new Map<string, string>()
  for (const { command, printed } of lines) {
    // Where a port is taken, the environment has the next one.
    const given = command.replaceAll(/localhost:300([1-3])/g, (place, number: string) => ports.get(number) ?? place)
    if (printed === undefined) {
      const { code, text } = run(given)
      assert.equal(code, 0, text)
      for (const [, number = '', port = ''] of text.matchAll(/^lww-set-(\d) serves http:\/\/localhost:(\d+)$/gm))
        ports.set(number, `localhost:${port}`)
    } else if (given.includes(' -X POST ')) {
      await until(`it takes operations: ${given}`, () => run(given.replace('curl ', 'curl -s ')).text === printed, SPREAD_MS)
    } else {
      let text = ''
      await until(
        `${given} prints ${printed}`,
        () => {
          text = run(given.replace('curl ', 'curl -s ')).text
          return withoutStamps(text) === withoutStamps(printed)
        },
        SPREAD_MS,
      ).catch((error: unknown) => assert.fail(`${(error as Error).message}: ${text}`))
    }
  }
})
