/**
 * The archive that `npm run dist` makes for this platform: unpacked, and run on a machine that has
 * another Node than its own.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { PLATFORMS } from '../../scripts/build/shell-lines.ts'
import { ROOT } from '../../scripts/run.ts'
import { bareMachine } from './bare-machine.ts'
import { cleanEnvironment, freePort, until } from './network.ts'

const run = promisify(execFile)
const MAKE_MS = 240_000
const START_MS = 60_000
const OWN = PLATFORMS.find(({ os, cpu }) => os === process.platform && cpu === process.arch)

describe('an archive', { skip: OWN === undefined && `none is made for ${process.platform} ${process.arch}` }, () => {
  let directory = ''
  let folder = ''
  let said = ''
  let env: NodeJS.ProcessEnv = {}
  let peer: ChildProcess | undefined

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'replicator-archive-'))
    env = { ...cleanEnvironment(), HOME: directory, PATH: await bareMachine(directory) }
    const words = [join(ROOT, 'scripts/dist.ts'), OWN?.os ?? '', OWN?.cpu ?? '', '--built', '--keep', '--out', directory]
    // Packed quickly, and npm keeps nothing that it has compiled among the temporary files.
    const quick = { ...process.env, GZIP: '-1', NODE_DISABLE_COMPILE_CACHE: '1' }
    const made = await run(process.execPath, words, { timeout: MAKE_MS, env: quick })
    said = made.stdout
    const [archive = ''] = (await readdir(directory)).filter((name) => name.endsWith('.tar.gz'))
    folder = join(directory, basename(archive, '.tar.gz'))
  })
  after(async () => {
    peer?.kill('SIGKILL')
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  })

  it('holds what it runs on, the drivers of stores too, and nothing that it is developed with', () => {
    assert.match(said, /unpacked and started here: version \d+\.\d+\.\d+\n$/)
    const { peerDependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, object>
    const drivers = Object.keys(peerDependencies ?? {})
    const isThere = (name: string): boolean => existsSync(join(folder, 'node_modules', name, 'package.json'))
    assert.deepEqual(
      drivers.filter((name) => !isThere(name)),
      [],
    )
    assert.deepEqual(
      Object.keys(devDependencies ?? {}).filter((name) => !drivers.includes(name) && !name.startsWith('@types/') && isThere(name)),
      [],
    )
  })

  it('is a peer that takes a key and shows it, on its own Node, and ends when it is told to', async () => {
    const port = await freePort()
    const flags = ['-cid', 'a', '-http', String(port), '-listen', '/ip4/127.0.0.1/tcp/0', '-min-peers', '1', '-data', 'data']
    const program = join(folder, 'bin', 'replicator')
    const child = spawn(program, flags, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] })
    peer = child
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
    await until('it is ready', () => output.includes('Replicator ready'), START_MS).catch((error: unknown) => {
      throw new Error(output, { cause: error })
    })
    const url = ['-url', `http://127.0.0.1:${port}`]
    await run(program, ['put', 'greeting', 'hello', ...url], { cwd: directory, env })
    assert.equal((await run(program, ['get', 'greeting', ...url], { cwd: directory, env })).stdout, 'hello')
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null], output)
  })

  it('has the programs of Nexus beside it', async () => {
    await assert.rejects(run(join(folder, 'bin', 'redis_repl'), [], { env }), { code: 2, stderr: /nexusNodeId/ })
  })
})
