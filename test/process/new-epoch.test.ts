/** No quorum is left anywhere: one survivor begins a new network with what it holds. */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { runToEnd } from './command.ts'
import type { Finished } from './command.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const KEYS = 30

let network: Network
let survivor: PeerProcess
let others: PeerProcess[]
let oldNetwork = ''

before(async () => {
  network = await Network.create()
  const peers = await network.grow('cluster-1', 3)
  await network.settled()
  ;[, survivor] = peers as [PeerProcess, PeerProcess]
  others = peers.filter((peer) => peer !== survivor)
  oldNetwork = (await survivor.client.status()).networkId ?? ''
  for (let index = 0; index < KEYS; index += 1) assert.equal((await survivor.client.put(`old/${index}`, `value ${index}`)).status, 201)
})
after(() => network.close())

function force(input: string, ...flags: readonly string[]): Promise<Finished> {
  return runToEnd(network.directory, ['force-new-epoch', '-url', `http://127.0.0.1:${survivor.httpPort}`, ...flags], {}, input)
}

it('it says what may be lost, and does nothing unless that is confirmed by name', async () => {
  for (const peer of others) await peer.kill()
  await until('the survivor notices', async () => !(await survivor.client.status()).ready)
  const wrong = await runToEnd(network.directory, [
    'force-new-epoch',
    '-url',
    `http://127.0.0.1:${survivor.httpPort}`,
    '-confirm',
    '0'.repeat(32),
  ])
  assert.deepEqual([wrong.code, wrong.stdout], [1, ''])
  for (const input of ['', 'yes\n']) {
    const { code, stdout, stderr } = await force(input)
    assert.equal(code, 1)
    for (const peer of others) assert.ok(stdout.includes(`${peer.peerId} of cluster-1`), stdout)
    assert.match(stdout, new RegExp(`^network ${oldNetwork} at epoch \\d+.*\n2 of 3 voters are out of reach:\n`))
    assert.match(stdout, new RegExp(`\n${KEYS} keys are held here; 0 are in doubt`))
    assert.match(stderr, /not confirmed; nothing was done\n$/)
  }
  assert.equal((await survivor.client.status()).networkId, oldNetwork)
})

it('confirmed, it is the only voter of a new network at the same address, with every key it held, and takes puts', async () => {
  const { epoch } = await survivor.client.status()
  const { code, stdout, stderr } = await force('cluster-1\n')
  assert.equal(code, 0, stderr)
  const view = await survivor.client.status()
  assert.match(
    stdout,
    new RegExp(`\nnew network ${view.networkId} at epoch ${epoch + 1}: ${survivor.peerId} is its only voter and holds ${KEYS} keys\n`),
  )
  assert.notEqual(view.networkId, oldNetwork)
  assert.deepEqual(view.config, { clusters: { 'cluster-1': [survivor.peerId] } })
  for (let index = 0; index < KEYS; index += 1) assert.equal((await survivor.client.get(`old/${index}`)).body.toString(), `value ${index}`)
  assert.equal((await survivor.client.put('old/0', 'another')).status, 409)
  assert.equal((await survivor.client.put('new/0', 'value')).status, 201)
})

it('it comes back as that, and a peer of the old network and it refuse one another', async () => {
  const { networkId, epoch } = await survivor.client.status()
  await survivor.kill()
  survivor.options = { ...survivor.options, flags: ['-peer', others[0]?.address ?? ''] }
  await survivor.start()
  await survivor.ready()
  const [old] = others as [PeerProcess]
  await old.start()
  const warns = async (peer: PeerProcess, of: string): Promise<boolean> => {
    const { warnings } = await peer.client.status()
    return warnings.some((warning) => warning.includes(`refused ${of}`) && warning.includes('network'))
  }
  await until('both warn', async () => (await warns(survivor, old.peerId)) && (await warns(old, survivor.peerId)))
  assert.deepEqual([(await old.client.status()).networkId, (await old.client.status()).ready], [oldNetwork, false])
  await old.kill()
  const view = await survivor.client.status()
  assert.deepEqual([view.networkId, view.epoch, view.ready], [networkId, epoch, true])
})

it('a peer with an empty directory joins it, and holds everything', async () => {
  const joined = await network.add({ flags: ['-peer', survivor.address] })
  await joined.start()
  await joined.ready()
  await until('it holds all keys', async () => (await joined.client.keys()).size === KEYS + 1)
  assert.equal((await joined.client.put('new/1', 'value')).status, 201)
  assert.equal((await joined.client.status()).networkId, (await survivor.client.status()).networkId)
})
