/**
 * A sync that fails: nobody knows then what is on disk, so the peer ends, and says nothing that it
 * cannot keep.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { CONTROL_NONE, CONTROL_VARIABLE, PRELOAD, writeControl } from '../chaos/control.ts'
import { Network } from './network.ts'

const KEYS = 16

it('a peer whose disk fails a sync acknowledges nothing more and ends with one line, and starts again with all it acknowledged', async () => {
  const network = await Network.create()
  try {
    const controlPath = join(network.directory, 'control')
    writeControl(controlPath, CONTROL_NONE)
    const options = { environment: { [CONTROL_VARIABLE]: controlPath }, nodeFlags: ['--import', PRELOAD] }
    const peer = await network.add({ ...options, flags: ['-min-peers', '1'] })
    await peer.start()
    await peer.ready()
    const put = async (key: string): Promise<number> => (await peer.client.put(key, key)).status
    const keys = (prefix: string): string[] => Array.from({ length: KEYS }, (_, number) => `${prefix}/${number}`)
    for (const key of keys('before')) assert.equal(await put(key), 201)

    writeControl(controlPath, { ...CONTROL_NONE, isDiskFailing: true })
    // The peer looks at the file now and then: some of these may still be stored.
    const acknowledged = new Set(keys('before'))
    let last = 0
    const client = async (): Promise<void> => {
      while (peer.isRunning) {
        const key = `after/${(last += 1)}`
        const status = await put(key).catch(() => undefined)
        if (status === 201) acknowledged.add(key)
        else if (status === undefined) return
        else assert.ok([503, 504].includes(status), `${key} is answered ${status}`)
      }
    }
    await Promise.all(Array.from({ length: 4 }, client))
    assert.deepEqual(await peer.ended(), { code: 1, signal: null })
    assert.match(peer.log.trimEnd().split('\n').at(-1) ?? '', /^replicator: the store in .* did not take a write: EIO/)

    writeControl(controlPath, CONTROL_NONE)
    await peer.start()
    await peer.ready()
    assert.ok(!peer.log.includes('put aside'), 'a sync that failed is no damage')
    for (const key of acknowledged) assert.equal((await peer.client.get(key)).body.toString(), key)
    // What was not acknowledged is stored or free, and stays what it is.
    for (const key of [`after/${last}`, `after/${last - 1}`, 'another']) {
      const before = await peer.client.get(key)
      assert.equal(await put(key), before.status === 404 ? 201 : 409)
    }
  } finally {
    await network.close()
  }
})
