/**
 * The audit of running peers: who was let in and refused, who operated, and a file that is opened
 * anew on SIGHUP.
 */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { problemOf } from './client.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

/** Far more silent connections than one source may have, of a source that is no member's. */
const STRANGERS = 80
const STRANGE_SOURCE = '127.0.0.9'
const REFUSALS_A_SECOND = 10
const RATE = 40
const ASKED = 600

let network: Network
let peer: PeerProcess
let auditPath: string

type Line = Readonly<Record<string, unknown>>

function lines(file: string = auditPath): Line[] {
  const rows = readFileSync(file, 'utf8').split('\n')
  assert.equal(rows.pop(), '', 'each line is whole')
  return rows.map((row) => JSON.parse(row) as Line)
}

function secretFile(name: string, letter: string): string {
  const file = join(network.directory, name)
  writeFileSync(file, letter.repeat(48))
  chmodSync(file, 0o600)
  return file
}

before(async () => {
  network = await Network.create()
  auditPath = join(network.directory, 'audit.jsonl')
  const secret = secretFile('secret', 's')
  peer = await network.add({ flags: ['-min-peers', '1', '-secret', secret, '-audit', auditPath, '-audit-writes', '-rate', String(RATE)] })
  await peer.start()
  await peer.ready()
})

after(() => network.close())

it('tells of writes and of operators, with the time, and of no value', async () => {
  await peer.client.put('k', 'the value')
  await peer.operate('/config/changes', { withdraw: true })
  await until('both lines', () => lines().length >= 2)
  const [write, operated] = lines()
  assert.deepEqual([write?.['event'], write?.['path'], write?.['status']], ['write', '/store/k', 201])
  assert.deepEqual(
    ['event', 'path', 'name', 'proof'].map((field) => operated?.[field]),
    ['operator-request', '/config/changes', 'operator', 'socket'],
  )
  assert.match(String(write?.['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.ok(!readFileSync(auditPath, 'utf8').includes('the value'))
  assert.equal(statSync(auditPath).mode & 0o777, 0o600)
})

it('tells of peers that are let in, and of those that are refused', async () => {
  const through = ['-peer', peer.address, '-min-peers', '1']
  const member = await network.add({ flags: [...through, '-secret', secretFile('same', 's')] })
  await member.start()
  const linesOf = (event: string): Line[] => lines().filter((line) => line['event'] === event)
  await until('it is let in', () => linesOf('peer-admitted').length > 0)
  const [provedBy] = (await peer.client.status()).secrets
  assert.match(String(provedBy), /^[0-9a-f]{8}$/)
  const [admitted] = linesOf('peer-admitted')
  assert.deepEqual([admitted?.['peerId'], admitted?.['clusterId'], admitted?.['provedBy']], [member.peerId, 'cluster-1', provedBy])
  assert.match(String(admitted?.['address']), /^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/)
  const stranger = await network.add({ flags: [...through, '-secret', secretFile('other', 'o')] })
  stranger.spawn()
  await until('it is refused', () => linesOf('peer-refused').length > 0, 30_000)
  const [refused] = linesOf('peer-refused')
  assert.match(String(refused?.['peerId']), /^12D3KooW/)
  assert.match(String(refused?.['address']), /^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/)
  assert.match(String(refused?.['reason']), /secret/)
  assert.equal(refused?.['provedBy'], null)
  assert.ok(!readFileSync(auditPath, 'utf8').includes('ssss'))
})

it('tells where strangers came from that were turned away, ten a second of one source, and counts the others', async () => {
  const [, port] = /\/tcp\/(\d+)/.exec(peer.address) ?? []
  const sockets = Array.from({ length: STRANGERS }, () => connect({ port: Number(port), host: '127.0.0.1', localAddress: STRANGE_SOURCE }))
  for (const socket of sockets) socket.on('error', () => {}).resume()
  try {
    const ofSource = (): Line[] => lines().filter(({ address }) => String(address).startsWith(`/ip4/${STRANGE_SOURCE}/tcp/`))
    const counted = (): Line[] => lines().filter(({ source }) => source === STRANGE_SOURCE)
    await until('the others are counted', () => counted().length > 0)
    for (const line of ofSource()) {
      assert.deepEqual([line['event'], line['peerId'], line['provedBy']], ['peer-refused', null, null])
      assert.match(String(line['reason']), /too many unproved connections of its source/)
    }
    assert.equal(counted()[0]?.['event'], 'refusals-not-written')
    assert.ok(ofSource().length >= REFUSALS_A_SECOND, `${ofSource().length} lines`)
    // A second of the clock has parts of two of those that are counted.
    for (const [second, told] of Object.entries(Object.groupBy(ofSource(), ({ time }) => String(time).slice(0, -'.000Z'.length))))
      assert.ok((told?.length ?? 0) <= 2 * REFUSALS_A_SECOND, `${told?.length} lines at ${second}`)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
})

it('goes on in a new file when the old one was moved away and SIGHUP is sent', async () => {
  const moved = `${auditPath}.1`
  renameSync(auditPath, moved)
  const count = lines(moved).length
  peer.signal('SIGHUP')
  await until('the new file', () => statSync(auditPath).isFile())
  await peer.client.put('after', 'v')
  await until('its line', () => lines().some((line) => line['path'] === '/store/after'))
  assert.ok(lines(moved).length >= count)
})

it('a client that asks too often is told so, on the paths of keys too', async () => {
  const startedMs = performance.now()
  const replies = await Promise.all(Array.from({ length: ASKED }, () => peer.client.local('k')))
  const refused = replies.filter(({ status }) => status === 429)
  // At its beginning and at its end it has a part of a second that is counted.
  const seconds = Math.floor((performance.now() - startedMs) / 1_000) + 2
  assert.ok(refused.length >= ASKED - seconds * RATE, `${refused.length} refused within ${seconds} s`)
  const [one] = refused
  assert.ok(one !== undefined && problemOf(one) === 'too-many-requests' && one.headers['retry-after'] === '1')
  await until('it may ask again', async () => (await peer.client.local('k')).status === 200)
})
