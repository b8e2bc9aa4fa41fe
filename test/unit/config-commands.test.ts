import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { parseCommandLine } from '../../src/settings/command-line.ts'
import type { Environment } from '../../src/settings/command-line.ts'
import { ALL_COMMANDS } from '../../src/settings/all-commands.ts'
import type { Command } from '../../src/settings/all-commands.ts'
import { COMMANDS } from '../../src/settings/commands.ts'

const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const OTHER = '12D3KooWSmUQfTDCHBvzYbRkQEVX7oCCUfXXMULyV3BPFzcuvFRn'
const NETWORK = '0123456789abcdef0123456789abcdef'
/** What asks no peer has no address. */
const WITHOUT_PEER: ReadonlyMap<string, string> = new Map([
  ['token', '-out FILE'],
  ['completion', '-o FORMAT'],
  ['repl', '-token-file FILE'],
  ...['kluster backup', 'kluster restore'].map((name) => [name, '-store URL'] as const),
  ...['replica', 'kluster client', 'kluster lag', 'kluster verdict'].map((name) => [name, '-order URL'] as const),
])
const ASKED = {
  url: 'http://127.0.0.1:8000',
  dataDirectory: undefined,
  token: undefined,
  ca: undefined,
  cert: undefined,
  key: undefined,
  secretMode: 'private',
  timeoutMs: 60_000,
  output: undefined,
}

function commandOf(argv: readonly string[], environment: Environment = {}): Command {
  const parsed = parseCommandLine(argv, environment)
  assert(parsed.kind === 'command', JSON.stringify(parsed))
  return parsed.command
}

function messageOf(argv: readonly string[]): string {
  const parsed = parseCommandLine(argv, {})
  assert(parsed.kind === 'usage-error', `taken, though wrong: ${argv.join(' ')}`)
  assert.doesNotMatch(parsed.message, /\n/)
  return parsed.message
}

suite('commands', () => {
  test('each is read with its operands and the defaults of its flags', () => {
    const force = { ...ASKED, force: false }
    const expected: readonly (readonly [readonly string[], unknown])[] = [
      [['members'], { name: 'members', ...ASKED }],
      [['add', PEER], { name: 'add', peer: PEER, ...force }],
      [['remove', PEER], { name: 'remove', peer: PEER, ...force }],
      [['replace', PEER, OTHER], { name: 'replace', peer: PEER, successor: OTHER, ...force }],
      [['remove-cluster', 'cluster-1'], { name: 'remove-cluster', clusterId: 'cluster-1', ...force }],
      [['leave'], { name: 'leave', ...force }],
      [['withdraw'], { name: 'withdraw', ...ASKED }],
      [
        ['token', 'ci', '-scopes', 'read,write', '-prefix', '/store/a/', '-prefix', '/kv/b', '-expires', '2027-01-31', '-out', 'tokens'],
        {
          name: 'token',
          tokenName: 'ci',
          scopes: ['read', 'write'],
          prefixes: ['/store/a/', '/kv/b'],
          expires: '2027-01-31T00:00:00.000Z',
          out: 'tokens',
        },
      ],
      [['force-new-epoch'], { name: 'force-new-epoch', confirmed: undefined, ...ASKED }],
    ]
    for (const [argv, command] of expected) assert.deepEqual(commandOf(argv), command)
    assert.deepEqual(
      expected.map(([[name]]) => name),
      Object.keys(COMMANDS),
    )
  })

  test('a peer is meant by its id or by its name', () => {
    assert.deepEqual(commandOf(['remove', 'berlin-1']), { name: 'remove', peer: 'berlin-1', ...ASKED, force: false })
  })

  test('flags stand before or behind operands, and one without a value takes none of them', () => {
    for (const argv of [
      ['remove', '-force', PEER, '-timeout', '5'],
      ['remove', '--timeout=5', PEER, '--force'],
    ]) {
      assert.deepEqual(commandOf(argv), { name: 'remove', peer: PEER, ...ASKED, timeoutMs: 5_000, force: true })
    }
    assert.match(messageOf(['remove', PEER, '-force=yes']), /-force takes no value/)
  })

  test('the address comes from its flag, its variable or neither, without a slash at its end', () => {
    const environment = { REPLICATOR_URL: 'http://10.0.0.1:8001/', REPLICATOR_FORCE: 'yes' }
    assert.deepEqual(commandOf(['members'], environment), { name: 'members', ...ASKED, url: 'http://10.0.0.1:8001' })
    const named = commandOf(['members', '-url', 'https://a.example/peer/'], environment)
    assert.deepEqual(named, { name: 'members', ...ASKED, url: 'https://a.example/peer' })
    assert.deepEqual(commandOf(['leave'], environment), { name: 'leave', ...ASKED, url: 'http://10.0.0.1:8001', force: false })
  })

  test('a token comes from a file, or from a variable, and no flag carries it', () => {
    const directory = mkdtempSync(join(tmpdir(), 'replicator-token-'))
    const [path, open] = [join(directory, 'token'), join(directory, 'open')]
    try {
      writeFileSync(path, ' abc.DEF~1\n', { mode: 0o600 })
      writeFileSync(open, 'abc\n', { mode: 0o644 })
      const tokenOf = (argv: readonly string[], environment: Environment = {}): unknown =>
        (commandOf(['members', ...argv], environment) as { readonly token?: string }).token
      assert.equal(tokenOf(['-token-file', path]), 'abc.DEF~1')
      assert.equal(tokenOf([], { REPLICATOR_TOKEN_FILE: path, REPLICATOR_TOKEN: 'other' }), 'abc.DEF~1')
      assert.equal(tokenOf([], { REPLICATOR_TOKEN: 'other' }), 'other')
      assert.equal(tokenOf([], { REPLICATOR_TOKEN: '' }), undefined)
      assert.match(messageOf(['members', '-token', 'abc']), /^unknown flag "-token"/)
      assert.match(messageOf(['members', '-token-file', join(directory, 'none')]), /^-token-file .*cannot be read \(ENOENT\)/)
      if (process.platform !== 'win32') assert.match(messageOf(['members', '-token-file', open]), /^-token-file .*chmod 600/)
      const bad = parseCommandLine(['members'], { REPLICATOR_TOKEN: 'two words' })
      assert(bad.kind === 'usage-error')
      assert.match(bad.message, /^REPLICATOR_TOKEN: there is no token/)
      assert.ok(!bad.message.includes('two words'))
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test('what is wrong is named', () => {
    const mistakes: readonly (readonly [readonly string[], RegExp])[] = [
      [['add'], /replicator add needs PEER/],
      [['replace', PEER], /replicator replace needs NEW/],
      [['add', `${PEER}x`], /^PEER "12D3\w+": write a peer id or a name/],
      [['add', 'no body'], /^PEER "no body": write a peer id or a name/],
      [['remove-cluster', 'a/b'], /^CID "a\/b": a cluster id/],
      [['add', PEER, OTHER], /^stray argument/],
      [['members', '-force'], /^unknown flag "-force"/],
      [['members', '-cid', 'a'], /^unknown flag "-cid"/],
      [['members', '-url', '127.0.0.1:8000'], /^-url .*HTTP address/],
      [['members', '-url', 'ftp://a'], /^-url .*HTTP address/],
      [['members', '-cert', 'a.pem'], /^-cert is there without -key/],
      [['members', '-key', 'a.key'], /^-key is there without -cert/],
      [['members', '-timeout', '0'], /^-timeout .*from 1 to 3600/],
      [['token', 'anonymous', '-scopes', 'read', '-out', 't'], /^NAME "anonymous": .*not anonymous/],
      [['token', 'a b', '-scopes', 'read', '-out', 't'], /^NAME "a b"/],
      [['token', 'a', '-out', 't'], /^-scopes is missing/],
      [['token', 'a', '-scopes', 'read'], /^-out is missing/],
      [['token', 'a', '-scopes', 'read,all', '-out', 't'], /^-scopes .*read,write,operate/],
      [['token', 'a', '-scopes', 'read', '-prefix', 'store', '-out', 't'], /^-prefix .*with its type/],
      [['token', 'a', '-scopes', 'read', '-expires', 'soon', '-out', 't'], /^-expires .*a date/],
      [['force-new-epoch', '-confirm', 'yes'], /^-confirm .*32 hexadecimal/],
    ]
    for (const [argv, message] of mistakes) assert.match(messageOf(argv), message)
    assert.deepEqual(commandOf(['force-new-epoch', '-confirm', NETWORK]), { name: 'force-new-epoch', confirmed: NETWORK, ...ASKED })
  })

  test('the help names every command, and each has a help of its own that fits 80 columns', () => {
    const whole = parseCommandLine(['-help'], {})
    assert(whole.kind === 'help')
    for (const name of Object.keys(ALL_COMMANDS)) {
      assert.match(whole.text, new RegExp(`^  ${name}( \\[?[A-Z]+[\\]…]?)*$`, 'm'))
      const own = parseCommandLine([name, '-help'], {})
      assert(own.kind === 'help')
      assert.match(own.text, new RegExp(`^Usage: replicator ${name}.*${WITHOUT_PEER.get(name) ?? '-url URL'}`, 's'))
      for (const line of own.text.split('\n')) assert(line.length <= 80, line)
    }
  })
})
