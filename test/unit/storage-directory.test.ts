import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { PeerId } from '../../protocols/base/identity.ts'
import { openDataDirectory } from '../../src/storage/directory.ts'
import type { DataDirectory } from '../../src/storage/directory.ts'
import type { Facts } from '../../src/storage/facts.ts'

const DIRECTORY = join(import.meta.dirname, '../../src/storage/directory.ts')
/**
 * A peer of which nothing but the directory matters: it opens the one it is given, says so, and
 * stays.
 */
const HOLDER = `
  const { openDataDirectory } = await import(${JSON.stringify(DIRECTORY)})
  const [workingDirectory, directory] = process.argv.slice(1)
  console.log((await openDataDirectory({ workingDirectory, directory, clusterId: 'c1' })).path)
  setInterval(() => {}, 1_000)
`

/** A user without rights, by convention; root may write anywhere. */
const NOBODY = 65_534

/** Root does it as nobody, everybody else as who they are. */
async function asNobody(action: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(NOBODY)
  try {
    await action()
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
}

const MODELESS = process.platform === 'win32' && 'directories have no modes here'

describe('a data directory', () => {
  let base: string
  let opened: DataDirectory[]
  let children: ChildProcess[]
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'replicator-directory-'))
    opened = []
    children = []
  })
  afterEach(async () => {
    for (const directory of opened) await directory.close()
    for (const child of children) child.kill('SIGKILL')
    await rm(base, { recursive: true, force: true })
  })

  async function open(directory?: string, clusterId = 'c1', warn?: (text: string) => void): Promise<DataDirectory> {
    const made = await openDataDirectory({ directory, clusterId, workingDirectory: base, ...(warn && { warn }) })
    opened.push(made)
    return made
  }

  it('is made for its owner alone, and warned of when others can look into it', { skip: MODELESS }, async () => {
    const warnings: string[] = []
    const { path } = await open('deep/down', 'c1', (text) => void warnings.push(text))
    for (const made of [path, join(path, '..'), join(path, 'store')]) assert.equal((await stat(made)).mode & 0o777, 0o700, made)
    assert.equal(warnings.length, 0)
    await opened.pop()?.close()
    await chmod(path, 0o755)
    await open('deep/down', 'c1', (text) => void warnings.push(text))
    assert.deepEqual(warnings, [`other users of this machine can look into the data directory ${path} (mode 755); run "chmod 700 ${path}"`])
  })

  /**
   * Starts a process that has a directory; gives it with the path and what it said on standard
   * error.
   */
  async function held(directory?: string): Promise<{ child: ChildProcess; path: string; errors: () => string }> {
    const argv = ['--input-type=module-typescript', '-e', HOLDER, base, ...(directory === undefined ? [] : [directory])]
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
    children.push(child)
    let errors = ''
    child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()))
    for await (const path of createInterface({ input: child.stdout })) return { child, path, errors: () => errors }
    throw new Error(`the holder ended: ${errors}`)
  }

  it('is made where nobody named one, the first that no running peer has', async () => {
    const first = await open()
    const second = await open()
    assert.equal(first.path, join(base, 'replicator-data/c1/1'))
    assert.equal(second.path, join(base, 'replicator-data/c1/2'))
    await first.close()
    assert.equal((await open()).path, first.path)
    assert.equal((await open(undefined, 'c2')).path, join(base, 'replicator-data/c2/1'))
  })

  it('is that of the HTTP port where one was named, so that the same line finds the same peer', async () => {
    const first = await openDataDirectory({ clusterId: 'c1', workingDirectory: base, httpPort: 8002 })
    assert.equal(first.path, join(base, 'replicator-data/c1/8002'))
    await assert.rejects(openDataDirectory({ clusterId: 'c1', workingDirectory: base, httpPort: 8002 }), { code: 'in-use' })
    await first.close()
    const again = await openDataDirectory({ clusterId: 'c1', workingDirectory: base, httpPort: 8002 })
    assert.equal(again.path, first.path)
    await again.close()
  })

  it('stays below its place whatever the cluster is called', async () => {
    assert.equal((await open(undefined, '..')).path, join(base, 'replicator-data/%2E%2E/1'))
    assert.equal((await open(undefined, '.')).path, join(base, 'replicator-data/%2E/1'))
  })

  it('is readable by its owner only', async () => {
    const directory = await open('deep/data')
    await directory.writeKey(Uint8Array.of(1))
    assert.equal((await stat(directory.path)).mode & 0o777, 0o700)
    assert.equal((await stat(directory.storePath)).mode & 0o777, 0o700)
    assert.equal((await stat(join(directory.path, 'peer.key'))).mode & 0o777, 0o600)
  })

  it('is refused to a second peer, of this process or of another', async () => {
    await open('data')
    await assert.rejects(open('data'), {
      name: 'DirectoryError',
      code: 'in-use',
      message: `the data directory ${join(base, 'data')} is in use by a running peer`,
    })
    await assert.rejects(open('../' + base.split('/').pop() + '/data'), { code: 'in-use' })
    const other = await held('other')
    await assert.rejects(open('other'), { code: 'in-use' })
    assert.equal(other.errors(), '')
    const unnamed = await held()
    assert.equal(unnamed.path, join(base, 'replicator-data/c1/1'))
    assert.equal((await open()).path, join(base, 'replicator-data/c1/2'))
  })

  it('is free at once when its process is killed', async () => {
    const { child, path } = await held('data')
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    assert.equal((await open('data')).path, path)
  })

  it('stays taken while whoever took it does not speak of it', async () => {
    await openDataDirectory({ directory: 'data', clusterId: 'c1', workingDirectory: base })
    globalThis.gc?.()
    await held('elsewhere')
    await assert.rejects(open('data'), { code: 'in-use' })
  })

  it('belongs to one cluster, and is free again for it when it was refused to another', async () => {
    await (await open('data')).close()
    await assert.rejects(open('data', 'c2'), {
      code: 'other-cluster',
      message: `the data directory ${join(base, 'data')} belongs to cluster c1, not to c2`,
    })
    await open('data')
  })

  it('is refused when a file is in its place, when it cannot be written, and when another version wrote it', async () => {
    await writeFile(join(base, 'file'), '')
    await assert.rejects(open('file'), { code: 'not-a-directory' })
    await assert.rejects(open('file/below'), { code: 'not-a-directory' })
    await assert.rejects(open('/proc/nothing'), { code: 'not-writable' })
    const { path } = await open('later')
    await opened.pop()?.close()
    await writeFile(join(path, 'directory.json'), '{"format":2,"clusterId":"c1"}')
    await assert.rejects(open('later'), { code: 'unknown-format' })
  })

  it('is refused without the right to write to it', async () => {
    await chmod(base, 0o555)
    await asNobody(() => assert.rejects(open('data'), { code: 'not-writable' }))
    await chmod(base, 0o700)
    await open('data')
  })

  it('keeps the key, and none is there at first', async () => {
    const first = await open('data')
    assert.equal(await first.readKey(), undefined)
    await first.writeKey(Uint8Array.of(1, 2, 3))
    await first.close()
    assert.deepEqual([...((await (await open('data')).readKey()) ?? [])], [1, 2, 3])
  })

  it('keeps facts, and goes without those that are damaged', async () => {
    const warnings: string[] = []
    const directory = await open('data', 'c1', (text) => warnings.push(text))
    const facts: Facts = {
      listenPorts: { '*': 4_001, '/ip4/127.0.0.1/tcp/0': 4_002 },
      peers: [{ peerId: 'p' as PeerId, addresses: ['/ip4/127.0.0.1/tcp/1'] }],
      names: { p: 'berlin-1' },
    }
    assert.deepEqual(await directory.readFacts(), { listenPorts: {}, peers: [], names: {} })
    await directory.writeFacts(facts)
    assert.deepEqual(await directory.readFacts(), facts)
    await writeFile(join(directory.path, 'facts.json'), '{"listenPorts": { "*": 99999 }, "peers": [{"peerId": 1}, 2], "names": {"p": 1}}')
    assert.deepEqual(await directory.readFacts(), { listenPorts: {}, peers: [], names: {} })
    await writeFile(join(directory.path, 'facts.json'), '{"listenPort": 4001, "peers": []}')
    assert.deepEqual(await directory.readFacts(), { listenPorts: { '*': 4_001 }, peers: [], names: {} })
    assert.deepEqual(warnings, [])
    for (const damaged of ['{"listen', '[]', 'null']) {
      await writeFile(join(directory.path, 'facts.json'), damaged)
      assert.deepEqual(await directory.readFacts(), { listenPorts: {}, peers: [], names: {} })
    }
    assert.equal(warnings.length, 3)
    assert.deepEqual((await readdir(directory.path)).sort(), ['directory.json', 'facts.json', 'lock', 'store'])
  })
})
