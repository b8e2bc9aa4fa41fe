/** A key with two chosen records, in the store of a peer that starts. */
import { divergedWrite } from '../../protocols/base/persist.ts'
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { dataKey } from '../../protocols/base/register.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../../src/bytes.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { recordOf } from '../contract/storage.ts'
import { Network } from './network.ts'

it(
  'a peer that starts with a diverged key says so in its log, status and metrics, and serves it to nobody',
  { timeout: 120_000 },
  async () => {
    const network = await Network.create()
    try {
      const [peer] = await network.grow('cluster-1', 1, { flags: ['-min-peers', '1'] })
      assert.ok(peer !== undefined)
      await peer.ready()
      for (const key of ['a', 'b']) assert.equal((await peer.client.put(key, `value of ${key}`)).status, 201)
      await peer.stop()
      const storage = await openLmdbStorage(join(peer.directory, 'store'), new Codec(utf8))
      await storage.write([divergedWrite(dataKey('a'), recordOf('another'))])
      await storage.close()

      await peer.start()
      await peer.ready()
      assert.match((await peer.client.status()).warnings.join('\n'), /1 keys? ha(s|ve) two chosen records/)
      const { body } = await peer.client.ask('GET', '/metrics')
      assert.ok(body.toString().includes('\nreplicator_divergences_total 1\n'))
      assert.match(peer.log, /"key":"a".*two chosen records/)
      for (const query of ['', '?consistency=local']) assert.equal((await peer.client.get('a', query)).status, 503)
      assert.equal((await peer.client.get('b')).body.toString(), 'value of b')
      assert.equal((await peer.client.put('a', 'a third', { query: '?timeout=1000' })).status >= 500, true)
    } finally {
      await network.close()
    }
  },
)
