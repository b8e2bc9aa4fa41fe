/**
 * `npm run conformance -- [--examples N] [--seed S] [--seconds N] [--schemathesis FILE]`: lets
 * redocly's linter (npm) look at the description of HTTP of a peer of its own, and asks the peer
 * what the description says may be asked, and what it says may not, by schemathesis (PyPI). It ends
 * with 0 when nothing is found, and says how to ask the same again otherwise. 3: one of them is not
 * to be had.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Client } from '../src/client/client.ts'
import { hashOf, newToken } from '../src/security/token-file.ts'
import { Network, until } from '../test/process/network.ts'
import { ROOT } from './run.ts'

const EXIT_NOT_INSTALLED = 3
/** Checked here with this version. */
const LINTER = '@redocly/cli@2.77.0'
const FOLDER = join(ROOT, 'scripts', 'conformance')
const OWNER_ALONE = 0o600

const text = { type: 'string' } as const
const { values } = parseArgs({
  options: {
    examples: { ...text, default: '30' },
    seed: { ...text, default: String(Math.floor(Math.random() * 1_000_000)) },
    seconds: { ...text, default: '120' },
    schemathesis: { ...text, default: 'schemathesis' },
  },
})

/** @returns the exit code */
async function lint(url: string): Promise<number> {
  const path = join(network.directory, 'openapi.json')
  await writeFile(path, await (await fetch(`${url}/openapi.json`)).text())
  return run('npx', ['--yes', LINTER, 'lint', path, '--config', join(FOLDER, 'redocly.yaml'), '--format', 'summary'])
}

/** @returns the exit code */
async function ask(url: string, token: string): Promise<number> {
  const flags = [
    '--max-examples',
    values.examples,
    '--seed',
    values.seed,
    '--max-time',
    values.seconds,
    '--phases',
    'fuzzing',
    '--no-color',
  ]
  const asked = ['run', `${url}/openapi.json`, '-H', `Authorization: Bearer ${token}`, ...flags]
  return run(values.schemathesis, ['--config-file', join(FOLDER, 'schemathesis.toml'), ...asked])
}

async function run(program: string, parameters: readonly string[]): Promise<number> {
  const environment = { ...process.env, SCHEMATHESIS_HOOKS: join(FOLDER, 'hooks.py') }
  const child = spawn(program, parameters, { stdio: 'inherit', env: environment })
  const ended = once(child, 'close').then(([code]) => (code as number | null) ?? 1)
  const missing = once(child, 'error').then(() => {
    console.error(`${program} is not installed: pip install schemathesis, or name it by --schemathesis`)
    return EXIT_NOT_INSTALLED
  })
  return Promise.race([ended, missing])
}

const network = await Network.create()
try {
  const token = newToken()
  const tokens = join(network.directory, 'tokens')
  await writeFile(tokens, JSON.stringify({ name: 'all', hash: hashOf(token), scopes: ['read', 'write', 'operate'] }), { mode: OWNER_ALONE })
  const peer = await network.add({ flags: ['-min-peers', '1', '-tokens', tokens, '-log', 'kv=kv:'] })
  await peer.start()
  await peer.ready()
  const url = `http://127.0.0.1:${peer.httpPort}`
  const log = new Client({ peers: [url], token }).log('kv')
  await until('its log is born and led', async () => (await log.status()).leader !== null)
  process.exitCode = (await lint(url)) || (await ask(url, token))
} finally {
  await network.close()
}
