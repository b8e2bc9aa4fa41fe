/** The token file, and what a header shows. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { suite, test } from 'node:test'
import { Credentials } from '../../src/security/credentials.ts'
import { isBelow, OPEN } from '../../src/security/grant.ts'
import { hashOf, newToken, parseExpiry, parseTokenFile } from '../../src/security/token-file.ts'

const HASH = 'ab'.repeat(32)

function parse(...lines: readonly unknown[]): ReturnType<typeof parseTokenFile> {
  return parseTokenFile(Buffer.from(lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')))
}

suite('a token', () => {
  test('is 32 random bytes in base64url, and its hash is the SHA-256 of that text', () => {
    const [one, other] = [newToken(), newToken()]
    assert.match(one, /^[\w-]{43}$/)
    assert.notEqual(one, other)
    assert.equal(hashOf(one), createHash('sha256').update(Buffer.from(one)).digest('hex'))
  })
})

suite('a token file', () => {
  test('has a line for each token; empty lines count for nothing', () => {
    const lines = parse(
      { name: 'a', hash: HASH.toUpperCase(), scopes: ['read'] },
      '',
      '  ',
      { name: 'anonymous', scopes: ['read', 'write'] },
      '',
    )
    assert.deepEqual(
      lines.map(({ grant, hash }) => [grant.name, hash, [...grant.scopes], grant.prefixes, grant.expiresAtMs, grant.proof]),
      [
        ['a', HASH, ['read'], undefined, Infinity, 'token'],
        ['anonymous', undefined, ['read', 'write'], undefined, Infinity, 'none'],
      ],
    )
    assert.deepEqual(parse(''), [])
  })

  test('is refused as a whole for one bad line, which is named and not shown', () => {
    const good = { name: 'a', hash: HASH, scopes: ['read'] }
    const rows: readonly (readonly [unknown, RegExp])[] = [
      ['{', /line 2: it is no JSON$/],
      ['[]', /no JSON object/],
      ['null', /no JSON object/],
      [{ ...good, hash: undefined }, /"hash" must be/],
      [{ ...good, hash: 'abc' }, /64 hexadecimal/],
      [good, /has a line before/],
      [{ ...good, hash: 'cd'.repeat(32), scopes: [] }, /"scopes"/],
      [{ ...good, hash: 'cd'.repeat(32), scopes: ['admin'] }, /"scopes".*read, write, operate/],
      [{ ...good, hash: 'cd'.repeat(32), scope: ['read'] }, /"scope" is no field/],
      [{ ...good, hash: 'cd'.repeat(32), prefixes: [] }, /"prefixes"/],
      [{ ...good, hash: 'cd'.repeat(32), prefixes: ['store/'] }, /"prefixes"/],
      [{ ...good, hash: 'cd'.repeat(32), prefixes: '/store/' }, /"prefixes"/],
      [{ ...good, hash: 'cd'.repeat(32), expires: 'tomorrow' }, /"expires"/],
      [{ ...good, hash: 'cd'.repeat(32), expires: 1 }, /"expires"/],
      [{ ...good, hash: 'cd'.repeat(32), name: '' }, /"name"/],
      [{ name: 'anonymous', hash: 'cd'.repeat(32), scopes: ['read'] }, /has no hash/],
    ]
    for (const [line, reason] of rows) {
      assert.throws(() => parse(good, line), reason, JSON.stringify(line))
      assert.throws(
        () => parse(good, line),
        (error: Error) => error.message.startsWith('line 2: ') && !error.message.includes('cdcd'),
      )
    }
    assert.throws(() => parseTokenFile(Buffer.of(0xff)), /not UTF-8/)
  })

  test('tells times with their zone, and dates from 00:00 UTC', () => {
    assert.equal(parseExpiry('2027-01-31'), Date.UTC(2027, 0, 31))
    assert.equal(parseExpiry('2027-01-31T12:00:00+02:00'), Date.UTC(2027, 0, 31, 10))
    for (const text of ['2027-01-31T12:00:00', '2027-13-01', '31.1.2027', '2027', '']) assert.equal(parseExpiry(text), undefined, text)
  })
})

suite('a prefix', () => {
  test('ends at a segment', () => {
    for (const [path, prefix, isIn] of [
      ['/store/team/a', '/store/team', true],
      ['/store/team', '/store/team', true],
      ['/store/teammate', '/store/team', false],
      ['/store/team', '/store/team/', false],
      ['/store/team/', '/store/team/', true],
      ['/store/te', '/store/team', false],
    ] as const)
      assert.equal(isBelow(path, prefix), isIn, `${path} below ${prefix}`)
  })
})

suite('what a header shows', () => {
  test('is nothing that is asked for, where there are no tokens', () => {
    const open = new Credentials(() => 0)
    for (const header of [undefined, 'Bearer x', 'Basic x']) assert.equal(open.grantOf(header), OPEN)
    assert.ok(open.holds(OPEN) && !open.isAsked)
  })

  test('counts until its time is over, also when it was remembered', () => {
    let nowMs = 0
    const token = newToken()
    const credentials = new Credentials(
      () => nowMs,
      parse({ name: 'a', hash: hashOf(token), scopes: ['read'], expires: '1970-01-01T00:00:01Z' }),
    )
    const grant = credentials.grantOf(`Bearer ${token}`)
    assert.ok(typeof grant !== 'string' && grant.name === 'a')
    nowMs = 999
    assert.equal(credentials.grantOf(`Bearer ${token}`), grant)
    nowMs = 1000
    assert.equal(credentials.grantOf(`Bearer ${token}`), 'expired')
    assert.ok(!credentials.holds(grant))
  })

  test('counts by the file that is in force, and a line that stays as it was keeps its grant', () => {
    const [token, other] = [newToken(), newToken()]
    const line = { name: 'a', hash: hashOf(token), scopes: ['read'] }
    const credentials = new Credentials(() => 0, parse(line, { name: 'anonymous', scopes: ['read'] }))
    const grant = credentials.grantOf(`Bearer ${token}`)
    const anonymous = credentials.grantOf(undefined)
    assert.ok(typeof grant !== 'string' && typeof anonymous !== 'string')
    assert.equal(credentials.grantOf(`Bearer ${other}`), 'unknown')
    credentials.replace(parse(line, { name: 'b', hash: hashOf(other), scopes: ['write'] }))
    assert.equal(credentials.grantOf(`Bearer ${token}`), grant)
    assert.ok(credentials.holds(grant) && !credentials.holds(anonymous))
    assert.equal(credentials.grantOf(undefined), 'missing')
    assert.ok(typeof credentials.grantOf(`Bearer ${other}`) !== 'string')
    credentials.replace(parse({ ...line, scopes: ['write'] }))
    assert.ok(!credentials.holds(grant))
    credentials.replace([])
    for (const header of [`Bearer ${token}`, `Bearer ${other}`]) assert.equal(credentials.grantOf(header), 'unknown')
  })

  test('is bounded in what is remembered, however many headers lead to one token', () => {
    const token = newToken()
    const credentials = new Credentials(() => 0, parse({ name: 'a', hash: hashOf(token), scopes: ['read'] }))
    for (let spaces = 1; spaces < 3000; spaces += 1)
      assert.ok(typeof credentials.grantOf(`Bearer${' '.repeat(spaces)}${token}`) !== 'string')
  })
})
