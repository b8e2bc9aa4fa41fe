/** What the command line says of logs: flags of a peer, and commands. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseCommandLine } from '../../src/settings/command-line.ts'
import { LOG_COMMANDS } from '../../src/settings/log-commands.ts'
import type { LogCommand } from '../../src/settings/log-commands.ts'
import type { Settings } from '../../src/settings/settings.ts'

const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'

function settingsOf(...argv: readonly string[]): Settings {
  const parsed = parseCommandLine(['-cid', 'a', ...argv], {})
  assert(parsed.kind === 'run', JSON.stringify(parsed))
  return parsed.config
}

function commandOf(...argv: readonly string[]): LogCommand {
  const parsed = parseCommandLine(argv, {})
  assert(parsed.kind === 'command', JSON.stringify(parsed))
  return parsed.command as LogCommand
}

function messageOf(...argv: readonly string[]): string {
  const parsed = parseCommandLine(argv, {})
  assert(parsed.kind === 'usage-error', `taken, though wrong: ${argv.join(' ')}`)
  return parsed.message
}

suite('flags of logs', () => {
  test('a store is offered by the name of a log and a URL', () => {
    assert.deepEqual(settingsOf().logs, [])
    assert.deepEqual(settingsOf('-log', 'orders=kv:', '-log=a.b=redis://10.0.0.1:6379/3').logs, [
      { log: 'orders', kind: 'kv', at: '' },
      { log: 'a.b', kind: 'redis', at: 'redis://10.0.0.1:6379/3' },
    ])
    for (const bad of ['orders', 'orders=', '=kv:', '..=kv:', 'a/b=kv:', 'orders=redis:', 'orders=kv', 'orders=kv:x'])
      assert.match(messageOf('-cid', 'a', '-log', bad), /^-log ".*": /, bad)
  })

  test('the password of a store is in a file, by the name of its log', () => {
    assert.deepEqual(settingsOf('-store-password', 'orders=/etc/a=b').storePasswords, [{ log: 'orders', path: '/etc/a=b' }])
    for (const bad of ['orders', 'orders=', '=f', '..=f'])
      assert.match(messageOf('-cid', 'a', '-store-password', bad), /^-store-password ".*": /, bad)
  })

  test('the port of hraftd has an address and a log, kv unless it is named', () => {
    assert.deepEqual(settingsOf('-hraftd', '8100', '-hraftd', '0.0.0.0:8200=orders').hraftd, [
      { address: { host: '127.0.0.1', port: 8100 }, log: 'kv' },
      { address: { host: '0.0.0.0', port: 8200 }, log: 'orders' },
    ])
    for (const bad of ['kv', '8100=', '8100=..', '70000', '=kv'])
      assert.match(messageOf('-cid', 'a', '-hraftd', bad), /^-hraftd ".*": /, bad)
  })
})

suite('commands of logs', () => {
  test('are read with their operands and flags', () => {
    const submit = commandOf('log', 'submit', 'orders', '{"add":{"n":1}}', '-id', 'order-1', '-timeout', '5')
    assert(submit.name === 'log submit')
    assert.deepEqual([submit.log, submit.command, submit.id, submit.timeoutMs], ['orders', '{"add":{"n":1}}', 'order-1', 5_000])
    const piped = commandOf('log', 'submit', 'orders')
    assert(piped.name === 'log submit' && piped.command === undefined)
    const query = commandOf('log', 'query', 'orders', '{"get":["n"]}', '-consistency', 'local')
    assert(query.name === 'log query')
    assert.deepEqual([query.query, query.consistency], ['{"get":["n"]}', 'local'])
    const create = commandOf('log', 'create', 'orders', '-place', 'cluster:a')
    assert(create.name === 'log create')
    assert.deepEqual([create.store, create.place], ['kv', 'cluster:a'])
    const add = commandOf('log', 'add', 'orders', PEER)
    assert(add.name === 'log add' && add.peerId === PEER)
  })

  test('say what they lack, and what will not do', () => {
    assert.match(messageOf('log', 'status'), /^replicator log status needs NAME/)
    assert.match(messageOf('log', 'query', 'orders'), /^replicator log query needs QUERY/)
    assert.match(messageOf('log', 'add', 'orders', 'node1'), /peer id/)
    assert.match(messageOf('log', 'status', '..'), /name of a log/)
    assert.match(messageOf('log', 'query', 'orders', 'x', '-consistency', 'lease'), /linearizable or local/)
  })

  test('are all in the table', () => {
    for (const name of ['ls', 'status', 'create', 'submit', 'query', 'add', 'remove', 'transfer'])
      assert.ok(Object.hasOwn(LOG_COMMANDS, `log ${name}`), name)
  })
})
