/**
 * The store of logs in a real Redis, held to the contract; and what only a Redis can show: the
 * environment that texts of Lua run in, what the server is set up for, and a server that loses what
 * it had.
 */
import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, suite, test } from 'node:test'
import type { StoreOutcome } from '../../protocols/log/outcome.ts'
import { StoreMoved, StoreRefused, StoreUnavailable } from '../../src/ports/log-store.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { openRedisStore } from '../../src/stores/redis/redis-store.ts'
import { RedisServer, whyNoRedis } from '../integration/redis-server.ts'
import { until } from '../process/network.ts'
import { claim, command, peer, storeContract } from './log-store.ts'
import type { Speech } from './log-store.ts'

const skip = whyNoRedis()
const utf8 = new TextEncoder()
const text = new TextDecoder()
const scratchPath = join(tmpdir(), `replicator-redis-outgoing-${process.pid}`)
const NONE: ReadonlyMap<number, string> = new Map()

const call = (...words: readonly string[]): string => `redis.call(${words.map((word) => `'${word}'`).join(', ')})`

const SPEECH: Speech = {
  set: (values) => call('mset', ...Object.entries(values).flat()),
  wasSet: () => 'null',
  add: (key, by) => `return ${call('incrby', key, String(by))}`,
  wasAdded: (_, sum) => String(sum),
  replace: (key, expected, value) =>
    `if ${call('get', key)} ~= '${expected}' then return redis.error_reply('ERR it differs') end ${call('set', key, value)}`,
  halfway: `${call('set', 'half', '1')} ${call('lpush', 'half', 'x')}`,
  isUndone: false,
  nonsense: ['no lua', 'return nothing.there', 'error({})', '\u001bLua', `return ${call('get')}`],
  noQueries: [call('set', 'a', '9'), 'no lua', `pcall(redis.call, 'set', 'a', '9') error('no')`],
  query: 'return 1',
  read: async (store, keys) => {
    const { result } = await store.query(utf8.encode(`return ${call('mget', ...keys)}`), 0)
    const values = JSON.parse(text.decode(result)) as (string | null)[]
    return Object.fromEntries(keys.map((key, place) => [key, values[place] ?? null]))
  },
}

suite('in Redis', { skip }, () => {
  let server: RedisServer
  let database = 0

  before(async () => {
    server = await RedisServer.start()
  })
  after(() => server[Symbol.asyncDispose]())

  storeContract('in a Redis', SPEECH, async () => {
    database = (database + 1) % 16
    const number = String(database)
    const url = `${server.url}/${number}`
    return {
      open: (by) => openRedisStore({ url, password: undefined, scratchPath }, by),
      spoil: async () => void server.ask('-n', number, 'set', 'x', '1'),
      hinder: async () => {
        server.ask('config', 'set', 'maxmemory', '1')
        return async () => void server.ask('config', 'set', 'maxmemory', '0')
      },
      crash: async () => {
        await server.kill()
        await server.start()
      },
      remove: async () => void server.ask('-n', number, 'flushdb'),
    }
  })

  suite('a store of a log in a Redis, and no other', () => {
    let store: LogStore
    let index = 0

    const open = (): Promise<LogStore> => openRedisStore({ url: server.url, password: undefined, scratchPath }, claim)
    const applied = async (...texts: readonly string[]): Promise<readonly StoreOutcome[]> => {
      const entries = texts.map((each) => command((index += 1), each))
      return store.apply({ entries, verdicts: NONE })
    }
    const result = async (each: string): Promise<unknown> => {
      const [outcome] = await applied(each)
      if (outcome?.kind !== 'done') throw new Error(JSON.stringify(outcome))
      return JSON.parse(text.decode(outcome.result))
    }
    const code = async (each: string): Promise<string> => {
      const [outcome] = await applied(each)
      return outcome?.kind === 'rejected' ? `${outcome.class} ${outcome.code}` : JSON.stringify(outcome)
    }

    beforeEach(async () => {
      server.ask('flushall')
      index = 0
      store = await open()
    })
    afterEach(() => store.close())

    test('a result is JSON: texts, whole numbers, lists, null; bytes that are no text are told in base64', async () => {
      assert.equal(await result(`return redis.call('set', 'hello', 'world')`), 'OK')
      assert.equal(await result(`redis.call('set', 'hello', 'world')`), null)
      assert.deepEqual(await result(`return {1, 'a', {2.9, -2.9}, false, 'b\\0"\\n', true}`), [1, 'a', [2, -2], null, 'b\0"\n', 1])
      assert.deepEqual(await result(`return {'\\255', redis.status_reply('FINE'), 2^60, 0/0}`), [
        { base64: '/w==' },
        'FINE',
        '1152921504606846976',
        null,
      ])
      assert.equal(await result(`return string.rep('x', 5000)`), 'truncated')
      assert.equal(server.ask('get', 'hello'), 'world')
    })

    test('nothing that could differ between servers is within reach of a text', async () => {
      const escapes = [
        `return redis.call('time')`,
        `return redis.call('RANDOMKEY')`,
        `return redis.call('srandmember', 's')`,
        `return redis.call('spop', 's')`,
        `return redis.call('scan', '0')`,
        `return redis.call('config', 'get', '*')`,
        `return redis.call('select', '1')`,
        `return redis.call('flushall')`,
        `return redis.call('info')`,
        `return redis.call('object', 'freq', 'k')`,
        `return redis.call('eval', 'return 1', '0')`,
        `return redis.call('incrbyfloat', 'k', '0.1')`,
        `return redis.call('xadd', 's', '*', 'f', 'v')`,
        `return redis.call('xadd', 's', '5-*', 'f', 'v')`,
        `return redis.call('xtrim', 's', 'maxlen', '~', '5')`,
        `return redis.call('copy', 'a', 'b', 'db', '3')`,
        `return loadstring('return redis')()`,
        `return load(function() return nil end)`,
        `return _G.redis`,
        `return getfenv(0)`,
        `return setfenv(1, {})`,
        `return getmetatable('').__index`,
        `return setmetatable({}, {})`,
        `return collectgarbage('count')`,
        `return redis.setresp(3)`,
        `return redis.set_repl(redis.REPL_NONE)`,
        `return redis.replicate_commands()`,
        `return cjson.encode_keep_buffer(true)`,
        `for key in pairs({ [{}] = 1 }) do return 1 end`,
        `return next({ a = 1 }, 'a')`,
      ]
      for (const each of escapes) assert.match(await code(each), /^(policy not-allowed:|runtime)/, each)
      assert.equal(await result(`return redis.pcall('time').err`), 'not-allowed:time')
      assert.equal(await result(`return tostring({}) .. tostring(tostring) .. tostring(nil) .. tostring(1)`), 'tablefunctionnil1')
    })

    test('what would expire is refused by name', async () => {
      const expiring = ['expire', 'pexpire', 'expireat', 'pexpireat', 'persist', 'ttl', 'pttl', 'setex', 'psetex', 'getex']
      for (const name of expiring) assert.equal(await code(`return redis.call('${name}', 'k', '10', 'v')`), `policy not-allowed:${name}`)
      for (const option of ['EX', 'px', 'EXAT', 'PXAT', 'KEEPTTL'])
        assert.equal(await code(`return redis.call('set', 'k', 'v', '${option}', '10')`), `policy not-allowed:set ${option.toUpperCase()}`)
      assert.equal(await result(`return redis.call('set', 'EX', 'PX', 'NX')`), 'OK')
    })

    test('replies without an order come in one, by bytes', async () => {
      await applied(`redis.call('sadd', 's', 'b', 'a', 'B', '\\255', '10', '9') redis.call('hset', 'h', 'z', '1', 'y', '2', 'Y', '3')`)
      assert.deepEqual(await result(`return redis.call('smembers', 's')`), ['10', '9', 'B', 'a', 'b', { base64: '/w==' }])
      assert.deepEqual(await result(`return redis.call('hgetall', 'h')`), ['Y', '3', 'y', '2', 'z', '1'])
      assert.deepEqual(await result(`return redis.call('hkeys', 'h')`), ['Y', 'y', 'z'])
      assert.deepEqual(await result(`return redis.call('keys', '*')`), ['h', 's'])
      assert.equal(await result(`return redis.call('dbsize')`), 2)
      assert.equal(
        await result(`local t = {} for k in pairs({ b = 1, a = 1, [2] = 1, [1] = 1 }) do t[#t + 1] = k end return table.concat(t)`),
        '12ab',
      )
      assert.equal(await result(`local t = { 'b', 'B', 'a' } table.sort(t) return table.concat(t)`), 'Bab')
    })

    test('one command knows nothing of another in its batch, and chance is that of its index', async () => {
      assert.match(await code('seen = 1'), /^runtime.*readonly/)
      const look = `return { string.seen or 0, redis.seen or 0, KEYS[1] or 0, math.random(1000000) }`
      const [, first] = await applied(`string.seen = 1 redis.seen = 1 KEYS[1] = 1 return math.random(1000000)`, look)
      server.ask('flushall')
      await store.close()
      store = await open()
      index = 0
      await applied('return 1')
      await applied('return 2')
      const [again] = await applied(look)
      assert.deepEqual(again, first)
      assert(first?.kind === 'done')
      assert.match(text.decode(first.result), /^\[0,0,0,[1-9]/)
    })

    test('keys of our own are out of reach', async () => {
      assert.equal(await code(`redis.call('del', 'replicator:log:head')`), 'policy own-keys')
      assert.equal(await code(`redis.call('rename', 'a', 'replicator:log:names')`), 'policy own-keys')
      assert.equal(
        await code(`redis.pcall('del', 'replicator:log:head') return redis.call('get', 'replicator:log:head')`),
        'policy own-keys',
      )
    })

    test('a command that fails after it wrote is partial, the same half at every replica', async () => {
      const [outcome] = await applied(`redis.call('set', 'k', '1') redis.call('lpush', 'k', 'x')`)
      assert(outcome?.kind === 'rejected')
      assert.deepEqual([outcome.class, outcome.isPartial], ['type', true])
      assert.equal(await result(`return redis.call('get', 'k')`), '1')
    })

    test('a text that calls without end is rejected, and one that recurses too', async () => {
      assert.equal(await code(`while true do redis.call('get', 'k') end`), 'budget calls')
      assert.match(await code(`local function f() return f() + 1 end return f()`), /^runtime/)
      assert.equal(await code(`local t = {} t[1] = t return t`), 'budget depth')
    })

    test('out of memory is no outcome, even when the text catches it, and leaves nothing behind', async () => {
      server.ask('config', 'set', 'maxmemory', '1')
      const entries = [command(1, `pcall(redis.call, 'set', 'k', 'v') return 1`)]
      await assert.rejects(
        store.apply({ entries, verdicts: NONE }),
        (error) => error instanceof StoreUnavailable && error.code === 'out-of-memory',
      )
      server.ask('config', 'set', 'maxmemory', '0')
      assert.equal(server.ask('dbsize'), '1')
      assert.deepEqual(
        (await store.apply({ entries, verdicts: NONE })).map(({ kind }) => kind),
        ['done'],
      )
    })

    test('a user without rights makes the store unavailable: that is no outcome of the command', async () => {
      server.ask('acl', 'setuser', 'narrow', 'on', '>secret', '~*', '+@all', '-incr')
      await store.close()
      store = await openRedisStore({ url: server.url.replace('//', '//narrow@'), password: 'secret', scratchPath }, claim)
      await assert.rejects(applied(`return redis.call('incr', 'n')`), StoreUnavailable)
      assert.equal(store.at.position.index, 0)
      server.ask('acl', 'setuser', 'narrow', '+incr')
      index = 0
      assert.equal(await result(`return redis.call('incr', 'n')`), 1)
      server.ask('acl', 'deluser', 'narrow')
    })

    test('what stops after it wrote leaves a store that holds nothing that counts, and is not applied to again', async () => {
      server.ask('acl', 'setuser', 'narrow', 'on', '>secret', '~*', '+@all', '-incr')
      await store.close()
      store = await openRedisStore({ url: server.url.replace('//', '//narrow@'), password: 'secret', scratchPath }, claim)
      const entries = [command(1, `redis.call('rpush', 'l', '1') redis.call('incr', 'n')`)]
      await assert.rejects(store.apply({ entries, verdicts: NONE }), StoreUnavailable)
      server.ask('acl', 'deluser', 'narrow')
      await store.close()
      store = await open()
      assert.deepEqual([store.at.position.index, server.ask('llen', 'l')], [0, '0'])
      await store.apply({ entries, verdicts: NONE })
      assert.deepEqual([server.ask('llen', 'l'), server.ask('get', 'n')], ['1', '1'])
    })

    test('a wrong password is said', async () => {
      await assert.rejects(
        openRedisStore({ url: server.url.replace('//', '//nobody@'), password: 'x', scratchPath }, claim),
        (error) => error instanceof StoreUnavailable && error.code === 'password-wrong',
      )
    })

    test('a store that was emptied, or goes back, has moved: it is to be opened again', async () => {
      await applied(`redis.call('set', 'a', '1')`, `redis.call('set', 'a', '2')`)
      server.ask('hset', 'replicator:log:head', 'index', '1')
      await assert.rejects(
        applied(`redis.call('set', 'a', '3')`),
        (error) => error instanceof StoreMoved && error.code === 'store-went-back',
      )
      server.ask('flushall')
      index = 2
      await assert.rejects(applied(`redis.call('set', 'a', '3')`), (error) => error instanceof StoreMoved && error.code === 'store-lost')
      await store.close()
      store = await open()
      assert.equal(store.at.position.index, 0)
    })

    test('a store that was taken by another meanwhile is not written to', async () => {
      await applied(`redis.call('set', 'a', '1')`)
      server.ask('hset', 'replicator:log:head', 'owner', peer('b').id)
      await assert.rejects(applied(`redis.call('set', 'a', '2')`), StoreMoved)
      assert.equal(server.ask('get', 'a'), '1')
      await store.close()
      await assert.rejects(open(), (error) => error instanceof StoreRefused && error.code === 'store-claimed')
      server.ask('flushall')
      store = await open()
    })

    test('a store that a script left half holds nothing that counts', async () => {
      await applied(`redis.call('set', 'a', '1')`)
      server.ask('hset', 'replicator:log:head', 'torn', '2')
      await assert.rejects(applied(`redis.call('set', 'a', '2')`), StoreMoved)
      await store.close()
      store = await open()
      assert.deepEqual([store.at.position.index, server.ask('dbsize')], [0, '1'])
    })

    test('each type of value comes back from a backup, and its slices are equal', async () => {
      await applied(
        `redis.call('rpush', 'l', 'b', 'a') redis.call('sadd', 's', 'x', 'y') redis.call('hset', 'h', 'f', '\\255') redis.call('zadd', 'z', '1.5', 'm') redis.call('xadd', 'x', '5-1', 'f', 'v') redis.call('setbit', 'b', '7', '1')`,
      )
      const slices = (from: LogStore): Promise<string[]> => Promise.all(Array.from({ length: 256 }, (_, slice) => from.digest(slice)))
      const { stream } = await store.backup(new AbortController().signal)
      const beside = await openRedisStore({ url: `${server.url}/1`, password: undefined, scratchPath }, { ...claim, owner: peer('b') })
      await beside.restore(stream)
      assert.deepEqual(await slices(beside), await slices(store))
      for (const change of ['lset l 0 c', 'srem s y', 'hset h f g', 'zincrby z 1 m', 'xadd x 6-1 f v', 'set b 1', 'set late 1']) {
        const unchanged = await slices(beside)
        server.ask('-n', '1', ...change.split(' '))
        assert.notDeepEqual(await slices(beside), unchanged, change)
      }
      await beside.close()
    })
  })

  suite('what a Redis is set up for', () => {
    const opened = async (
      ...flags: readonly string[]
    ): Promise<{ readonly other: RedisServer; readonly open: () => Promise<LogStore> }> => {
      const other = await RedisServer.start(...flags)
      return { other, open: () => openRedisStore({ url: other.url, password: undefined, scratchPath }, claim) }
    }

    test('one that drops keys, or is a part of a cluster, is refused', async () => {
      for (const flags of [
        ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'],
        ['--cluster-enabled', 'yes'],
      ]) {
        const { other, open } = await opened(...flags)
        await assert.rejects(open(), (error) => error instanceof StoreRefused && error.code === 'store-settings')
        await other[Symbol.asyncDispose]()
      }
    })

    test('one that does not append is warned of, and what it holds is durable once a dump that began later has ended', async () => {
      const { other, open } = await opened('--appendonly', 'no', '--save', '')
      const store = await open()
      assert.match(store.warnings.join(), /appendonly is no/)
      let index = 0
      const apply = async (): Promise<void> => void (await store.apply({ entries: [command((index += 1), 'return 1')], verdicts: NONE }))
      await apply()
      assert.equal(store.at.durableIndex, 0)
      await until(
        'a dump makes entries durable',
        async () => {
          await apply()
          other.ask('save')
          return store.at.durableIndex > 0
        },
        30_000,
      )
      const { durableIndex } = store.at
      assert(durableIndex < index)
      await other.kill()
      await assert.rejects(apply(), StoreUnavailable)
      await store.close()
      await other.start()
      const again = await open()
      assert(again.at.position.index >= durableIndex)
      await again.close()
      await other[Symbol.asyncDispose]()
    })
  })
})
