import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import type { ValueRecord } from '../../protocols/base/record.ts'
import { entityTag, EntityTags, listsTag } from '../../src/http/etags.ts'
import { keyPath, parseKey } from '../../src/http/keys.ts'
import { readPutHeaders } from '../../src/http/put-headers.ts'
import { parseGetQuery, parseKeyListQuery, parseListQuery, parseNoQuery, parsePutQuery } from '../../src/http/query.ts'

function keyOf(raw: string): string {
  const parsed = parseKey(raw)
  assert.equal(parsed.fault, undefined, raw)
  return parsed.text ?? ''
}

describe('a key in a path', () => {
  it('is decoded once', () => {
    assert.equal(keyOf('a%2Fb'), 'a/b')
    assert.equal(keyOf('a%252Fb'), 'a%2Fb')
    assert.equal(keyOf('%41%c3%A9%20%F0%9F%9A%80'), 'Aé 🚀')
  })

  it('keeps pluses, case, doubled and trailing slashes, and is not normalised', () => {
    for (const raw of [
      'a+b',
      'Key',
      'key',
      'a//b',
      '/',
      '//',
      'a/',
      '/a',
      '...',
      'a/.b',
      'a/..c/d',
      '.a',
      'a.',
      '#',
      'a;b=c&d',
      "!$'()*,:@~",
    ]) {
      assert.equal(keyOf(raw), raw)
    }
    assert.notEqual(keyOf('%C3%A9'), keyOf('e%CC%81'))
  })

  it('keeps a byte order mark', () => {
    assert.equal(keyOf('%EF%BB%BFa'), '\ufeffa')
  })

  it('takes raw bytes beyond ASCII as bytes of UTF-8', () => {
    assert.equal(keyOf('\u00c3\u00a9'), 'é')
    assert.notEqual(parseKey('\u00e9').fault, undefined)
  })

  it('has 1 to 1,024 bytes of UTF-8, however it is escaped', () => {
    assert.equal(keyOf('k'.repeat(1024)).length, 1024)
    assert.equal(keyOf('%6B'.repeat(1024)).length, 1024)
    assert.equal(keyOf('%C3%A9'.repeat(512)), 'é'.repeat(512))
    for (const raw of ['', 'k'.repeat(1025), '%C3%A9'.repeat(512) + 'k', '%F0%9F%9A%80'.repeat(257)])
      assert.notEqual(parseKey(raw).fault, undefined)
  })

  it('is refused with bytes that are not UTF-8', () => {
    for (const raw of ['%FF', '%C3', '%C3x', '%C0%80', '%C0%AF', '%ED%A0%80', '%F4%90%80%80', 'a%80b', '%E2%82']) {
      assert.match(parseKey(raw).fault ?? '', /UTF-8/, raw)
    }
  })

  it('is refused with escapes that are none', () => {
    for (const raw of ['%', '%4', 'a%', 'a%4', '%zz', '%4g', '%g4', '%%41', '% 41', '%-1', '%+1', '%0x']) {
      assert.match(parseKey(raw).fault ?? '', /hexadecimal/, raw)
    }
  })

  it('is refused with U+0000', () => {
    for (const raw of ['%00', 'a%00b', 'a%00']) assert.match(parseKey(raw).fault ?? '', /U\+0000/)
  })

  it('is refused with a segment that clients rewrite, escaped or not', () => {
    for (const raw of [
      '.',
      '..',
      'a/.',
      'a/..',
      './a',
      '../a',
      'a/./b',
      'a/../b',
      '/..',
      '../',
      '%2e',
      '%2E%2e',
      'a%2F..%2Fb',
      'a/.%2E/b',
      '//.',
    ]) {
      assert.match(parseKey(raw).fault ?? '', /segment/, raw)
    }
  })

  it('comes back from its own location', () => {
    for (const key of ['a/b', 'a//b/', '/', 'é 🚀', 'a+b', '100%', 'a?b#c', '%2F', "!'()*", '\ufeff\u0001', 'a;b']) {
      const path = keyPath(key)
      assert.equal(new URL(path, 'http://localhost').pathname, path)
      assert.equal(keyOf(path.slice('/store/'.length)), key)
    }
    assert.equal(keyPath('a b/c?d'), '/store/a%20b/c%3Fd')
  })
})

describe('a query', () => {
  it('has its defaults', () => {
    assert.deepEqual(parsePutQuery(''), { timeoutMs: 10_000 })
    assert.deepEqual(parseGetQuery(''), { timeoutMs: 10_000, waitMs: 0, consistency: 'linearizable' })
    assert.deepEqual(parseListQuery(''), { prefix: '', after: '', limit: 100 })
    assert.deepEqual(parseListQuery('prefix=&after'), { prefix: '', after: '', limit: 100 })
  })

  it('takes values up to their bounds', () => {
    assert.deepEqual(parsePutQuery('timeout=100'), { timeoutMs: 100 })
    assert.deepEqual(parseGetQuery('consistency=local&wait=60000&timeout=60000'), {
      timeoutMs: 60_000,
      waitMs: 60_000,
      consistency: 'local',
    })
    for (const [text, values] of [
      ['values', true],
      ['values=true&limit=100', true],
      ['values=false', false],
      ['', false],
    ] as const)
      assert.deepEqual(parseKeyListQuery(text), { prefix: '', after: '', limit: 100, values, count: false })
    assert.deepEqual(parseKeyListQuery('count&limit=1&values=false'), { prefix: '', after: '', limit: 1, values: false, count: true })
    assert.deepEqual(parseListQuery('limit=1000&prefix=a%2Fb+c%2Bd&after=%C3%A9'), { prefix: 'a/b c+d', after: 'é', limit: 1000 })
  })

  it('names the parameter whose value will not do', () => {
    const bad: readonly (readonly [string, unknown])[] = [
      ...['99', '60001', '', '1e3', '-5', '1000.5', ' 1000', '0x3e8', '99999999999999', '%FF', '%zz'].map(
        (value) => ['timeout', parsePutQuery(`timeout=${value}`)] as const,
      ),
      ...['-1', '60001', '', 'x'].map((value) => ['wait', parseGetQuery(`wait=${value}`)] as const),
      ...['', 'Local', 'strong'].map((value) => ['consistency', parseGetQuery(`consistency=${value}`)] as const),
      ...['0', '1001', '', 'all'].map((value) => ['limit', parseListQuery(`limit=${value}`)] as const),
      ['values', parseKeyListQuery('values=yes')],
      ['count', parseKeyListQuery('count=1')],
      ['values', parseKeyListQuery('count&values')],
      ['values', parseListQuery('values=true')],
      ['prefix', parseListQuery('prefix=%FF')],
      ['prefix', parseListQuery(`prefix=${'p'.repeat(1025)}`)],
      ['after', parseListQuery('after=%00config/1')],
      ['timeout', parsePutQuery('timeout=1000&timeout=1000')],
      ['timeout', parsePutQuery('timeout')],
    ]
    for (const [name, result] of bad) {
      const { parameter, detail } = result as { parameter: string; detail: string }
      assert.equal(parameter, name)
      assert.match(detail, new RegExp(name))
    }
  })

  it('is refused for a name that the path does not know, however odd', () => {
    for (const query of ['wait=1', 'Timeout=500', '%FF=%zz', '=', '&', 'a=b=c', '__proto__=1', 'constructor']) {
      const parsed = parsePutQuery(query)
      assert.match('parameter' in parsed ? parsed.detail : '', /is no parameter of this path; it takes timeout$/, query)
    }
    assert.equal(parseNoQuery(''), undefined)
    assert.match(parseNoQuery('x=1')?.detail ?? '', /"x" is no parameter of this path; it takes none/)
  })
})

describe('an entity tag', () => {
  it('is made of content type, zero byte and value, whatever their size', () => {
    for (const size of [0, 1, 100, 4095, 4096, 4097, 100_000]) {
      for (const contentType of ['application/octet-stream', 'x'.repeat(255), 'text/plain; name="\u00e9"']) {
        const value = new Uint8Array(size).fill(7)
        const expected = createHash('sha256')
          .update(Buffer.from(contentType, 'latin1'))
          .update('\0')
          .update(value)
          .digest('hex')
          .slice(0, 32)
        const record = { writeId: 'w', value, contentType, writtenAtMs: 0 }
        assert.equal(entityTag(record), `"${expected}"`)
      }
    }
  })

  it('is remembered for the write that it was made of, however many keys are read', () => {
    const tags = new EntityTags()
    const recordOf = (text: string): ValueRecord => ({
      writeId: `w-${text}`,
      value: Buffer.from(text),
      contentType: 'text/plain',
      writtenAtMs: 0,
    })
    for (let turn = 0; turn < 2; turn += 1) {
      for (let number = 0; number < 5_000; number += 1) {
        const record = recordOf(String(number))
        assert.equal(tags.of(`k${number}`, record), entityTag(record))
      }
    }
    assert.equal(tags.of('k4999', recordOf('another')), entityTag(recordOf('another')))
  })

  it('is found in a list, weak or strong, and in a star', () => {
    for (const list of ['"a"', 'W/"a"', '"b", "a"', '"b",W/"a" , "c"', '*']) assert.equal(listsTag(list, '"a"'), true, list)
    for (const list of ['', 'a', '"A"', '"b"', 'w/"a"', '"aa"']) assert.equal(listsTag(list, '"a"'), false, list)
  })
})

describe('the headers of a put', () => {
  it('have their defaults', () => {
    const expected = { contentType: 'application/octet-stream', writeId: undefined, mustExist: false }
    assert.deepEqual(readPutHeaders({}), expected)
    assert.deepEqual(readPutHeaders({ 'content-type': '', 'content-encoding': 'Identity' }), expected)
  })

  it('name the put by an Idempotency-Key, without its quotes', () => {
    for (const [raw, expected] of [
      ['abc', 'abc'],
      ['"abc"', 'abc'],
      ['""a""', '"a"'],
      ['"', '"'],
      ['a"b', 'a"b'],
      ['~!'.repeat(64), '~!'.repeat(64)],
      [`"${'k'.repeat(128)}"`, 'k'.repeat(128)],
    ] as const) {
      const headers = readPutHeaders({ 'idempotency-key': raw })
      assert.equal('writeId' in headers && headers.writeId, expected)
    }
  })

  it('are refused by name when one will not do', () => {
    for (const [headers, problem, header] of [
      [{ 'idempotency-key': '' }, 'bad-header', 'Idempotency-Key'],
      [{ 'idempotency-key': '""' }, 'bad-header', 'Idempotency-Key'],
      [{ 'idempotency-key': 'a b' }, 'bad-header', 'Idempotency-Key'],
      [{ 'idempotency-key': 'a, b' }, 'bad-header', 'Idempotency-Key'],
      [{ 'idempotency-key': 'k'.repeat(129) }, 'bad-header', 'Idempotency-Key'],
      [{ 'idempotency-key': '\u00e9' }, 'bad-header', 'Idempotency-Key'],
      [{ 'content-type': 'x'.repeat(256) }, 'bad-header', 'Content-Type'],
      [{ 'content-type': '\u00e9'.repeat(128) }, 'bad-header', 'Content-Type'],
      [{ 'content-type': '*/*' }, 'bad-header', 'Content-Type'],
      [{ 'content-type': 'image/*; q=1' }, 'bad-header', 'Content-Type'],
      [{ 'content-range': 'bytes 0-1/2' }, 'bad-header', 'Content-Range'],
      [{ 'content-encoding': 'gzip' }, 'unsupported-encoding', 'Content-Encoding'],
      [{ 'content-encoding': 'identity, br' }, 'unsupported-encoding', 'Content-Encoding'],
    ] as const) {
      const result = readPutHeaders(headers)
      assert.ok('problem' in result, JSON.stringify(headers))
      assert.deepEqual([result.problem, result.header], [problem, header])
    }
  })
})
