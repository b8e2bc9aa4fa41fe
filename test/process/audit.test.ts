/** The audit of running peers: who was let in and refused, who operated, and a file that is opened anew on SIGHUP. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { problemOf } from './client.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

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
  peer = await network.add({ flags: ['-min-peers', '1', '-secret', secret, '-audit', auditPath, '-audit-writes', '-rate', '40'] })
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
  await until('it is let in', () => lines().some((line) => line['event'] === 'peer-admitted' && line['peerId'] === member.peerId))
  const stranger = await network.add({ flags: [...through, '-secret', secretFile('other', 'o')] })
  stranger.spawn()
  await until('it is refused', () => lines().some((line) => line['event'] === 'peer-refused'), 30_000)
  assert.ok(!readFileSync(auditPath, 'utf8').includes('ssss'))
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
  const replies = await Promise.all(Array.from({ length: 300 }, () => peer.client.local('k')))
  const refused = replies.filter(({ status }) => status === 429)
  assert.ok(refused.length >= 300 - 3 * 40, `${refused.length} refused`)
  const [one] = refused
  assert.ok(one !== undefined && problemOf(one) === 'too-many-requests' && one.headers['retry-after'] === '1')
  await until('it may ask again', async () => (await peer.client.local('k')).status === 200)
})
