/** HTTP over TLS: renewed under load, with certificates of clients, and spoken by the commands. */
import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import type { RequestOptions } from 'node:https'
import { request as requestPlain } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import type { StatusView } from '../../src/ports/replicator.ts'
import { makeRoot, makeSigned, NO_OPENSSL } from './certificates.ts'
import type { Certificate } from './certificates.ts'
import { runToEnd } from './command.ts'
import type { Finished } from './command.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const ALONE = ['-min-peers', '1'] as const
const CLIENTS = 4
/** Requests of each client between two renewals. */
const REQUESTS_BETWEEN = 25

interface Answer {
  readonly status: number
  readonly body: string
}

describe('HTTP over TLS', { skip: NO_OPENSSL }, () => {
  let network: Network
  let peer: PeerProcess
  let root: Certificate
  /** As the peer was given them; renewed in place. */
  let own: Certificate

  before(async () => {
    network = await Network.create()
    root = makeRoot(network.directory, 'root')
    own = makeSigned(network.directory, 'own', root)
    peer = await network.add({ flags: [...ALONE, '-http-cert', own.cert, '-http-key', own.key] })
    await peer.start()
    await peer.ready()
  })
  after(() => network.close())

  function ask(options: RequestOptions, body?: string): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const outgoing = request({ host: '127.0.0.1', port: peer.httpPort, ca: readFileSync(root.cert), ...options }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
      response.on('error', reject)
    })
    outgoing.on('error', reject)
    outgoing.end(body)
    return promise
  }

  /** The certificate that a new connection is shown. */
  async function shown(): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const socket: TLSSocket = connect({ host: '127.0.0.1', port: peer.httpPort, ca: readFileSync(root.cert) }, () =>
      resolve(socket.getPeerX509Certificate()?.subject ?? ''),
    )
    socket.on('error', reject)
    try {
      return await promise
    } finally {
      socket.destroy()
    }
  }

  async function warnings(): Promise<string> {
    return (JSON.parse((await ask({ path: '/status' })).body) as StatusView).warnings.join('\n')
  }

  function putInPlace(renewed: Certificate): void {
    for (const part of ['key', 'cert'] as const) {
      copyFileSync(renewed[part], `${own[part]}.draft`)
      renameSync(`${own[part]}.draft`, own[part])
    }
  }

  function command(...argv: readonly string[]): Promise<Finished> {
    // By its address: without a home directory there is no socket to go by.
    return runToEnd(network.directory, [...argv, '-url', `https://localhost:${peer.httpPort}`], { HOME: join(network.directory, 'none') })
  }

  it('is said at the start, and nothing is answered without TLS', async () => {
    assert.ok(peer.lines.includes(`HTTP listening on https://127.0.0.1:${peer.httpPort}`), peer.lines.join('\n'))
    assert.equal((await ask({ path: '/healthz' })).status, 200)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    requestPlain({ host: '127.0.0.1', port: peer.httpPort, path: '/healthz' }, reject).on('error', resolve).end()
    assert.ok((await promise) instanceof Error)
  })

  it('is asked by any name that the certificate was made for', async () => {
    assert.equal((await ask({ path: '/healthz', servername: 'localhost', headers: { Host: 'peer-1.example' } })).status, 200)
  })

  it('shows a renewed certificate to new connections, by itself and on SIGHUP, and no request fails and no connection is lost', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
    const over = new AbortController()
    let [count, connections] = [0, 0]
    const client = async (name: number): Promise<void> => {
      for (let number = 0; !over.signal.aborted; number += 1) {
        // Half of them on kept connections, half on new ones.
        const kept = number % 2 === 0
        const answer = await ask({ method: 'PUT', path: `/store/${name}/${number}`, ...(kept ? { agent } : { agent: false }) }, 'kept')
        assert.equal(answer.status, 201, answer.body)
        count += 1
        if (!kept) connections += 1
      }
    }
    const clients = Promise.all(Array.from({ length: CLIENTS }, (_, name) => client(name)))
    const held = new Agent({ keepAlive: true, maxSockets: 1 })
    const sockets = new Set<unknown>()
    const askHeld = async (): Promise<void> => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const outgoing = request(
        { host: '127.0.0.1', port: peer.httpPort, ca: readFileSync(root.cert), path: '/healthz', agent: held },
        (response) => response.resume().on('end', resolve),
      )
      outgoing.on('socket', (socket) => sockets.add(socket)).on('error', reject)
      outgoing.end()
      await promise
    }
    try {
      for (const name of ['second', 'third', 'fourth']) {
        await askHeld()
        putInPlace(makeSigned(network.directory, name, root))
        if (name === 'third') peer.signal('SIGHUP')
        await until(`${name} is shown`, async () => (await shown()).includes(name))
        const goal = count + CLIENTS * REQUESTS_BETWEEN
        await until('clients are served', () => count > goal, 30_000)
        await askHeld()
      }
    } finally {
      over.abort()
      await clients
      agent.destroy()
      held.destroy()
    }
    assert.equal(sockets.size, 1)
    assert.ok(connections > CLIENTS)
    assert.doesNotMatch(await warnings(), /certificate of HTTP/)
  })

  it('keeps the last good certificate when the file does not parse, with a warning, until it is mended', async () => {
    const good = readFileSync(own.cert)
    const shownBefore = await shown()
    writeFileSync(own.cert, 'no certificate\n')
    peer.signal('SIGHUP')
    await until('it is warned of', async () => /certificate of HTTP .* is bad.*no PEM/.test(await warnings()))
    assert.equal(await shown(), shownBefore)
    writeFileSync(own.cert, good)
    await until('it is good again', async () => !(await warnings()).includes('certificate of HTTP'))
  })

  it('is spoken by the commands, which trust nobody whom they are not told to', async () => {
    const members = await command('members', '-ca', root.cert)
    assert.deepEqual([members.code, members.stderr], [0, ''])
    assert.ok(members.stdout.includes(peer.peerId))
    const distrusting = await command('members')
    assert.deepEqual([distrusting.code, distrusting.stdout], [1, ''])
    assert.match(distrusting.stderr, /^replicator members: the certificate of https:\/\/localhost:\d+ is not trusted .*-ca\n$/)
  })

  it('takes clients with a certificate alone where -http-ca asks for it', async () => {
    const clientRoot = makeRoot(network.directory, 'client-root')
    const client = makeSigned(network.directory, 'client', clientRoot)
    const stranger = makeSigned(network.directory, 'stranger', root)
    await peer.stop()
    peer.options = { ...peer.options, flags: [...(peer.options.flags ?? []), '-http-ca', clientRoot.cert] }
    await peer.start()
    await peer.ready()
    const pair = ({ cert, key }: Certificate): RequestOptions => ({ cert: readFileSync(cert), key: readFileSync(key) })
    assert.equal((await ask({ path: '/status', ...pair(client) })).status, 200)
    await assert.rejects(ask({ path: '/healthz' }))
    await assert.rejects(ask({ path: '/healthz', ...pair(stranger) }))
    const shownOne = await command('members', '-ca', root.cert, '-cert', client.cert, '-key', client.key)
    assert.deepEqual([shownOne.code, shownOne.stderr], [0, ''])
    const without = await command('members', '-ca', root.cert)
    assert.match(without.stderr, /asks for another certificate .*-cert and -key\n$/)
    assert.equal(without.code, 1)
  })

  it('starts with no certificate that is not good, and says why in one line', async () => {
    const bad = join(network.directory, 'bad.pem')
    writeFileSync(bad, 'no certificate\n', { mode: 0o600 })
    const other = makeSigned(network.directory, 'other', root)
    const start = (cert: string, key: string): Promise<Finished> => {
      const data = join(network.directory, 'in-vain')
      const argv = [
        '-cid',
        'a',
        '-listen',
        '/ip4/127.0.0.1/tcp/0',
        '-log-level',
        'silent',
        '-data',
        data,
        '-http-cert',
        cert,
        '-http-key',
        key,
      ]
      return runToEnd(network.directory, argv)
    }
    for (const [cert, key, why] of [
      [bad, own.key, /no PEM/],
      [own.cert, bad, /key cannot be parsed/],
      [own.cert, other.key, /not that of the certificate/],
      [join(network.directory, 'missing'), own.key, /ENOENT/],
    ] as const) {
      const { code, stdout, stderr } = await start(cert, key)
      assert.deepEqual([code, stdout], [1, ''], stderr)
      assert.match(stderr, /^replicator: the certificate of HTTP [^\n]+\n$/)
      assert.match(stderr, why)
    }
  })
})
