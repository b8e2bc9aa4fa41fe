/** What SQLite says of a statement that it refuses, as a code of the log. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { CODE_BYTES_MAX } from '../../protocols/log/limits.ts'
import { utf8 } from '../../src/bytes.ts'
import { rejectionOf } from '../../src/stores/sqlite/statements.ts'

const SYNTAX = { errcode: 1, code: 'ERR_SQLITE_ERROR' }

suite('the code of a statement that SQLite refuses', () => {
  test('is what SQLite says', () => {
    assert.equal(rejectionOf({ ...SYNTAX, message: 'no such table: t' })?.code, 'no such table: t')
  })

  test('has no more bytes than whoever reads it takes, and no half of a character', () => {
    for (const name of ['ü'.repeat(300), '漢'.repeat(300), '😀'.repeat(300)]) {
      const code = rejectionOf({ ...SYNTAX, message: `no such table: ${name}` })?.code ?? ''
      assert.ok(utf8.encode(code).length <= CODE_BYTES_MAX, `${code.length} characters`)
      assert.equal(utf8.decode(utf8.encode(code)), code)
    }
  })
})
