/**
 * Machines and links as they are outside a laboratory: IPv6 alone, no network at all, two peers
 * that a firewall keeps apart.
 */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { hindrance, passesInside } from '../chaos/namespaces.ts'
import { Network } from './network.ts'
import type { PeerProcess } from './network.ts'

const ALONE = ['-min-peers', '1']
const LOOPBACK_WARNING = 'no address but loopback'
const IPV6_HOST = 'fd00:77::1'
/** What a machine has: loopback, and perhaps a link that has no IPv4. */
const NO_LINK = 'ip link set lo up'
const IPV6_ALONE = [
  NO_LINK,
  'ip link add one type veth peer name two',
  `ip address add ${IPV6_HOST}/64 dev one nodad`,
  'ip link set one up',
  'ip link set two up',
].join(' && ')

const skip = hindrance() ?? false

describe('a peer that was told of no address', { skip }, () => {
  let network: Network
  beforeEach(async () => {
    network = await Network.create()
  })
  afterEach(() => network.close())

  async function startedOn(commands: string, listen: readonly string[] = []): Promise<PeerProcess> {
    const wrapper = ['unshare', '--net', '--', 'sh', '-c', `${commands} && exec "$@"`, 'sh']
    const peer = await network.add({ wrapper, listen, flags: ALONE })
    await peer.start()
    // All that it had to say is in its log once it has ended.
    await peer.stop()
    return peer
  }

  it('on a machine with IPv6 alone is found at its IPv6 address', async () => {
    const peer = await startedOn(IPV6_ALONE)
    assert.ok(
      peer.told.some((address) => address.startsWith(`/ip6/${IPV6_HOST}/tcp/`)),
      peer.told.join(),
    )
    assert.ok(!peer.log.includes(LOOPBACK_WARNING))
  })

  it('on a machine without a network says that no other can reach it', async () => {
    const peer = await startedOn(NO_LINK)
    assert.ok(peer.log.includes(LOOPBACK_WARNING), peer.log)
  })

  it('says nothing of the kind where it was told to listen on loopback', async () => {
    const peer = await startedOn(NO_LINK, ['/ip4/127.0.0.1/tcp/0'])
    assert.ok(!peer.log.includes(LOOPBACK_WARNING))
  })
})

it('three peers of which two cannot reach one another name the two, and are ready once they can', { skip }, (context) =>
  passesInside(context.signal, [fileURLToPath(new URL('kept-apart.ts', import.meta.url))]),
)
