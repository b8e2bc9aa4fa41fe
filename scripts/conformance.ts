/**
 * `npm run conformance -- [--examples N] [--seed S] [--seconds N] [--schemathesis FILE]`: asks a
 * peer of its own what its description of HTTP says may be asked, and what it says may not, by
 * schemathesis (PyPI). It ends with 0 when every answer is one that the description has, and says
 * how to ask the same again otherwise. 3: schemathesis is not installed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { hashOf, newToken } from '../src/security/token-file.ts'
import { Network } from '../test/process/network.ts'
import { ROOT } from './run.ts'

const EXIT_NOT_INSTALLED = 3
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
  const parameters = [
    '--config-file',
    join(FOLDER, 'schemathesis.toml'),
    'run',
    `${url}/openapi.json`,
    '-H',
    `Authorization: Bearer ${token}`,
    ...flags,
  ]
  const child = spawn(values.schemathesis, parameters, {
    stdio: 'inherit',
    env: { ...process.env, SCHEMATHESIS_HOOKS: join(FOLDER, 'hooks.py') },
  })
  const ended = once(child, 'close').then(([code]) => (code as number | null) ?? 1)
  return Promise.race([ended, once(child, 'error').then(() => EXIT_NOT_INSTALLED)])
}

const network = await Network.create()
try {
  const token = newToken()
  const tokens = join(network.directory, 'tokens')
  await writeFile(tokens, JSON.stringify({ name: 'all', hash: hashOf(token), scopes: ['read', 'write', 'operate'] }), { mode: OWNER_ALONE })
  const peer = await network.add({ flags: ['-min-peers', '1', '-tokens', tokens] })
  await peer.start()
  await peer.ready()
  process.exitCode = await ask(`http://127.0.0.1:${peer.httpPort}`, token)
  if (process.exitCode === EXIT_NOT_INSTALLED)
    console.error('schemathesis is not installed: pip install schemathesis, or name it by --schemathesis')
} finally {
  await network.close()
}
