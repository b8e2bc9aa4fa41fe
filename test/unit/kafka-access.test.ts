/** How brokers are reached: what a URL says of it, and what is said when they let nobody in. */
import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { Base, Connection } from '@platformatic/kafka'
import { accessOf } from '../../src/orderers/kafka/access.ts'
import { clientsOf, loadKafka } from '../../src/orderers/kafka/connection.ts'
import type { Driver } from '../../src/orderers/kafka/connection.ts'
import { Partition } from '../../src/orderers/kafka/partition.ts'
import { AccessRefused, refusalIn } from '../../src/orderers/kafka/refusals.ts'
import { accessWarnings } from '../../src/settings/brokers.ts'
import type { BrokerAccess } from '../../src/settings/brokers.ts'
import { parseOrder } from '../../src/settings/order-url.ts'
import { UsageError } from '../../src/settings/usage-error.ts'

function access(query: string): BrokerAccess {
  return parseOrder(`kafka://k1:9093,k2:9093?${query}`, 'orders').brokers.access
}

const USER = 'user=app&password-file=/etc/kafka.password'

suite('access in the URL of brokers', () => {
  test('TLS trusts what the machine trusts, or the certificates of a file', () => {
    assert.deepEqual(access('tls=system').tls, { trusted: undefined, own: undefined })
    assert.deepEqual(access('tls=/etc/ca.pem&cert=own.pem&key=own.key').tls, {
      trusted: '/etc/ca.pem',
      own: { cert: 'own.pem', key: 'own.key' },
    })
  })

  test('a user is known by one of three mechanisms, and his password stands in a file', () => {
    for (const mechanism of ['scram-sha-256', 'scram-sha-512', 'plain'])
      assert.deepEqual(access(`tls=system&sasl=${mechanism}&${USER}`).sasl, {
        mechanism,
        user: 'app',
        passwordFile: '/etc/kafka.password',
      })
  })

  test('topics are named beside it', () => {
    const { all, brokers } = parseOrder(`kafka://k1:9093?all=x&tls=system&secret-mode=any`, 'orders')
    assert.deepEqual([all, brokers.access.secretMode], ['x', 'any'])
  })

  test('what is half said, or not known, is refused in a line that says what to write', () => {
    const refused: readonly (readonly [string, RegExp])[] = [
      ['tls=', /^tls is system, or a file/],
      ['tls=system&cert=a', /^cert and key are two files/],
      ['tls=system&key=a', /^cert and key are two files/],
      ['cert=a&key=b', /^cert and key are for TLS: add tls=system/],
      [`sasl=gssapi&${USER}`, /is one of scram-sha-256, scram-sha-512, plain$/],
      [USER, /is one of scram-sha-256/],
      ['sasl=plain', /^sasl needs user=NAME and password-file=FILE$/],
      ['sasl=plain&user=app', /^sasl needs user=NAME and password-file=FILE$/],
      ['sasl=plain&user=&password-file=x', /^sasl needs user=NAME/],
      ['secret-mode=none', /^secret-mode is private or any$/],
      ['password=open-sesame', /^password is none of all, /],
    ]
    for (const [query, why] of refused)
      assert.throws(
        () => access(query),
        (error) => error instanceof UsageError && why.test(error.message),
        query,
      )
    assert.throws(() => parseOrder('kafka://app:open-sesame@k1:9093', 'orders'), UsageError)
  })

  test('a user without TLS is warned of, and that a password is read is said of plain alone', () => {
    assert.deepEqual(accessWarnings(access('')), [])
    assert.deepEqual(accessWarnings(access(`tls=system&sasl=plain&${USER}`)), [])
    assert.match(accessWarnings(access(`sasl=plain&${USER}`)).join('\n'), /^.*password of user app is read by whoever listens.*$/)
    assert.match(accessWarnings(access(`sasl=scram-sha-512&${USER}`)).join('\n'), /^.*can be guessed at by whoever listens.*$/)
  })
})

suite('files of access', () => {
  test('that others can read hold no password, unless the URL says so; a changed password is the next one', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'replicator-access-'))
    t.after(() => rm(directory, { recursive: true }))
    const path = join(directory, 'password')
    await writeFile(path, 'open-sesame\n', { mode: 0o644 })
    const asked = `sasl=plain&user=app&password-file=${path}`
    const settings = (query: string): ReturnType<typeof accessOf> => accessOf({ addresses: ['k1:9093'], access: access(query) })
    const why = /run "chmod 600 .*", or give secret-mode=any in the URL where/
    await assert.rejects(settings(asked), { name: 'AccessRefused', message: why })
    assert.equal(typeof (await settings(`${asked}&secret-mode=any`)).sasl?.password, 'function')
    await chmod(path, 0o600)
    const { sasl } = await settings(asked)
    assert(typeof sasl?.password === 'function')
    assert.equal(await sasl.password(), 'open-sesame')
    await writeFile(path, 'open-barley')
    assert.equal(await sasl.password(), 'open-barley')
  })

  test('that are no certificates are refused by their names', async () => {
    const asked = { addresses: ['k1:9093'], access: access(`tls=${import.meta.filename}`) }
    await assert.rejects(accessOf(asked), /kafka-access\.test\.ts is no PEM/)
  })

  test('are not needed for what the machine trusts; a broker is told by what name it is called, where it has one', async () => {
    const named = await accessOf({ addresses: ['k1:9093'], access: access('tls=system') })
    const numbered = await accessOf({ addresses: ['k1:9093', '127.0.0.1:9093'], access: access('tls=system') })
    assert.deepEqual([named.tlsServerName, numbered.tlsServerName], [true, false])
  })
})

suite('a connection', () => {
  test('that tells of its end more than once ends no program', async () => {
    const client = clientsOf(await loadKafka(), ['127.0.0.1:1'], {}).base('test')
    const made: Connection[] = []
    client.connections.on('connecting', ({ connection }) => made.push(connection))
    await assert.rejects(client.metadata({ topics: [] }))
    const [connection] = made
    assert(connection !== undefined)
    connection.emit('error', new Error('once more'))
    await client.close()
  })

  test('that says anew who asks takes nothing else: each request goes by one that the pool gives then', async () => {
    let given = 0
    const asked: unknown[] = []
    const broker = { host: 'k1', port: 9093 }
    const partitions = [{ leader: 1, leaderEpoch: 7 }]
    const client = {
      metadata: async () => ({ topics: new Map([['orders', { id: 'a-b', partitions }]]), brokers: new Map([[1, broker]]) }),
      connections: { get: async () => (given += 1) },
    }
    const answered = async (connection: unknown): Promise<object> => {
      asked.push(connection)
      return { topics: [{ partitions: [{ offset: 5n }] }] }
    }
    const driver = { listOffsetsV7: { api: { async: answered } }, findErrorBy: () => null } as unknown as Driver
    await new Partition(driver, client as unknown as Base, 'orders', 0).look()
    assert.deepEqual(asked, [1, 2])
  })
})

suite('brokers that let nobody in', () => {
  const failed = (fields: object, message = 'failed'): Error =>
    new AggregateError(
      [new Error('connection failed', { cause: Object.assign(new Error(message), fields) })],
      'Cannot connect to any broker.',
    )
  const said = (query: string, error: Error): string => {
    const refusal = refusalIn(error, access(query))
    assert(refusal instanceof AccessRefused)
    return refusal.message
  }
  const secured = `tls=/etc/ca.pem&sasl=plain&${USER}`

  test('say whose password they refuse, and in which file it stands', () => {
    assert.equal(said(secured, failed({ apiCode: 58 })), 'the brokers refuse user app with the password in /etc/kafka.password, by plain')
    assert.match(said(secured, failed({ apiCode: 33 })), /know no users by plain/)
  })

  test('say which certificates are not trusted, or asked for', () => {
    assert.equal(
      said(secured, failed({ code: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'self-signed')),
      'the certificate of a broker is not trusted by tls=/etc/ca.pem: self-signed',
    )
    assert.match(said('tls=system', failed({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })), /not trusted by tls=system/)
    const asked = failed({ code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' })
    assert.match(said('tls=system', asked), /ask for a certificate: add cert=FILE&key=FILE$/)
    assert.match(said('tls=system&cert=a&key=b', asked), /refuse the certificate in a$/)
  })

  test('say where TLS is asked for, and where there is none', () => {
    assert.match(said('', failed({}, 'Broker requires TLS.')), /ask for TLS: add tls=system/)
    assert.match(said('tls=system', failed({}, 'TLS handshake failed. Please verify the broker supports TLS.')), /speak no TLS/)
  })

  test('are not those that do not answer: that is said as it was', () => {
    const away = failed({ code: 'ECONNREFUSED' })
    assert.equal(refusalIn(away, access(secured)), away)
    assert.equal(refusalIn('none', access(secured)), 'none')
  })

  test('may be those that close a connection at once: whoever names no user is told of users', () => {
    const closed = new Error('Connection closed')
    assert.match(String(refusalIn(closed, access('tls=system'))), /where it asks for a user, add sasl/)
    assert.equal(refusalIn(closed, access(secured)), closed)
  })
})
