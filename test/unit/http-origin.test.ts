import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { refusedOrigin } from '../../src/http/origin.ts'
import { isLoopback } from '../../src/security/loopback.ts'

const HOST = { host: '127.0.0.1:8000' }

describe('who may change the configuration', () => {
  it('is on this machine when the socket leads to 127.0.0.0/8 or ::1, and nowhere else', () => {
    for (const address of ['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1', '::FFFF:127.1.2.3'])
      assert.ok(isLoopback(address), address)
    for (const address of [
      '10.0.0.1',
      '128.0.0.1',
      '0.0.0.0',
      '::',
      '::2',
      '::ffff:10.0.0.1',
      '127.0.0.1.example',
      '1127.0.0.1',
      '',
      undefined,
    ])
      assert.ok(!isLoopback(address), address)
  })

  it('is not another machine, unless it is opened', () => {
    const headers = { host: '10.0.0.7:8000' }
    assert.match(refusedOrigin('loopback', '10.0.0.1', headers) ?? '', /10\.0\.0\.1.*-changes-from anywhere/)
    assert.equal(refusedOrigin('anywhere', '10.0.0.1', headers), undefined)
  })

  it('is nobody for whom a proxy on this machine speaks', () => {
    for (const name of ['forwarded', 'x-forwarded-for'])
      assert.match(refusedOrigin('loopback', '127.0.0.1', { ...HOST, [name]: 'for=10.0.0.1' }) ?? '', /proxy/)
  })
})
