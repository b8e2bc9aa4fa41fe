/** What the command line says of sets: flags of a peer, and commands. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseCommandLine } from '../../src/settings/command-line.ts'
import { SET_COMMANDS } from '../../src/settings/set-commands.ts'
import type { SetCommand } from '../../src/settings/set-commands.ts'
import type { Settings } from '../../src/settings/settings.ts'

function settingsOf(...argv: readonly string[]): Settings {
  const parsed = parseCommandLine(['-cid', 'a', ...argv], {})
  assert(parsed.kind === 'run', JSON.stringify(parsed))
  return parsed.config
}

function commandOf(...argv: readonly string[]): SetCommand {
  const parsed = parseCommandLine(argv, {})
  assert(parsed.kind === 'command', JSON.stringify(parsed))
  return parsed.command as SetCommand
}

function messageOf(...argv: readonly string[]): string {
  const parsed = parseCommandLine(argv, {})
  assert(parsed.kind === 'usage-error', `taken, though wrong: ${argv.join(' ')}`)
  assert.doesNotMatch(parsed.message, /\n/)
  return parsed.message
}

suite('flags of sets', () => {
  test('each port of a set has an address and a set, main unless it is named', () => {
    assert.deepEqual(settingsOf().lww, [])
    assert.deepEqual(settingsOf('-lww', '3001', '-lww', '0.0.0.0:3002=carts', '-lww=[::1]:0=a.b').lww, [
      { address: { host: '127.0.0.1', port: 3001 }, set: 'main' },
      { address: { host: '0.0.0.0', port: 3002 }, set: 'carts' },
      { address: { host: '::1', port: 0 }, set: 'a.b' },
    ])
    for (const bad of ['main', '3001=', '3001=a/b', '3001=..', '70000', '=main'])
      assert.match(messageOf('-cid', 'a', '-lww', bad), /^-lww ".*": /, bad)
  })

  test('stamps ahead are in seconds, the history is in days or off, Redis is written each minute', () => {
    const { setAheadMs, setHistoryMs, setRedis, setRedisEveryMs } = settingsOf()
    assert.deepEqual([setAheadMs, setHistoryMs, setRedis, setRedisEveryMs], [60_000, undefined, undefined, 60_000])
    const given = settingsOf('-set-ahead', '5', '-set-history', '7', '-set-redis', 'redis://h:6379/1', '-set-redis-every', '10')
    assert.deepEqual(
      [given.setAheadMs, given.setHistoryMs, given.setRedis, given.setRedisEveryMs],
      [5_000, 7 * 86_400_000, 'redis://h:6379/1', 10_000],
    )
    assert.equal(settingsOf('-set-history', 'off').setHistoryMs, 'off')
    for (const [flag, bad] of [
      ['-set-ahead', '1m'],
      ['-set-history', '0'],
      ['-set-history', 'never'],
      ['-set-redis', 'h:6379'],
      ['-set-redis', 'http://h'],
      ['-set-redis-every', '0'],
    ] as const)
      assert.match(messageOf('-cid', 'a', flag, bad), new RegExp(`^${flag} "${bad}": write `), `${flag} ${bad}`)
  })
})

suite('commands of sets', () => {
  test('are read with their operands', () => {
    const named = (command: SetCommand): unknown => ({ ...command, url: undefined, token: undefined, secretMode: undefined })
    const rest = { ...commandOf('set', 'ls'), name: undefined, set: undefined, url: undefined, token: undefined, secretMode: undefined }
    assert.deepEqual(named(commandOf('set', 'ls')), { ...rest, name: 'set ls' })
    assert.deepEqual(named(commandOf('set', 'ls', 'main')), { ...rest, name: 'set ls', set: 'main' })
    assert.deepEqual(named(commandOf('set', 'watch', 'main', '-after', 'x.1')), { ...rest, name: 'set watch', set: 'main', after: 'x.1' })
    const elements = ['11', '1.0', 'foo', '"11"', '~:kw', '[1, "a"]', 'two words', '-url', 'http://h:1', 'true']
    assert.deepEqual(named(commandOf('set', 'insert', 'main', ...elements)), {
      ...rest,
      name: 'set insert',
      set: 'main',
      wait: 'here',
      elements: ['11', '1.0', '"foo"', '"11"', '"~:kw"', '[1,"a"]', '"two words"', 'true'],
    })
    assert.deepEqual(commandOf('monkeys', 'viewer', '-url', 'http://h:1', '-url', 'http://h:2/sets/a/', '-pause', '0.5'), {
      name: 'monkeys viewer',
      urls: ['http://h:1', 'http://h:2/sets/a'],
      processes: 1,
      workers: 1,
      seconds: 60,
      pauseMs: 500,
      token: undefined,
    })
  })

  test('that are wrong are told what they lack', () => {
    assert.match(messageOf('set'), /^replicator set needs one of ls, insert, delete, watch/)
    assert.match(messageOf('set', 'add', 'x'), /^replicator set needs one of/)
    assert.match(messageOf('monkeys'), /^replicator monkeys needs one of normal, offline-online, viewer/)
    assert.match(messageOf('monkeys', 'normal'), /^-url is missing/)
    assert.match(messageOf('monkeys', 'normal', '-url', 'http://h', '-workers', '0'), /^-workers .*from 1/)
    assert.match(messageOf('set', 'insert', 'main'), /^replicator set insert needs ELEMENT/)
    assert.match(messageOf('set', 'insert'), /^replicator set insert needs NAME/)
    assert.match(messageOf('set', 'ls', 'a', 'b'), /^stray argument "b"/)
    assert.match(messageOf('set', 'ls', 'a/b'), /^NAME "a\/b"/)
    assert.match(messageOf('set', 'insert', 'main', '~?x'), /^ELEMENT "~\?x": write an element as transit does/)
    assert.match(messageOf('set', 'insert', 'main', '1', '-wait', 'all'), /^-wait "all": write cluster or network/)
  })

  test('each is in the help, and has one of its own that fits 80 columns', () => {
    const whole = parseCommandLine(['-help'], {})
    assert(whole.kind === 'help')
    for (const name of Object.keys(SET_COMMANDS)) {
      assert.ok(whole.text.includes(`\n  ${name}`), name)
      const own = parseCommandLine([...name.split(' '), '-help'], {})
      assert(own.kind === 'help')
      assert.ok(own.text.startsWith(`Usage: replicator ${name} `), own.text)
      for (const line of own.text.split('\n')) assert(line.length <= 80, line)
    }
  })
})
