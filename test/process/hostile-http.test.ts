/**
 * What a stranger sends over HTTP, without any credentials, costs the stranger and never the peer.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { problemOf } from './client.ts'
import { freePort, Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const MIB = 1_048_576
/** Of a peer that is attacked: it has about 120 MB when it is idle. */
const PEER_BYTES_MAX = 200_000_000
const PIPELINED = 100_000
/**
 * Of a peer whose clients do not read the largest values: a value that is refused is read first,
 * and is garbage for a while.
 */
const UNREAD_PEER_BYTES_MAX = 500_000_000
const LARGEST = 16 * MIB
/** More than one client may have. */
const IDLE = 2_600

let network: Network
let peer: PeerProcess
let healthPort: number
before(async () => {
  network = await Network.create()
  healthPort = await freePort()
  const flags = ['-min-peers', '1', '-value-max', String(LARGEST), '-health', String(healthPort)]
  const [only] = await network.grow('cluster-1', 1, { flags })
  assert.ok(only !== undefined)
  peer = only
  await network.settled()
})
after(() => network.close())

/** The most memory of its own that the peer ever had, in bytes. */
function peakBytes(): number {
  const status = readFileSync(`/proc/${peer.processId}/status`, 'utf8')
  const kilobytes = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1])
  // The program and the store's map are files, and none of them is taken from anybody.
  return (kilobytes('VmHWM') - kilobytes('RssFile')) * 1_024
}

async function dial(): Promise<Socket> {
  const socket = connect({ port: peer.httpPort, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** Sends until everything is taken, or so far as it is within the time. */
async function send(socket: Socket, data: string, withinMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, withinMs)
  socket.write(data, 'latin1', () => resolve())
  socket.once('close', () => resolve())
  await promise
  clearTimeout(timer)
}

async function assertServes(key: string): Promise<void> {
  assert.equal((await peer.client.put(key, key)).status, 201)
  assert.equal((await peer.client.get(key)).body.toString(), key)
}

const PUT = 'PUT /store/behind HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nv'

describe('requests pipelined on one connection', () => {
  for (const [fact, target, count] of [
    ['6,000 gets behind a put and a reset do not end the peer', '/store/behind', 6_000],
    ['100,000 gets behind a put and a reset leave it alive and small', '/store/behind', PIPELINED],
    ['100,000 requests of other paths and a reset leave it alive and small', '/peers', PIPELINED],
  ] as const) {
    it(fact, async () => {
      const socket = await dial()
      await send(socket, PUT + `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(count), 3_000)
      socket.resetAndDestroy()
      await assertServes(`after/${count}${target}`)
      const peak = peakBytes()
      assert.ok(peak < PEER_BYTES_MAX, `${Math.round(peak / MIB)} MiB`)
    })
  }

  it('are all answered, in order, however many there are, when the client reads', async () => {
    const socket = await dial()
    let answers = 0
    let rest = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      const parts = (rest + text).split('HTTP/1.1 ')
      answers += parts.length - 1
      rest = (parts.at(-1) ?? '').slice(-8)
    })
    await send(socket, 'GET /store/none HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(PIPELINED / 10 - 1), 60_000)
    socket.write('GET /store/none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    await once(socket, 'close')
    assert.equal(answers, PIPELINED / 10)
  })
})

describe('one client', () => {
  it('with 64 puts of 1 MiB announced and not sent keeps nobody from putting', async () => {
    const sockets = await Promise.all(Array.from({ length: 64 }, dial))
    for (const [index, socket] of sockets.entries())
      socket.write(`PUT /store/half/${index} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${MIB}\r\n\r\n`)
    await until('all of them arrive', async () => (await loadOf('arriving')) === 64)
    await assertServes('beside/half-open')
    for (const socket of sockets) socket.destroy()
  })

  it('with 80 connections that do not read a value of 16 MiB takes no more memory than is set aside, nor keeps others from reading', async () => {
    assert.equal((await peer.client.put('huge', Buffer.alloc(LARGEST, 7))).status, 201)
    const earlier = peakBytes()
    const sockets = await Promise.all(Array.from({ length: 80 }, dial))
    for (const socket of sockets) socket.pause().write('GET /store/huge HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await until('answers are under way', async () => (await loadOf('answerBytes')) > 0)
    await assertServes('beside/unread')
    await until('all room for answers is taken', async () => problemOf(await peer.client.get('huge')) === 'overloaded')
    await until('they are cut', async () => (await loadOf('answerBytes')) === 0)
    assert.equal((await peer.client.get('huge')).body.length, LARGEST)
    for (const socket of sockets) socket.destroy()
    const peak = peakBytes()
    assert.ok(peak < Math.max(UNREAD_PEER_BYTES_MAX, earlier), `${Math.round(peak / MIB)} MiB`)
  })

  it(`with ${IDLE} idle connections has a quarter of all, and is not seen at the port for health`, async () => {
    const sockets: Socket[] = []
    for (let count = 0; count < IDLE; count += 100) sockets.push(...(await Promise.all(Array.from({ length: 100 }, dial))))
    assert.ok((await loadOf('connections')) <= 2_500)
    await assertServes('beside/idle')
    for (const path of ['/healthz', '/readyz', '/metrics']) assert.equal((await fetch(`http://127.0.0.1:${healthPort}${path}`)).status, 200)
    assert.equal((await fetch(`http://127.0.0.1:${healthPort}/store/k`)).status, 404)
    for (const socket of sockets) socket.destroy()
  })
})

/** What a bound counts now, asked where no bound reaches. */
async function loadOf(kind: string): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text()
  return Number(new RegExp(`replicator_http_load\\{kind="${kind}"\\} (\\d+)`).exec(metrics)?.[1])
}
