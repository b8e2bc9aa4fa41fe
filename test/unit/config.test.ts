import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseCommandLine } from '../../src/settings/command-line.ts'
import type { Environment } from '../../src/settings/command-line.ts'
import type { Settings } from '../../src/settings/settings.ts'

const PEER_ID = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const ADDRESS_A = `/ip4/127.0.0.1/tcp/4001/p2p/${PEER_ID}`
const ADDRESS_B = '/dns4/example.com/tcp/4002'
const NETWORK = '0123456789abcdef0123456789abcdef'
const FLAG_NAMES =
  'cid http http-cert http-key http-ca listen announce peer bootstrap network secret secret-mode data min-peers protocolid rendezvous mdns join-timeout value-max replace-after offers log-level'.split(
    ' ',
  )

/** The settings of a command line that is right. */
function configOf(argv: readonly string[], environment: Environment = {}): Settings {
  const parsed = parseCommandLine(argv, environment)
  assert.equal(parsed.kind, 'run', JSON.stringify(parsed))
  assert(parsed.kind === 'run')
  return parsed.config
}

/** The message of a command line that is wrong: always one line. */
function messageOf(argv: readonly string[], environment: Environment = {}): string {
  const parsed = parseCommandLine(argv, environment)
  assert(parsed.kind === 'usage-error', `taken, though wrong: ${argv.join(' ')}`)
  assert.doesNotMatch(parsed.message, /\n/)
  return parsed.message
}

/** Asserts that a value is refused with a message that names the flag and says how to mend it. */
function refuses(flag: string, value: string, mending: RegExp): void {
  const message = messageOf(['-cid', 'a', `-${flag}`, value])
  assert(message.startsWith(`-${flag} `), message)
  assert.match(message, mending)
}

suite('defaults', () => {
  test('a cluster id alone starts with the defaults of the contract', () => {
    assert.deepEqual(configOf(['-cid', 'cluster-1']), {
      clusterId: 'cluster-1',
      peerName: undefined,
      http: { host: '127.0.0.1', port: 0 },
      httpCert: undefined,
      httpKey: undefined,
      httpCa: undefined,
      listen: [],
      announce: [],
      peers: [],
      bootstrap: [],
      networkId: undefined,
      secret: undefined,
      secretMode: 'private',
      admit: undefined,
      dataDirectory: undefined,
      minPeers: 3,
      protocolId: '/p2p/rpc/replicator',
      rendezvous: 'replicator',
      mdns: false,
      joinTimeoutMs: 30_000,
      valueBytesMax: 1_048_576,
      replaceAfterMs: 600_000,
      areOffersMade: true,
      hostNames: [],
      corsOrigins: [],
      httpProxies: [],
      health: undefined,
      logs: [],
      storePasswords: [],
      logPlaces: [],
      logLearns: [],
      logOrders: [],
      logLagMs: 2_000,
      logCheckMs: 600_000,
      hraftd: [],
      nexus: [],
      statsd: undefined,
      lww: [],
      lwwExternal: [],
      setAheadMs: 60_000,
      setHistoryMs: undefined,
      setRedis: undefined,
      setRedisEveryMs: 60_000,
      tokensPath: undefined,
      auditPath: undefined,
      auditWrites: false,
      rate: undefined,
      logLevel: 'info',
    })
  })

  test('multicast DNS is on or off, and nothing else', () => {
    assert.equal(configOf(['-cid', 'a', '-mdns', 'on']).mdns, true)
    assert.equal(configOf(['-cid', 'a', '-mdns=off']).mdns, false)
    assert.equal(configOf(['-cid', 'a', '-offers', 'off']).areOffersMade, false)
    assert.equal(parseCommandLine(['-cid', 'a', '-mdns', 'yes'], {}).kind, 'usage-error')
  })

  test('a config cannot be changed', () => {
    const config = configOf(['-cid', 'a', '-peer', ADDRESS_A])
    assert(Object.isFrozen(config))
    assert(Object.isFrozen(config.http))
    assert(Object.isFrozen(config.peers))
    assert(Object.isFrozen(config.listen))
  })

  test('the cluster id is required', () => {
    assert.match(messageOf([]), /-cid is missing; .*-cid cluster-1/)
  })
})

suite('how flags are written', () => {
  test('one dash or two, with a space or an equals sign, are the same', () => {
    for (const argv of [['-min-peers', '5'], ['--min-peers', '5'], ['-min-peers=5'], ['--min-peers=5']]) {
      assert.equal(configOf(['-cid', 'a', ...argv]).minPeers, 5)
    }
  })

  test('a flag takes the next argument as its value, whatever that begins with', () => {
    assert.equal(configOf(['-cid', '-http']).clusterId, '-http')
    assert.equal(configOf(['-cid', '--']).clusterId, '--')
    assert.equal(configOf(['-cid', '-help']).clusterId, '-help')
    assert.equal(configOf(['-cid', 'a', '-data', '--cid=b']).dataDirectory, '--cid=b')
  })

  test('only the first equals sign divides', () => {
    assert.equal(configOf(['-cid=a', '-rendezvous=x=y=']).rendezvous, 'x=y=')
  })

  test('a value keeps its line ends and is refused in one line', () => {
    assert.match(messageOf(['-cid=a\nb']), /^-cid "a\\nb": /)
  })

  test('a flag without a value is refused', () => {
    assert.match(messageOf(['-cid', 'a', '-http']), /-http needs a value: -http \[HOST:\]PORT/)
  })

  test('a single flag that is repeated is refused, even with the same value', () => {
    assert.match(messageOf(['-cid', 'a', '--cid=a']), /-cid is there twice/)
    assert.match(messageOf(['-cid', 'a', '-min-peers', '1', '-min-peers', '2']), /-min-peers is there twice/)
  })

  test('repeatable flags keep their order', () => {
    assert.deepEqual(configOf(['-cid', 'a', '-peer', ADDRESS_A, `--peer=${ADDRESS_B}`]).peers, [ADDRESS_A, ADDRESS_B])
  })

  test('an unknown flag is refused and named', () => {
    for (const flag of ['-nope', '--nope', '-nope=1', '-CID', '-c', '-no-cid', '-=x']) {
      assert.match(messageOf(['-cid', 'a', flag]), /^unknown flag ".*replicator --help/, flag)
    }
  })

  test('a stray argument is refused and named', () => {
    for (const stray of ['b', '', '-', '--', '---cid', 'secret']) {
      assert.match(messageOf(['-cid', 'a', stray]), /^stray argument ".*replicator --help/, stray)
    }
  })
})

suite('environment variables', () => {
  test('each flag has its variable', () => {
    const config = configOf([], {
      REPLICATOR_CID: 'a',
      REPLICATOR_HTTP: '0.0.0.0:80',
      REPLICATOR_LISTEN: '/ip4/0.0.0.0/tcp/0,/ip6/::/tcp/0',
      REPLICATOR_ANNOUNCE: ADDRESS_B,
      REPLICATOR_PEER: `${ADDRESS_A}, ${ADDRESS_B},`,
      REPLICATOR_BOOTSTRAP: ADDRESS_A,
      REPLICATOR_NETWORK: NETWORK,
      REPLICATOR_SECRET_MODE: 'any',
      REPLICATOR_DATA: 'somewhere, else',
      REPLICATOR_MIN_PEERS: '1',
      REPLICATOR_PROTOCOLID: '/x',
      REPLICATOR_RENDEZVOUS: 'y',
      REPLICATOR_MDNS: 'on',
      REPLICATOR_JOIN_TIMEOUT: '2',
      REPLICATOR_VALUE_MAX: '3',
      REPLICATOR_REPLACE_AFTER: 'off',
      REPLICATOR_HTTP_HOST: 'A.example',
      REPLICATOR_AUDIT: '-',
      REPLICATOR_AUDIT_WRITES: 'on',
      REPLICATOR_RATE: '50',
      REPLICATOR_HTTP_CORS: 'https://b.example:8443',
      REPLICATOR_HEALTH: '9000',
      REPLICATOR_LOG: 'orders=kv:, carts=kv:, ledger=sqlite:',
      REPLICATOR_LOG_ORDER: 'ledger=kafka://k1:9092?replication=1',
      REPLICATOR_LOG_LAG: '5',
      REPLICATOR_STORE_PASSWORD: 'carts=/etc/carts',
      REPLICATOR_LOG_PLACE: 'orders=spread:3',
      REPLICATOR_LOG_LEARN: 'carts',
      REPLICATOR_LOG_CHECK: '60',
      REPLICATOR_HRAFTD: '8100, 0.0.0.0:8200=carts',
      REPLICATOR_NEXUS: '9121=orders',
      REPLICATOR_STATSD: 'statsd.example:8125',
      REPLICATOR_LWW: '3001, 0.0.0.0:3002=carts',
      REPLICATOR_LWW_EXTERNAL: 'http://old.example:3001/',
      REPLICATOR_NAME: 'berlin-1',
      REPLICATOR_SET_AHEAD: '5',
      REPLICATOR_SET_HISTORY: 'off',
      REPLICATOR_SET_REDIS: 'rediss://:secret@redis.example:6380/1',
      REPLICATOR_SET_REDIS_EVERY: '10',
      REPLICATOR_HTTP_PROXY: '10.0.0.0/8',
      REPLICATOR_LOG_LEVEL: 'warn',
    })
    assert.deepEqual(config, {
      clusterId: 'a',
      peerName: 'berlin-1',
      http: { host: '0.0.0.0', port: 80 },
      httpCert: undefined,
      httpKey: undefined,
      httpCa: undefined,
      listen: ['/ip4/0.0.0.0/tcp/0', '/ip6/::/tcp/0'],
      announce: [ADDRESS_B],
      peers: [ADDRESS_A, ADDRESS_B],
      bootstrap: [ADDRESS_A],
      networkId: NETWORK,
      secret: undefined,
      secretMode: 'any',
      admit: undefined,
      dataDirectory: 'somewhere, else',
      minPeers: 1,
      protocolId: '/x',
      rendezvous: 'y',
      mdns: true,
      joinTimeoutMs: 2_000,
      valueBytesMax: 3,
      replaceAfterMs: undefined,
      areOffersMade: true,
      hostNames: ['a.example'],
      corsOrigins: ['https://b.example:8443'],
      logs: [
        { log: 'orders', kind: 'kv', at: '' },
        { log: 'carts', kind: 'kv', at: '' },
        { log: 'ledger', kind: 'sqlite', at: '' },
      ],
      logOrders: [
        {
          log: 'ledger',
          url: 'kafka://k1:9092?replication=1',
          brokers: { addresses: ['k1:9092'], access: { tls: undefined, sasl: undefined, secretMode: 'private' } },
          all: 'ledger-all',
          one: 'ledger-one',
          response: 'ledger-response',
          replication: 1,
        },
      ],
      logLagMs: 5_000,
      storePasswords: [{ log: 'carts', path: '/etc/carts' }],
      logPlaces: [{ log: 'orders', place: 'spread:3' }],
      logLearns: ['carts'],
      logCheckMs: 60_000,
      hraftd: [
        { address: { host: '127.0.0.1', port: 8100 }, log: 'kv' },
        { address: { host: '0.0.0.0', port: 8200 }, log: 'carts' },
      ],
      nexus: [{ address: { host: '127.0.0.1', port: 9121 }, log: 'orders' }],
      statsd: { host: 'statsd.example', port: 8125 },
      lww: [
        { address: { host: '127.0.0.1', port: 3001 }, set: 'main' },
        { address: { host: '0.0.0.0', port: 3002 }, set: 'carts' },
      ],
      lwwExternal: ['http://old.example:3001'],
      setAheadMs: 5_000,
      setHistoryMs: 'off',
      setRedis: 'rediss://:secret@redis.example:6380/1',
      setRedisEveryMs: 10_000,
      health: { host: '127.0.0.1', port: 9000 },
      httpProxies: [{ address: '10.0.0.0', prefix: 8, family: 'ipv4' }],
      tokensPath: undefined,
      auditPath: '-',
      auditWrites: true,
      rate: 50,
      logLevel: 'warn',
    })
  })

  test('an empty variable is unset', () => {
    assert.equal(configOf(['-cid', 'a'], { REPLICATOR_MIN_PEERS: '', REPLICATOR_PEER: '' }).minPeers, 3)
    assert.match(messageOf([], { REPLICATOR_CID: '' }), /-cid is missing/)
  })

  test('a flag replaces its variable, a wrong one and a list too', () => {
    assert.equal(configOf(['-cid', 'a'], { REPLICATOR_CID: 'not a cluster' }).clusterId, 'a')
    assert.deepEqual(configOf(['-cid', 'a', '-peer', ADDRESS_B], { REPLICATOR_PEER: ADDRESS_A }).peers, [ADDRESS_B])
  })

  test('a bad variable is refused by its name', () => {
    assert.match(messageOf([], { REPLICATOR_CID: 'a', REPLICATOR_MIN_PEERS: 'many' }), /^REPLICATOR_MIN_PEERS="many": /)
    assert.match(messageOf([], { REPLICATOR_CID: 'a', REPLICATOR_PEER: `${ADDRESS_A},nope` }), /^REPLICATOR_PEER=.*no multiaddr/)
  })

  test('variables that belong to no flag are of no concern', () => {
    assert.equal(
      configOf(['-cid', 'a'], { REPLICATOR_PORT: 'tcp://10.0.0.1:80', REPLICATOR_VERSION: '9', REPLICATOR_HELP: '1' }).clusterId,
      'a',
    )
  })
})

suite('instead of running', () => {
  test('help names every flag, its variable and its default', () => {
    for (const argv of [['-help'], ['--help'], ['-cid', 'a', '-help'], ['-help', '-nope']]) {
      const parsed = parseCommandLine(argv, { REPLICATOR_HTTP: 'wrong' })
      assert(parsed.kind === 'help')
      for (const name of FLAG_NAMES) {
        assert.match(parsed.text, new RegExp(`^  -${name} [A-Z[]`, 'm'))
        assert(parsed.text.includes(`[REPLICATOR_${name.toUpperCase().replaceAll('-', '_')}]`), name)
      }
      assert.match(parsed.text, /^ {2}--help\n[^]*^ {2}--version\n/m)
      assert.match(parsed.text, /Default: 1048576/)
    }
  })

  test('help fits 80 columns', () => {
    const parsed = parseCommandLine(['-help'], {})
    assert(parsed.kind === 'help')
    for (const line of parsed.text.split('\n')) assert(line.length <= 80, line)
  })

  test('version is the one of the package', () => {
    const parsed = parseCommandLine(['-version'], {})
    assert(parsed.kind === 'version')
    assert.match(parsed.text, /^\d+\.\d+\.\d+/)
  })

  test('help and version take no value', () => {
    assert.match(messageOf(['-help=yes']), /-help takes no value/)
    assert.match(messageOf(['--version=']), /-version takes no value/)
  })

  test('secret draws 48 bytes anew each time', () => {
    const [first, second] = [parseCommandLine(['secret'], {}), parseCommandLine(['secret'], {})]
    assert(first.kind === 'secret' && second.kind === 'secret')
    assert.match(first.text, /^[A-Za-z0-9_-]{64}$/)
    assert.notEqual(first.text, second.text)
  })

  test('secret takes nothing else', () => {
    assert.match(messageOf(['secret', 'more']), /stray argument "more"/)
    assert.match(messageOf(['secret', '-cid', 'a']), /unknown flag "-cid"/)
    assert.match(messageOf(['secret', '-out', '']), /-out "".*name a file/)
    const help = parseCommandLine(['secret', '-help'], {})
    assert(help.kind === 'help')
    assert.match(help.text, /^Usage: replicator secret \[flag…\][^]*-out FILE/)
  })
})

suite('values', () => {
  test('a cluster id is 1 to 64 of letters, digits, ".", "_" and "-"', () => {
    for (const id of ['a', 'Cluster_1.eu-west', 'x'.repeat(64)]) assert.equal(configOf(['-cid', id]).clusterId, id)
    for (const id of ['', 'a b', 'a/b', 'ä', 'x'.repeat(65), 'a\n']) assert.match(messageOf(['-cid', id]), /^-cid .*1 to 64/)
  })

  test('a name of a peer is 1 to 40 of letters, digits, ".", "_" and "-", so that none is a peer id', () => {
    for (const name of ['a', 'berlin-1', '0.x_Y', 'x'.repeat(40)]) assert.equal(configOf(['-cid', 'a', '-name', name]).peerName, name)
    for (const name of ['', '-a', 'a b', 'ä', 'x'.repeat(41)]) refuses('name', name, /1 to 40 .*like berlin-1/)
  })

  test('an HTTP address is a port, or a host and a port', () => {
    const read = (text: string): string => {
      const { http } = configOf(['-cid', 'a', '-http', text])
      return `${http?.host} ${http?.port}`
    }
    assert.equal(read('8000'), '127.0.0.1 8000')
    assert.equal(read('0'), '127.0.0.1 0')
    assert.equal(read('65535'), '127.0.0.1 65535')
    assert.equal(read('0.0.0.0:8000'), '0.0.0.0 8000')
    assert.equal(read('localhost:8000'), 'localhost 8000')
    assert.equal(read('a_b.example.com:0'), 'a_b.example.com 0')
    assert.equal(read('[::1]:8000'), '::1 8000')
    assert.equal(read('[::]:0'), ':: 0')
  })

  test('anything else is no HTTP address', () => {
    for (const text of ['', 'x', '65536', '-1', '1.5', '8000x', '+80', '0x50', 'localhost', 'localhost:', '[::1]'])
      refuses('http', text, /8000/)
    for (const text of [':8000', '256.0.0.1:80', 'a b:80', '[127.0.0.1]:80', '[]:80', 'http://a:80', '-a:80', 'a/b:80'])
      refuses('http', text, /is no host/)
    for (const text of ['::1:8000', '::1']) refuses('http', text, /brackets|is no host/)
  })

  test('multiaddrs have a host and a tcp port, and a peer id where that is known', () => {
    for (const flag of ['peer', 'bootstrap', 'announce']) {
      for (const address of [ADDRESS_A, ADDRESS_B, '/ip6/::1/tcp/1', '/dns/a.example/tcp/65535', `/dns6/a/tcp/1/p2p/${PEER_ID}`]) {
        assert.equal(parseCommandLine(['-cid', 'a', `-${flag}`, address], {}).kind, 'run', address)
      }
    }
  })

  test('multiaddrs that plain TCP cannot reach are refused', () => {
    for (const flag of ['peer', 'bootstrap', 'announce', 'listen']) {
      refuses(flag, 'nonsense', /no multiaddr/)
      refuses(flag, '', /no multiaddr|plain TCP/)
      refuses(flag, '/ip4/1.2.3.4/tcp/65536', /no multiaddr/)
      for (const address of [
        '/ip4/1.2.3.4',
        '/ip4/1.2.3.4/udp/1',
        '/ip4/1.2.3.4/udp/1/quic-v1',
        '/ip4/1.2.3.4/tcp/1/ws',
        `/p2p/${PEER_ID}`,
        `${ADDRESS_A}/p2p-circuit`,
      ]) {
        refuses(flag, address, /plain TCP/)
      }
    }
  })

  test('a peer id in another than its usual form, or in none, is refused', () => {
    const cid = 'bafzaajaiaejcatfvvp3k26p36wv3zsx4yju5qxgsmupnjoefwwdj6ja25xyklorj'
    for (const id of [cid, PEER_ID.slice(0, -1)]) refuses('peer', `/ip4/1.2.3.4/tcp/1/p2p/${id}`, /no peer id|no multiaddr/)
  })

  test('port 0 can be listened on and not be dialled', () => {
    assert.deepEqual(configOf(['-cid', 'a', '-listen', '/ip4/0.0.0.0/tcp/0']).listen, ['/ip4/0.0.0.0/tcp/0'])
    for (const flag of ['peer', 'bootstrap', 'announce']) refuses(flag, '/ip4/1.2.3.4/tcp/0', /port 0/)
  })

  test('a network id is 32 hexadecimal digits in lower case', () => {
    assert.equal(configOf(['-cid', 'a', '-network', NETWORK]).networkId, NETWORK)
    for (const id of ['', 'x', NETWORK.toUpperCase(), `${NETWORK}0`, NETWORK.slice(1)]) refuses('network', id, /32 hexadecimal/)
  })

  test('numbers are whole, in digits alone, and within their range', () => {
    const ranges = [
      ['min-peers', 1, 1_000],
      ['join-timeout', 1, 86_400],
      ['value-max', 1, 16_777_216],
    ] as const
    for (const [flag, min, max] of ranges) {
      for (const value of [min, max]) assert.equal(parseCommandLine(['-cid', 'a', `-${flag}`, String(value)], {}).kind, 'run')
      for (const value of ['', 'x', '-1', '1.5', '1e3', '0x10', ' 1', '1 ', '+1', '٣', String(min - 1), String(max + 1), '9'.repeat(30)]) {
        refuses(flag, value, new RegExp(`from ${min} to ${max}`))
      }
    }
  })

  test('seconds become milliseconds', () => {
    assert.equal(configOf(['-cid', 'a', '-join-timeout', '7']).joinTimeoutMs, 7_000)
  })

  test('a protocol id is a path of visible characters without a slash at its end', () => {
    for (const id of ['/x', '/p2p/rpc/other', '/a.b-c_d/e']) assert.equal(configOf(['-cid', 'a', '-protocolid', id]).protocolId, id)
    for (const id of ['', 'x', '/', '/x/', '/a b', '/ä', `/${'x'.repeat(256)}`]) refuses('protocolid', id, /begins with "\/"/)
  })

  test('a rendezvous is text of 1 to 256 bytes', () => {
    for (const name of ['x', 'Häfen 7', '-x']) assert.equal(configOf(['-cid', 'a', '-rendezvous', name]).rendezvous, name)
    for (const name of ['', 'a\nb', 'ä'.repeat(129)]) refuses('rendezvous', name, /1 to 256 bytes/)
  })

  test('a data directory has a name', () => {
    assert.equal(configOf(['-cid', 'a', '-data', './somewhere']).dataDirectory, './somewhere')
    refuses('data', '', /name a directory/)
  })

  test('upkeep comes after some seconds, or never', () => {
    assert.equal(configOf(['-cid', 'a', '-replace-after', '7']).replaceAfterMs, 7_000)
    for (const never of ['0', 'off']) assert.equal(configOf(['-cid', 'a', '-replace-after', never]).replaceAfterMs, undefined)
    for (const value of ['', '-1', '1.5', 'never', '31536001']) refuses('replace-after', value, /from 1 to 31536000.*0 or off/)
  })

  test('a name that leads to HTTP is a host name alone', () => {
    assert.deepEqual(configOf(['-cid', 'a', '-http-host', 'B', '-http-host', 'c.Example']).hostNames, ['b', 'c.example'])
    for (const name of ['', 'a:80', 'http://a', 'a/b', '10.0.0.1', '[::1]', '*']) refuses('http-host', name, /without a port/)
  })

  test('writes are told in the audit by a flag without a value, or by its variable', () => {
    assert.equal(configOf(['-cid', 'a', '-audit-writes']).auditWrites, true)
    assert.equal(configOf(['-cid', 'a'], { REPLICATOR_AUDIT_WRITES: 'off' }).auditWrites, false)
    assert.equal(configOf(['-cid', 'a', '-audit-writes'], { REPLICATOR_AUDIT_WRITES: 'off' }).auditWrites, true)
    assert.match(messageOf(['-cid', 'a'], { REPLICATOR_AUDIT_WRITES: 'yes' }), /^REPLICATOR_AUDIT_WRITES="yes": write on or off/)
  })

  test('a rate is a whole number of requests a second', () => {
    for (const rate of ['0', '-1', '1.5', 'off']) refuses('rate', rate, /requests a second from 1/)
  })

  test('an origin is what browsers send', () => {
    for (const origin of ['https://a.example', 'http://10.0.0.1:8080', 'http://localhost'])
      assert.deepEqual(configOf(['-cid', 'a', '-http-cors', origin]).corsOrigins, [origin])
    for (const origin of ['', '*', 'null', 'a.example', 'https://a.example/', 'https://a.example:443', 'https://u@a.example', 'ftp://a'])
      refuses('http-cors', origin, /an origin as browsers do/)
  })

  test('proxies are addresses with one prefix, or one address', () => {
    const { httpProxies } = configOf(['-cid', 'a', '-http-proxy', '192.0.2.1', '-http-proxy', 'fd00::/8'])
    assert.deepEqual(httpProxies, [
      { address: '192.0.2.1', prefix: 32, family: 'ipv4' },
      { address: 'fd00::', prefix: 8, family: 'ipv6' },
    ])
    for (const range of ['', 'a', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', '/8'])
      refuses('http-proxy', range, /10\.0\.0\.0\/8/)
  })

  test('a log level is one of six', () => {
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'silent'])
      assert.equal(configOf(['-cid', 'a', '-log-level', level]).logLevel, level)
    for (const level of ['', 'INFO', 'fatal', 'verbose']) refuses('log-level', level, /trace, debug, info, warn, error, silent/)
  })

  test('a very long value is not repeated in full', () => {
    assert(messageOf(['-cid', 'x'.repeat(10_000)]).length < 300)
  })
})
