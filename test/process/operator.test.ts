/**
 * Who may change the configuration by command: the user who runs the peer, without a flag, and
 * nobody else on the machine.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ROOT } from '../../scripts/run.ts'
import { isEnteredByOthers } from '../integration/entered.ts'
import { runToEnd } from './command.ts'
import type { Finished } from './command.ts'
import { cleanEnvironment, Network, PeerProcess } from './network.ts'

const ALONE = ['-min-peers', '1'] as const
/** A user without rights, by convention. */
const NOBODY = 65_534
const NOT_ROOT = process.geteuid?.() !== 0 && 'only root can become another user'
/** Another user runs the program from this checkout. */
const IS_PRIVATE = !isEnteredByOthers(ROOT) && `no other user may enter ${ROOT}`
const NO_SOCKETS = process.platform === 'win32' && 'there are no operator sockets on Windows'

describe('the operator of a peer', { skip: NO_SOCKETS }, () => {
  let network: Network
  let peer: PeerProcess
  before(async () => {
    network = await Network.create()
    peer = await network.add({ flags: ALONE })
    await peer.start()
    await peer.ready()
  })
  after(() => network.close())

  const url = (): string => `http://127.0.0.1:${peer.httpPort}`
  const portSocket = (): string => join(network.directory, '.replicator', `${peer.httpPort}.sock`)
  const dataSocket = (): string => join(peer.directory, 'operator.sock')
  const noHome = { HOME: '/nowhere' }

  function add(...flags: readonly string[]): Promise<Finished> {
    return runToEnd(network.directory, ['add', peer.peerId, ...flags])
  }

  function assertAdded({ code, stdout, stderr }: Finished): void {
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, new RegExp(`^${peer.peerId} votes \\(epoch \\d+, as before\\)\n$`))
  }

  it('has a socket in the data directory and one in the home directory, which nobody else may open', () => {
    for (const path of [portSocket(), dataSocket()]) {
      assert.ok(statSync(path).isSocket())
      assert.equal(statSync(path).mode & 0o777, 0o600, path)
      assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700, path)
    }
  })

  it('needs no flag for a peer on this machine, by its address or by its directory', async () => {
    assertAdded(await add('-url', url()))
    assertAdded(await add('-url', `http://localhost:${peer.httpPort}`))
    assertAdded(await runToEnd(network.directory, ['add', peer.peerId, '-data', peer.directory], noHome))
  })

  it('is none who only reaches HTTP on loopback', async () => {
    const { code, stdout, stderr } = await runToEnd(network.directory, ['add', peer.peerId, '-url', url()], noHome)
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^replicator add: the change is refused: This needs the scope "operate"[^\n]*\n$/)
    const members = await runToEnd(network.directory, ['members', '-url', url()], noHome)
    assert.equal(members.code, 0)
  })

  it('is no other user of the machine', { skip: NOT_ROOT || IS_PRIVATE }, async () => {
    const home = join(network.directory, 'home-of-nobody')
    mkdirSync(home)
    chownSync(home, NOBODY, NOBODY)
    chmodSync(network.directory, 0o755)
    const asNobody = async (environment: Readonly<Record<string, string>>, ...argv: readonly string[]): Promise<Finished> => {
      const child = spawn(process.execPath, [join(ROOT, 'src', 'main.ts'), ...argv], {
        cwd: home,
        env: { ...cleanEnvironment(), ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
        uid: NOBODY,
        gid: NOBODY,
      })
      const finished = { stdout: '', stderr: '' }
      child.stdout.setEncoding('utf8').on('data', (text: string) => (finished.stdout += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => (finished.stderr += text))
      const [code] = await once(child, 'close')
      return { ...finished, code: code as number | null }
    }
    const refused = /^replicator add: the change is refused: This needs the scope "operate"/
    // Also one who claims the home of the user who runs the peer.
    for (const HOME of [home, network.directory]) {
      const { code, stdout, stderr } = await asNobody({ HOME }, 'add', peer.peerId, '-url', url())
      assert.deepEqual([code, stdout], [1, ''], stderr)
      assert.match(stderr, refused)
    }
    const byDirectory = await asNobody({ HOME: home }, 'add', peer.peerId, '-data', peer.directory)
    assert.deepEqual([byDirectory.code, byDirectory.stdout], [1, ''])
    assert.match(byDirectory.stderr, /^replicator add: this user may not open .*operator\.sock[^\n]*\n$/)
    assert.equal((await asNobody({ HOME: home }, 'members', '-url', url())).code, 0)
  })

  it('finds its sockets again after a peer that was killed, and none after one that ended', async () => {
    await peer.kill()
    assert.ok(existsSync(portSocket()) && existsSync(dataSocket()))
    const dead = await add('-url', url())
    assert.match(dead.stderr, /no peer answers at http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\)/)
    await peer.start()
    await peer.ready()
    assertAdded(await add('-url', url()))
    assertAdded(await add('-data', peer.directory))
    await peer.stop()
    assert.deepEqual([existsSync(portSocket()), existsSync(dataSocket())], [false, false])
    await peer.start()
    await peer.ready()
  })

  it(
    'keeps the socket of a peer that runs when another takes the same port of another address',
    { skip: process.platform !== 'linux' && 'one loopback address only' },
    async () => {
      const other = await network.add()
      const twin = new PeerProcess('twin', join(network.directory, 'twin', 'data'), [peer.httpPort, other.libp2pPort], {
        flags: ALONE,
        host: '127.0.0.2',
      })
      mkdirSync(join(network.directory, 'twin'))
      network.peers.push(twin)
      await twin.start()
      await twin.ready()
      assert.match(
        (await twin.client.status()).warnings.join('\n'),
        /no operator socket: .*\.sock belongs to another running peer of this user; operate with -data/,
      )
      assertAdded(await add('-url', url()))
      // By its own address nobody is taken for its operator, and never for that of the other.
      const { code, stderr } = await add('-url', `http://127.0.0.2:${peer.httpPort}`)
      assert.equal(code, 1)
      assert.match(stderr, /scope "operate"/)
      const twinAdded = await runToEnd(network.directory, ['add', twin.peerId, '-data', twin.directory])
      assert.equal(twinAdded.code, 0, twinAdded.stderr)
      await twin.stop()
      assertAdded(await add('-url', url()))
    },
  )

  it('is told when a path is too long for a socket, or something else lies in its place, and the peer runs', async () => {
    const long = await network.add({ flags: [...ALONE, '-data', join(network.directory, 'long'.repeat(30))] })
    long.namesDirectory = false
    mkdirSync(join(network.directory, '.replicator'), { recursive: true })
    const inTheWay = join(network.directory, '.replicator', `${long.httpPort}.sock`)
    writeFileSync(inTheWay, 'mine')
    await long.start()
    await long.ready()
    const warnings = (await long.client.status()).warnings.join('\n')
    assert.match(
      warnings,
      /no operator socket: the path .* has \d+ bytes, and that of a socket at most \d+.*; operate with -url or a token/,
    )
    assert.match(warnings, /no operator socket: .*\.sock is there, and is no socket; operate with -data/)
    await long.stop()
    assert.ok(statSync(inTheWay).isFile())
  })

  it('does without a home directory', async () => {
    const homeless = await network.add({ flags: ALONE, environment: { HOME: '' } })
    await homeless.start()
    await homeless.ready()
    assert.deepEqual((await homeless.client.status()).warnings, ['no -secret: anybody who can dial this peer may join the network'])
    const added = await runToEnd(network.directory, ['add', homeless.peerId, '-data', homeless.directory], noHome)
    assert.equal(added.code, 0, added.stderr)
    assert.ok(!readdirSync(join(network.directory, '.replicator')).includes(`${homeless.httpPort}.sock`))
    await homeless.stop()
  })
})

describe('a command', () => {
  it('takes a URL with a password with a warning, and does not show it', async () => {
    const network = await Network.create()
    try {
      const { code, stderr } = await runToEnd(network.directory, ['members', '-url', 'http://me:hidden-word@127.0.0.2:1'])
      assert.equal(code, 1)
      assert.match(
        stderr,
        /^replicator members: the password in the URL can be read by every user of this machine.*\nreplicator members: no peer answers at http:\/\/127\.0\.0\.2:1 \(/,
      )
      assert.ok(!stderr.includes('hidden-word'))
    } finally {
      await network.close()
    }
  })
})
