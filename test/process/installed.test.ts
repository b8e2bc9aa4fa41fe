/**
 * The package as it is installed: packed by npm, unpacked where `npm install --global` puts it,
 * with the packages of this folder beside it, and started by its name.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { ROOT } from '../../scripts/run.ts'
import { bareMachine } from './bare-machine.ts'
import { cleanEnvironment, freePort, until } from './network.ts'
import { unpack } from './packed.ts'

const run = promisify(execFile)
const END_MS = 60_000
const START_MS = 60_000

suite('the packed package', { skip: process.platform === 'win32' && 'npm makes other links there' }, () => {
  let directory = ''
  const running: ChildProcess[] = []

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'replicator-installed-'))
    await unpack(directory, join(directory, 'lib', 'node_modules', '@replicator', 'peer'))
    for (const folder of ['bin', 'home']) await mkdir(join(directory, folder))
    await bareMachine(directory)
    await symlink('../lib/node_modules/@replicator/peer/dist/src/main.js', join(directory, 'bin', 'replicator'))
  })

  after(async () => {
    for (const child of running) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await rm(directory, { recursive: true, force: true })
  })

  function environment(...folders: readonly string[]): NodeJS.ProcessEnv {
    const path = ['bin', ...folders].map((folder) => join(directory, folder)).join(':')
    return { ...cleanEnvironment(), HOME: join(directory, 'home'), PATH: path }
  }

  /** Starts a peer below a shell, or as the process itself. @returns what it has said so far */
  function start(
    program: readonly [string, ...string[]],
    env: NodeJS.ProcessEnv,
  ): { readonly child: ChildProcess; readonly said: () => string } {
    const [name, ...parameters] = program
    const child = spawn(name, parameters, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] })
    running.push(child)
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
    return { child, said: () => said }
  }

  async function isServed(port: number): Promise<boolean> {
    return fetch(`http://127.0.0.1:${port}/healthz`).then(
      () => true,
      () => false,
    )
  }

  test('it runs by its name on a machine without any Node', async () => {
    const { stdout } = await run('replicator', ['--version'], { env: environment('bare') })
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
  })

  test('it runs on the Node that came with it where the one on PATH is another', async () => {
    const { stdout } = await run('replicator', ['--version'], { env: environment('old', 'bare') })
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
  })

  test('a peer that npx started ends when npx is killed with the shell between them', async () => {
    const port = await freePort()
    const line = `replicator -cid b -http ${port} -listen /ip4/127.0.0.1/tcp/0 -min-peers 1 -data npx; true`
    const env = { ...environment('bare'), npm_lifecycle_event: 'npx', npm_lifecycle_script: 'replicator' }
    const { child, said } = start(['sh', '-c', line], env)
    await until('it is ready', () => said().includes('Replicator ready'), START_MS)
    child.kill('SIGKILL')
    await until('the peer ends', async () => !(await isServed(port)), END_MS)
  })
})

test('a build without a compiler, and without anything built before, does not end well', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'replicator-build-'))
  context.after(() => rm(folder, { recursive: true, force: true }))
  for (const path of ['package.json', 'scripts/build.ts', 'scripts/build/shell-lines.ts', 'scripts/run.ts', 'src/orphaned.ts']) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await copyFile(join(ROOT, path), join(folder, path))
  }
  const built = run(process.execPath, [join(folder, 'scripts/build.ts')])
  await assert.rejects(built, { code: 1, stderr: /npm ci/ })
  assert.equal(existsSync(join(folder, 'dist')), false)
})
