/** The command line of Nexus' example servers, as flags of a peer. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nexusPeerOf } from '../../src/coming-from/nexus-flags.ts'
import { parseCommandLine } from '../../src/settings/command-line.ts'
import { UsageError } from '../../src/settings/usage-error.ts'

const URLS = 'http://127.0.0.1:9021,http://127.0.0.1:9022,http://127.0.0.1:9023'

describe('the command line of redis_repl', () => {
  it('makes a peer that listens at its own URL and joins through the others', () => {
    const line = ['-nexusPort', '9122', '-nexusClusterUrl', URLS, '-nexusNodeId', '2', '-redisPort', '6380']
    const { argv, isFirst, data, unused } = nexusPeerOf('redis', line)
    assert.deepEqual([isFirst, data, unused], [false, 'replicator-data/nexus/node-2', []])
    const read = parseCommandLine(argv, {})
    assert(read.kind === 'run', JSON.stringify(read))
    const { clusterId, listen, peers, logs, nexus, minPeers } = read.config
    assert.deepEqual([clusterId, listen, minPeers], ['nexus', ['/ip4/127.0.0.1/tcp/9022'], 3])
    assert.deepEqual(peers, ['/ip4/127.0.0.1/tcp/9021', '/ip4/127.0.0.1/tcp/9023'])
    assert.deepEqual(logs, [{ log: 'nexus', kind: 'redis', at: 'redis://127.0.0.1:6380/0' }])
    assert.deepEqual(nexus, [{ address: { host: '127.0.0.1', port: 9122 }, log: 'nexus' }])
  })

  it('is the first node by its number, or by its URL, alone', () => {
    const line = ['-nexusPort=9121', `-nexusClusterUrl=${URLS}`]
    assert.equal(nexusPeerOf('redis', [...line, '-nexusNodeId=1']).isFirst, true)
    assert.equal(nexusPeerOf('redis', [...line, '--nexus-node-url=http://localhost:9021']).isFirst, true)
    const fourth = nexusPeerOf('redis', [...line, '--nexus-node-url', 'http://127.0.0.1:9024'])
    assert.equal(fourth.isFirst, false)
    assert.equal(fourth.argv.filter((flag) => flag.startsWith('-peer=')).length, 3)
  })

  it('knows the later names, and says which flags mean nothing here', () => {
    const line = [
      '--grpcPort=1',
      '--nexus-cluster-url',
      URLS,
      '-nexusNodeId',
      '3',
      '--redisHost',
      'redis.example',
      '--nexus-log-dir',
      '/logs',
    ]
    const others = ['--nexus-snap-dir', '/snaps', '--nexus-repl-timeout=5', '--statsdAddr', '127.0.0.1:8125', '-nexusJoin']
    const { argv, data, unused } = nexusPeerOf('redis', [...line, ...others])
    assert.deepEqual([data, unused], ['/logs', ['--nexus-snap-dir', '--nexus-repl-timeout=5', '-nexusJoin']])
    assert(argv.includes('-log=nexus=redis://redis.example:6379/0') && argv.includes('-statsd=127.0.0.1:8125'))
  })

  it('takes where a MySQL is as its driver there does', () => {
    const line = ['-nexusPort=9121', `-nexusClusterUrl=${URLS}`, '-nexusNodeId=1']
    const { argv } = nexusPeerOf('mysql', [...line, '-mysqlConnUrl', 'root:r@ot@tcp(127.0.0.1:33061)/nexus?autocommit=false'])
    assert(argv.includes('-log=nexus=mysql://root:r%40ot@127.0.0.1:33061/nexus'), argv.join(' '))
  })

  it('is refused in one line where it will not do', () => {
    const line = ['-nexusPort', '9122', '-nexusClusterUrl', URLS]
    for (const [argv, why] of [
      [['-nexusPort', '1', '-x', '2'], /unknown flag "-x"/],
      [[...line, '-nexusNodeId', '4'], /names none/],
      [[...line, '-nexusNodeId', 'one'], /whole number/],
      [['-nexusClusterUrl', URLS, '-nexusNodeId', '1'], /-nexusPort is missing/],
      [['-nexusPort', '1', '-nexusClusterUrl', '127.0.0.1:9021', '-nexusNodeId', '1'], /no URL/],
      [[...line, '-nexusNodeId'], /needs a value/],
    ] as const)
      assert.throws(
        () => nexusPeerOf('redis', argv),
        (error) => error instanceof UsageError && why.test(error.message),
        argv.join(' '),
      )
  })
})
