/** Texts of SQL as tokens: what is a name, and what only looks like one. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { SQLITE_DIALECT, tokensOf } from '../../src/stores/sql/tokens.ts'

function told(text: string): string | undefined {
  return tokensOf(text, SQLITE_DIALECT)
    ?.map(({ kind, text: inside }) => `${kind}:${inside}`)
    .join(' ')
}

suite('tokens of SQL', () => {
  test('words are in lower case, quoted names as they are', () => {
    assert.equal(
      told('SELECT a_1, "B""c", [d e], `f` FROM tÄ'),
      'word:select word:a_1 sign:, name:B"c sign:, name:d e sign:, name:f word:from word:tä',
    )
  })

  test('nothing is found in strings and comments', () => {
    assert.equal(told(`'it''s; -- x' -- y; begin\n/* commit; ' */;`), `string:it's; -- x sign:;`)
    assert.equal(told(`'\\' || 'x'`), 'string:\\ sign:| sign:| string:x')
    assert.equal(
      told('1.5e3 .5 0x1F ?1 :name @n $v'),
      'number:1.5e3 number:.5 number:0x1F sign:? number:1 sign:: word:name sign:@ word:n sign:$ word:v',
    )
    assert.equal(told('a--b'), 'word:a')
    assert.equal(told('/**/a/* * / **/b'), 'word:a word:b')
  })

  test('what is not closed is no text', () => {
    for (const text of [`'a`, '"a', '[a', '`a', '/* a', `'a''`, `select 'a' || "b`]) assert.equal(told(text), undefined, text)
  })
})
