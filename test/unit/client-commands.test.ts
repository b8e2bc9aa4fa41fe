/**
 * Commands for clients: how they are read, and what is made of lines, tables and mistyped words,
 * apart from any peer.
 */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { suite, test } from 'node:test'
import { completionFor } from '../../src/commands/completion.ts'
import { format, formatBytes } from '../../src/commands/format.ts'
import { parseLine, valueFields } from '../../src/commands/jsonl.ts'
import { linesFrom } from '../../src/commands/lines.ts'
import type { Line } from '../../src/commands/lines.ts'
import { CLIENT_COMMANDS } from '../../src/settings/client-commands.ts'
import { parseCommandLine } from '../../src/settings/command-line.ts'
import { REGISTER_COMMANDS } from '../../src/settings/register-commands.ts'

function messageOf(argv: readonly string[]): string {
  const parsed = parseCommandLine(argv, {})
  assert(parsed.kind === 'usage-error', `taken, though wrong: ${argv.join(' ')}`)
  return parsed.message
}

function fieldsOf(argv: readonly string[]): Readonly<Record<string, unknown>> {
  const parsed = parseCommandLine(argv, {})
  assert(parsed.kind === 'command', JSON.stringify(parsed))
  return parsed.command as unknown as Record<string, unknown>
}

suite('a command for clients', () => {
  test('takes its value as an argument, or leaves it to a file or standard input', () => {
    assert.deepEqual([fieldsOf(['put', 'a', 'b'])['storedKey'], fieldsOf(['put', 'a', 'b'])['value']], ['a', 'b'])
    assert.equal(fieldsOf(['put', 'a'])['value'], undefined)
    assert.equal(fieldsOf(['put', 'a', '-file', 'x'])['file'], 'x')
  })

  test('takes what follows "--" as it is, whatever it begins with', () => {
    assert.equal(fieldsOf(['put', 'a', '--', '-b'])['value'], '-b')
    assert.deepEqual(fieldsOf(['get', '--', '-a', '-b'])['keys'], ['-a', '-b'])
    assert.match(messageOf(['put', '--', 'a', 'b', 'c']), /stray argument "c"/)
  })

  test('takes several keys, and one at least', () => {
    assert.deepEqual(fieldsOf(['get', 'a', 'b', '-o', 'json', 'c'])['keys'], ['a', 'b', 'c'])
    assert.match(messageOf(['get']), /needs KEY/)
  })

  test('asks the peers that are named, or the usual one', () => {
    assert.deepEqual(fieldsOf(['ls'])['urls'], ['http://127.0.0.1:8000'])
    assert.deepEqual(fieldsOf(['ls', '-url', 'http://a:1/', '-url', 'http://b:2'])['urls'], ['http://a:1', 'http://b:2'])
  })

  test('has examples that are good command lines, each shown in its help', () => {
    for (const [name, { examples = [] }] of Object.entries({ ...CLIENT_COMMANDS, ...REGISTER_COMMANDS })) {
      assert.ok(examples.length > 0, name)
      const help = parseCommandLine([...name.split(' '), '--help'], {})
      for (const line of examples) {
        const words = [...line.replace(/ >.*/, '').matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
        assert.equal(parseCommandLine(words, {}).kind, 'command', line)
        assert.ok(help.kind === 'help' && help.text.includes(`replicator ${line}`), line)
      }
    }
  })
})

suite('a command for registers', () => {
  test('says what must be there as a version, live or absent', () => {
    assert.equal(fieldsOf(['kv', 'put', 'a', 'b'])['when'], undefined)
    for (const [text, when] of [
      ['7', 7],
      ['live', 'live'],
      ['absent', 'absent'],
    ] as const)
      assert.equal(fieldsOf(['kv', 'rm', 'a', '-when', text])['when'], when)
    for (const text of ['', '-1', 'none', String(2 ** 52)])
      assert.match(messageOf(['kv', 'put', 'a', '-when', text]), /-when .*write a version/)
  })

  test('lives for seconds, and is repeated by its name and the version before it', () => {
    const fields = fieldsOf(['kv', 'put', 'a', '-ttl', '30', '-idempotency-key', 'n', '-after', '7'])
    assert.deepEqual([fields['ttlSeconds'], fields['idempotencyKey'], fields['after']], [30, 'n', 7])
    assert.match(messageOf(['kv', 'put', 'a', '-ttl', '0']), /seconds from 1 to 31536000/)
  })

  test('is one of those that there are', () => {
    assert.match(messageOf(['kv']), /^replicator kv needs one of put, get, rm, ls, watch;/)
    assert.match(messageOf(['kv', 'gte', 'a']), /; did you mean get;/)
  })
})

suite('a mistyped word', () => {
  test('is answered with the known one that is near', () => {
    assert.match(messageOf(['gte', 'a']), /did you mean get\?/)
    assert.match(messageOf(['put', 'a', '-tpye', 'x']), /unknown flag "-tpye"; did you mean -type;/)
    assert.match(messageOf(['-cdi', 'a']), /did you mean -cid;/)
  })

  test('is answered without a guess where none is near', () => {
    assert.doesNotMatch(messageOf(['-zzzzzz', 'a']), /did you mean/)
    assert.match(messageOf(['zzzzzz']), /^stray argument/)
  })
})

suite('keys as JSON lines', () => {
  test('hold text as text and other bytes as base64, and are read back as they were', () => {
    for (const value of [Buffer.from('héllo'), Buffer.from([0xff, 0]), Buffer.from('\ufeffa'), Buffer.alloc(0)]) {
      const line = parseLine(JSON.stringify({ key: 'a', ...valueFields(value), contentType: 'x/y' }), 1)
      assert.deepEqual([line.key, line.contentType, Buffer.from(line.value)], ['a', 'x/y', value])
    }
  })

  test('that are none are refused with their number', () => {
    for (const text of ['{', '[]', '{"key":1,"value":"a"}', '{"key":"a"}', '{"key":"a","value":"a","valueBase64":"YQ=="}'])
      assert.throws(() => parseLine(text, 7), /^CommandFailed: line 7/, text)
  })

  test('tell where the next one begins, however the bytes come', async () => {
    const bytes = Buffer.from('one\n\nthrée\nlast')
    for (const step of [1, 3, 100]) {
      const parts = Array.from({ length: Math.ceil(bytes.length / step) }, (_, index) => bytes.subarray(index * step, (index + 1) * step))
      const lines: Line[] = []
      for await (const line of linesFrom(Readable.from(parts), 10, 1_000)) lines.push(line)
      assert.deepEqual(
        lines.map(({ text, number, endBytes }) => [text, number, endBytes]),
        [
          ['one', 11, 1_004],
          ['', 12, 1_005],
          ['thrée', 13, 1_012],
          ['last', 14, 1_016],
        ],
      )
    }
  })
})

suite('an answer', () => {
  test('is a table for people, JSON a line for programs, or values between tabs', () => {
    const said = { head: ['A', 'BB'], rows: [['long', '1']], facts: [{ a: 1 }] }
    assert.deepEqual(format('table', said), ['A     BB', 'long  1'])
    assert.deepEqual(format('json', said), ['{"a":1}'])
    assert.deepEqual(format('raw', said), ['long\t1'])
  })

  test('says bytes as people do', () => {
    assert.deepEqual([0, 1_023, 1_536, 5_368_709_120].map(formatBytes), ['0 B', '1023 B', '1.5 KiB', '5.0 GiB'])
  })
})

test('completion knows every command in every shell', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const text = completionFor(shell).join('\n')
    for (const name of [...Object.keys(CLIENT_COMMANDS), 'members', 'set', 'insert', 'kv', 'rm'])
      assert.match(text, new RegExp(`\\b${name}\\b`), `${shell} ${name}`)
  }
})
