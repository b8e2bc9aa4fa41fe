/**
 * What holds for connections without TLS holds for those with it: bounds, room made by idle ones,
 * and an orderly end.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect as connectSecured } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { parseMaterial } from '../../src/security/tls-files.ts'
import type { TlsMaterial } from '../../src/security/tls-files.ts'
import { makeRoot, makeSigned, NO_OPENSSL } from '../process/certificates.ts'
import { eventually, requestHead, startHttp } from './http-fixture.ts'
import type { Fixture } from './http-fixture.ts'

/** Of one client. */
const CONNECTIONS = 4
/**
 * The fixture's own end waits for nobody; a connection that is taken for busy would hold it up for
 * this long.
 */
const GRACE_MS = 5_000

describe('a connection over TLS', { skip: NO_OPENSSL }, () => {
  let directory = ''
  let material: TlsMaterial
  let ca: Buffer
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'replicator-tls-'))
    const root = makeRoot(directory, 'root')
    const { cert, key } = makeSigned(directory, 'own', root)
    material = parseMaterial([readFileSync(cert), readFileSync(key)])
    ca = readFileSync(root.cert)
  })
  after(() => rmSync(directory, { recursive: true, force: true }))

  interface Secured {
    readonly fixture: Fixture
    readonly port: number
    [Symbol.asyncDispose](): Promise<void>
  }

  async function secured(): Promise<Secured> {
    const fixture = await startHttp({ load: { bounds: { connections: CONNECTIONS }, clientPart: 1 } })
    const { port } = await fixture.server.listen({ host: '127.0.0.1', port: 0 }, material)
    return { fixture, port, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() }
  }

  async function handshaken(port: number): Promise<TLSSocket> {
    const socket = connectSecured({ host: '127.0.0.1', port, ca })
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    return socket
  }

  /** One answer on a connection that goes on. */
  async function askOn(socket: TLSSocket): Promise<string> {
    socket.write(requestHead('GET', '/healthz'))
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    return chunk.toString('latin1')
  }

  it('counts from its first byte on, and an idle one makes room, whether its handshake is done or not', async () => {
    await using tls = await secured()
    const used = (): number => tls.fixture.server.app.context.load.used('connections')
    const silent: Socket[] = []
    for (let count = 0; count < CONNECTIONS; count += 1) silent.push(connect({ host: '127.0.0.1', port: tls.port }).on('error', () => {}))
    await eventually(() => used() === CONNECTIONS, 'all are counted')
    const first = await handshaken(tls.port)
    assert.match(await askOn(first), /^HTTP\/1\.1 200 /)
    assert.equal(used(), CONNECTIONS)
    await eventually(() => silent[0]?.destroyed === true, 'the one that was silent the longest is closed')
    for (let count = 0; count < CONNECTIONS; count += 1) await handshaken(tls.port)
    await eventually(() => first.destroyed, 'the one that was idle the longest is closed')
    assert.equal(used(), CONNECTIONS)
    for (const socket of silent) socket.destroy()
  })

  it('is not closed to make room while it has a request', async () => {
    await using tls = await secured()
    let finish = (): void => {}
    tls.fixture.replicator.onGet = () => new Promise((resolve) => (finish = () => resolve({ kind: 'absent', consistency: 'linearizable' })))
    const busy = await handshaken(tls.port)
    busy.write(requestHead('GET', '/store/k'))
    await eventually(() => tls.fixture.replicator.gets.length === 1, 'it is asked')
    for (let count = 0; count < CONNECTIONS * 2; count += 1) await handshaken(tls.port)
    finish()
    const [chunk] = (await once(busy, 'data')) as [Buffer]
    assert.match(chunk.toString('latin1'), /^HTTP\/1\.1 404 /)
    busy.destroy()
  })

  it('that never asked for anything does not hold up the end', async () => {
    await using tls = await secured()
    const socket = await handshaken(tls.port)
    const closed = once(socket, 'close')
    const begunAtMs = performance.now()
    await tls.fixture.server.close(GRACE_MS)
    await closed
    assert.ok(performance.now() - begunAtMs < GRACE_MS / 2)
  })

  it('that does not begin with a handshake is cut without an answer in HTTP', async () => {
    await using tls = await secured()
    const socket = connect({ host: '127.0.0.1', port: tls.port })
    socket.write(requestHead('GET', '/healthz'))
    let received = ''
    socket
      .setEncoding('latin1')
      .on('data', (text: string) => (received += text))
      .on('error', () => {})
    await once(socket, 'close')
    assert.doesNotMatch(received, /HTTP/)
  })
})
