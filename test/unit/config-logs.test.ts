/** What the command line says of logs: flags of a peer, and commands. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isQuery, shownAs, statementOf } from '../../src/commands/repl/statements.ts'
import { parseCommandLine } from '../../src/settings/command-line.ts'
import { LOG_COMMANDS } from '../../src/settings/log-commands.ts'
import type { LogCommand } from '../../src/settings/log-commands.ts'
import type { ReplCommand } from '../../src/settings/repl-command.ts'
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
    assert.deepEqual(settingsOf('-log', 'a=sqlite:', '-log', 'b=sqlite:/srv/b.sqlite').logs, [
      { log: 'a', kind: 'sqlite', at: '' },
      { log: 'b', kind: 'sqlite', at: '/srv/b.sqlite' },
    ])
    assert.deepEqual(settingsOf('-log', 'a=mariadb://me@10.0.0.1:3306/a', '-log', 'b=postgresql://me@db/b?sslmode=verify-full').logs, [
      { log: 'a', kind: 'mysql', at: 'mariadb://me@10.0.0.1:3306/a' },
      { log: 'b', kind: 'postgres', at: 'postgresql://me@db/b?sslmode=verify-full' },
    ])
    for (const bad of [
      'orders=mysql://me@10.0.0.1',
      'orders=postgres:',
      'orders=postgres:///b',
      'orders',
      'orders=',
      '=kv:',
      '..=kv:',
      'a/b=kv:',
      'orders=redis:',
      'orders=kv',
      'orders=kv:x',
    ])
      assert.match(messageOf('-cid', 'a', '-log', bad), /^-log ".*": /, bad)
  })

  test('contents are compared every so many seconds, or never, and a replica is wanted by the name of a log', () => {
    assert.deepEqual([settingsOf().logCheckMs, settingsOf('-log-check', '0').logCheckMs], [600_000, 0])
    assert.deepEqual(settingsOf('-log-learn', 'a', '-log-learn', 'b.c').logLearns, ['a', 'b.c'])
    assert.match(messageOf('-cid', 'a', '-log-learn', '..'), /^-log-learn /)
    assert.match(messageOf('-cid', 'a', '-log-check', '1.5'), /^-log-check /)
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

suite('the port and the prompt of Nexus', () => {
  test('the port has an address and a log', () => {
    assert.deepEqual(settingsOf('-nexus', '9121=orders', '-nexus', '0.0.0.0:9122=carts').nexus, [
      { address: { host: '127.0.0.1', port: 9121 }, log: 'orders' },
      { address: { host: '0.0.0.0', port: 9122 }, log: 'carts' },
    ])
    for (const bad of ['9121', '9121=', '9121=..', '70000=a', '=a', 'orders=9121'])
      assert.match(messageOf('-cid', 'a', '-nexus', bad), /^-nexus ".*": /, bad)
  })

  test('the prompt takes a kind and an address, and nodes an address and a verb', () => {
    const given = (...words: string[]): unknown[] => {
      const command = commandOf('repl', ...words) as LogCommand | ReplCommand as ReplCommand
      return [command.first, command.second, command.third]
    }
    assert.deepEqual(given('redis', '127.0.0.1:9121'), ['redis', '127.0.0.1:9121', undefined])
    assert.deepEqual(given('kv', 'https://a.example:9121', '{"get":["k"]}'), ['kv', 'https://a.example:9121', '{"get":["k"]}'])
    assert.deepEqual(given('[::1]:9121', 'listNodes'), ['[::1]:9121', 'listNodes', undefined])
    assert.deepEqual(given('127.0.0.1:9121', 'addNode', 'http://127.0.0.1:9024'), ['127.0.0.1:9121', 'addNode', 'http://127.0.0.1:9024'])
    for (const bad of [
      ['redis'],
      ['oracle', '127.0.0.1:9121'],
      ['redis', '9121'],
      ['redis', '127.0.0.1'],
      ['redis', 'listNodes'],
      ['127.0.0.1:9121', '127.0.0.1:9122'],
      ['127.0.0.1:9121', 'listNodes', 'x'],
      ['127.0.0.1:9121', 'addNode'],
    ])
      assert.match(messageOf('repl', ...bad), /^(replicator repl|KIND|ADDRESS)/, bad.join(' '))
  })

  test('answers are shown as their kinds are', () => {
    assert.equal(shownAs('null'), 'OK')
    assert.equal(shownAs('"OK"'), 'OK')
    assert.equal(shownAs('"a b"'), 'a b')
    assert.equal(shownAs('42'), '42')
    assert.equal(shownAs('["a",1,null]'), '["a",1,null]')
    assert.equal(shownAs('{"columns":[],"rows":[],"rowsAffected":1,"lastInsertId":null}'), 'OK')
    const rows = '{"columns":[{"name":"id","type":"INT"},{"name":"data","type":"TEXT"}],"rows":[[1,"hello"],[20,null]],"rowsAffected":0}'
    const rule = '+----+-------+'
    assert.equal(shownAs(rows), [rule, '| id | data  |', rule, '| 1  | hello |', '| 20 | NULL  |', rule].join('\n'))
  })

  test('what changes nothing is asked, and all else is ordered', () => {
    for (const query of ['SELECT 1', ' show tables', 'explain select 1']) assert(isQuery('mysql', query), query)
    for (const command of ['insert into t values (1)', 'selected', 'create table t (a int)']) assert(!isQuery('sqlite', command), command)
    assert(isQuery('kv', '{"get":["a"]}') && !isQuery('kv', '{"set":{"a":"b"}}') && !isQuery('kv', 'x'))
    assert(!isQuery('redis', "return redis.call('get', 'a')"))
    assert.equal(statementOf('  select 1 ; '), 'select 1')
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
    assert.deepEqual([create.store, create.place, create.lease], ['kv', 'cluster:a', false])
    const leased = commandOf('log', 'create', 'orders', '-lease')
    assert(leased.name === 'log create' && leased.lease)
    for (const name of ['log check', 'log recover', 'log end'] as const) {
      const plain = commandOf(...name.split(' '), 'orders')
      assert(plain.name === name && plain.log === 'orders')
    }
    const add = commandOf('log', 'add', 'orders', PEER)
    assert(add.name === 'log add' && add.peer === PEER)
  })

  test('say what they lack, and what will not do', () => {
    assert.match(messageOf('log', 'status'), /^replicator log status needs NAME/)
    assert.match(messageOf('log', 'query', 'orders'), /^replicator log query needs QUERY/)
    assert.match(messageOf('log', 'add', 'orders', 'node 1'), /peer id/)
    assert.match(messageOf('log', 'status', '..'), /name of a log/)
    assert.match(messageOf('log', 'query', 'orders', 'x', '-consistency', 'new'), /linearizable, lease or local/)
    assert.match(messageOf('log', 'recover'), /^replicator log recover needs NAME/)
  })

  test('are all in the table', () => {
    for (const name of ['ls', 'status', 'create', 'submit', 'query', 'add', 'remove', 'transfer'])
      assert.ok(Object.hasOwn(LOG_COMMANDS, `log ${name}`), name)
  })
})

suite('commands of databases that Kafka orders', () => {
  test('a replica is told who orders and which database it keeps', () => {
    const { kind, ...told } = parseCommandLine(['replica', 'orders', '-order', 'kafka://a:9092', '-store', 'sqlite:x'], {})
    assert.equal(kind, 'command', JSON.stringify(told))
    const { command } = told as { readonly command: Readonly<Record<string, unknown>> }
    assert.deepEqual(
      [command['log'], command['order'], command['store'], command['storePassword']],
      ['orders', 'kafka://a:9092', 'sqlite:x', undefined],
    )
  })

  test('only databases of SQL, brokers with ports, and the verdict that there is are taken', () => {
    const wrong = [
      ['replica', 'orders', '-order', 'kafka://a:9092', '-store', 'kv:'],
      ['replica', 'orders', '-order', 'kafka://a:9092', '-store', 'redis://127.0.0.1:6379/0'],
      ['replica', 'orders', '-order', 'kafka://a', '-store', 'sqlite:'],
      ['replica', 'a/b'],
      ['kluster', 'verdict', 'orders', '-1', 'rejected'],
      ['kluster', 'verdict', 'orders', '1', 'done'],
      ['log', 'create', 'orders', '-order', 'http://a:1'],
    ]
    for (const words of wrong) assert.equal(parseCommandLine(words, {}).kind, 'usage-error', words.join(' '))
  })
})
