/**
 * The file of -config: what it may hold, what replaces it, and that what is printed of it can be
 * read again.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { parseCommandLine } from '../../src/settings/command-line.ts'
import type { Environment } from '../../src/settings/command-line.ts'
import type { Settings } from '../../src/settings/settings.ts'

const directory = mkdtempSync(join(tmpdir(), 'replicator-config-'))
after(() => rmSync(directory, { recursive: true, force: true }))

function fileOf(text: string, mode = 0o600): string {
  const path = join(directory, `${mode}.conf`)
  writeFileSync(path, text, { mode })
  return path
}

function settingsOf(argv: readonly string[], environment: Environment = {}): Settings {
  const parsed = parseCommandLine(argv, environment)
  assert(parsed.kind === 'run', JSON.stringify(parsed))
  return parsed.config
}

function messageOf(text: string): string {
  const parsed = parseCommandLine(['-config', fileOf(text)], {})
  assert(parsed.kind === 'usage-error', text)
  return parsed.message
}

suite('the file of -config', () => {
  test('has the names of the flags, repeated where a flag may be, in either spelling', () => {
    const lines = [
      '# a peer',
      'cid = berlin',
      '  http 0.0.0.0:8000',
      '',
      'peer = /ip4/192.0.2.1/tcp/1',
      'peer = /ip4/192.0.2.2/tcp/1',
      'audit-writes = on',
    ]
    const config = settingsOf(['-config', fileOf(lines.join('\n'))])
    assert.equal(config.clusterId, 'berlin')
    assert.deepEqual(config.http, { host: '0.0.0.0', port: 8000 })
    assert.deepEqual(config.peers, ['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1'])
    assert.equal(config.auditWrites, true)
    assert.equal(config.minPeers, 3)
  })

  test('gives way to variables, and these to flags', () => {
    const path = fileOf('cid = a\nmin-peers = 5\nrendezvous = of-file')
    const config = settingsOf(['-config', path, '-cid', 'c'], { REPLICATOR_CID: 'b', REPLICATOR_MIN_PEERS: '4' })
    assert.deepEqual([config.clusterId, config.minPeers, config.rendezvous], ['c', 4, 'of-file'])
    assert.equal(settingsOf([], { REPLICATOR_CONFIG: path }).clusterId, 'a')
  })

  test('is refused with the line and how to mend it', () => {
    assert.match(messageOf('cid = a\nnonsense'), /line 2 is not "name = value"/)
    assert.match(messageOf('cid = a\nmin-pers = 3'), /line 2: there is no setting min-pers; did you mean min-peers$/)
    assert.match(messageOf('cid = a\ncid = b'), /line 2: cid is there twice/)
    assert.match(messageOf('cid = a/b'), /\.conf: cid = "a\/b": a cluster id is/)
    assert.match(messageOf('cid = a\naudit-writes = yes'), /audit-writes = write on or off/)
    assert.equal(parseCommandLine(['-config', join(directory, 'none')], {}).kind, 'usage-error')
  })

  test('that others can write is refused, because it says who may do what', { skip: process.platform === 'win32' }, () => {
    const parsed = parseCommandLine(['-config', fileOf('cid = a', 0o666)], {})
    // The mask of this process may have taken the right away already.
    if (parsed.kind === 'usage-error') assert.match(parsed.message, /other users of this machine can write the file/)
  })

  test('is printed without the passwords that stand in URLs', () => {
    const line = ['-cid', 'a', '-print-config', '-log', 'orders=redis://me:hush@127.0.0.1:6379/1', '-set-redis', 'redis://:hush@localhost']
    const printed = parseCommandLine(line, {})
    assert(printed.kind === 'help')
    assert.match(printed.text, /log = orders=redis:\/\/me:\*\*\*@127\.0\.0\.1:6379\/1/)
    assert.doesNotMatch(printed.text, /hush/)
  })

  test('is printed as what holds and where it came from, and can be read again', () => {
    const path = fileOf('cid = a\nhttp-host = one.example\nhttp-host = two.example')
    const printed = parseCommandLine(['-config', path, '-print-config', '-min-peers', '2'], {
      REPLICATOR_PEER: '/ip4/192.0.2.1/tcp/1, /ip4/192.0.2.2/tcp/1',
    })
    assert(printed.kind === 'help')
    assert.match(printed.text, /# from .*\.conf\ncid = a\n/)
    assert.match(printed.text, /# from the flag -min-peers\nmin-peers = 2\n/)
    assert.match(
      printed.text,
      /# from the variable REPLICATOR_PEER\npeer = \/ip4\/192\.0\.2\.1\/tcp\/1\npeer = \/ip4\/192\.0\.2\.2\/tcp\/1\n/,
    )
    assert.match(printed.text, /# join-timeout: default, 30/)
    const again = settingsOf(['-config', fileOf(printed.text)])
    assert.deepEqual([again.clusterId, again.minPeers, again.hostNames, again.peers.length], ['a', 2, ['one.example', 'two.example'], 2])
  })
})
