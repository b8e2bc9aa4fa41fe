/** Whom a request counts for. */
import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { suite, test } from 'node:test'
import { clientAddress, Proxies, sourceOf } from '../../src/http/client-address.ts'

const NONE = new Proxies([])
const SOME = new Proxies([
  { address: '10.0.0.0', prefix: 8, family: 'ipv4' },
  { address: 'fd00::', prefix: 8, family: 'ipv6' },
])

function client(proxies: Proxies, remoteAddress: string | undefined, forwardedFor?: string): string {
  const request = { socket: { remoteAddress }, headers: { 'x-forwarded-for': forwardedFor } }
  return clientAddress(request as unknown as IncomingMessage, proxies)
}

suite('the client of a request', () => {
  test('is the other end of its socket, whatever a header says', () => {
    assert.equal(client(NONE, '192.0.2.1', '198.51.100.7'), '192.0.2.1')
    assert.equal(client(SOME, '192.0.2.1', '198.51.100.7'), '192.0.2.1')
    assert.equal(client(SOME, undefined, '198.51.100.7'), 'local')
  })

  test('is the last hop behind a proxy that is known, whatever stands before it', () => {
    for (const [header, expected] of [
      ['198.51.100.7', '198.51.100.7'],
      ['203.0.113.1, 198.51.100.7', '198.51.100.7'],
      ['203.0.113.1,198.51.100.7:5123', '198.51.100.7'],
      ['[2001:db8::7]:443', '2001:db8::7'],
      ['2001:DB8::7', '2001:db8::7'],
      ['::ffff:198.51.100.7', '198.51.100.7'],
    ] as const) {
      assert.equal(client(SOME, '10.1.2.3', header), expected)
      assert.equal(client(SOME, '::ffff:10.1.2.3', header), expected)
      assert.equal(client(SOME, 'fd00::1', header), expected)
    }
  })

  test('is the proxy itself where that names nobody', () => {
    for (const header of [undefined, '', 'unknown', '198.51.100.7, ', '_hidden', '1.2.3'])
      assert.equal(client(SOME, '10.1.2.3', header), '10.1.2.3')
  })
})

suite('the source of an address', () => {
  test('is itself for IPv4, and the /64 for IPv6, however it is written', () => {
    assert.equal(sourceOf('192.0.2.1'), '192.0.2.1')
    assert.equal(sourceOf('local'), 'local')
    for (const address of ['2001:db8:0:1::', '2001:db8:0:1::2', '2001:db8::1:0:0:0:2', '2001:0db8:0000:0001:0002:0003:0004:0005'])
      assert.equal(sourceOf(address), '2001:db8:0:1::/64')
    assert.equal(sourceOf('::1'), '0:0:0:0::/64')
    assert.equal(sourceOf('fe80::1%eth0'), 'fe80:0:0:0::/64')
    assert.equal(sourceOf('64:ff9b::192.0.2.1'), '64:ff9b:0:0::/64')
  })
})
