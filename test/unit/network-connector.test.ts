import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, test } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { pino } from 'pino'
import type { PeerId } from '../../protocols/base/identity.ts'
import { CONNECTED_PEERS_MAX } from '../../protocols/membership/roster.ts'
import { ADDRESSES_MAX } from '../../protocols/base/limits.ts'
import { withoutPeerId } from '../../src/network/addresses.ts'
import { Connector } from '../../src/network/connector.ts'
import type { RememberedPeer } from '../../src/network/known-peers.ts'
import { ADDRESS_LONGEST_MS, patienceAfter } from '../../src/network/retrying.ts'
import { until } from '../contract/transport.ts'

const SELF = '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo' as PeerId
const OTHER = '12D3KooWGRUfmPSiDPPxGhbqR8fPxiYVmTGzDPBkAPPLhVVJbg3c' as PeerId
const THIRD = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp' as PeerId
const ADDRESS = '/ip4/127.0.0.1/tcp/1'

let connected: number
let voters: PeerId[]
let dialled: string[]
/** Who answers at an address, whoever is looked for. */
let residents: Map<string, PeerId>
let connector: Connector
beforeEach(() => {
  connected = CONNECTED_PEERS_MAX
  voters = []
  dialled = []
  residents = new Map()
  connector = connectorWith([])
})
afterEach(() => connector.stop())

function connectorWith(given: readonly string[], known: readonly RememberedPeer[] = []): Connector {
  return new Connector({
    self: SELF,
    given,
    known,
    logger: pino({ level: 'silent' }),
    dial: async (addresses) => {
      const address = String(addresses[0])
      dialled.push(address)
      const there = residents.get(withoutPeerId(address))
      if (there === undefined || address.endsWith(there)) return {} as Connection
      throw new Error(`Payload identity key ${there} does not match expected remote identity key ${OTHER}`)
    },
    open: async () => {},
    connectedCount: () => connected,
    hearsayDialled: () => {},
    isRemoved: () => false,
    isVoter: (peerId) => voters.includes(peerId),
  })
}

describe('with as many peers connected as are worth having', () => {
  it('one merely heard of is not dialled, until one of them goes', async () => {
    connector.start()
    connector.heard(OTHER, [ADDRESS], false)
    connector.heard(OTHER, [`${ADDRESS}2`], false)
    await assert.rejects(until('it is dialled', () => dialled.length > 0, 1_500))
    connected -= 1
    await until('it is dialled', () => dialled.length > 0, 5_000)
  })

  it('one that is wanted is dialled', async () => {
    connector.start()
    connector.heard(OTHER, [ADDRESS], true)
    await until('it is dialled', () => dialled.length > 0, 1_000)
  })

  it('one that becomes a voter is dialled, without being heard of again', async () => {
    connector.start()
    connector.heard(OTHER, [ADDRESS], false)
    await assert.rejects(until('it is dialled', () => dialled.length > 0, 500))
    voters = [OTHER]
    await until('it is dialled', () => dialled.length > 0, 5_000)
  })

  it('one named on the command line is dialled', async () => {
    connector = connectorWith([`${ADDRESS}/p2p/${OTHER}`])
    connector.start()
    await until('it is dialled', () => dialled.length > 0, 1_000)
  })
})

it('a peer that was named is dialled where that says, before all the places where it is remembered to have been', async () => {
  const addresses = Array.from({ length: ADDRESSES_MAX }, (_, index) => `/ip4/10.0.0.${index}/tcp/1`)
  const moved = `/ip4/10.0.1.0/tcp/2/p2p/${OTHER}`
  connector = connectorWith([moved], [{ peerId: OTHER, addresses }])
  connector.start()
  await until('it is dialled', () => dialled.length > 0)
  assert.equal(dialled[0], moved)
})

it('what others tell that is no address is passed over when its turn comes', async () => {
  connected = 0
  connector.start()
  connector.heard(OTHER, ['', 'nowhere', `/identity key ${THIRD} does not match expected remote identity key ${OTHER}`, ADDRESS], true)
  await until('the one that is an address is dialled', () => dialled.length > 0)
  assert.deepEqual(dialled, [`${ADDRESS}/p2p/${OTHER}`])
})

describe('where another peer answers than the one that is looked for', () => {
  it('it is greeted, for it may be one of ours', async () => {
    connector = connectorWith([], [{ peerId: OTHER, addresses: [ADDRESS] }])
    residents.set(ADDRESS, THIRD)
    connector.start()
    await until('both were dialled', () => dialled.length >= 2)
    assert.deepEqual(dialled.slice(0, 2), [`${ADDRESS}/p2p/${OTHER}`, `${ADDRESS}/p2p/${THIRD}`])
  })

  it('it is left alone when the peer was named by its id: that peer is wanted and no other', async () => {
    connector = connectorWith([`${ADDRESS}/p2p/${OTHER}`])
    residents.set(ADDRESS, THIRD)
    connector.start()
    await until('it was tried twice', () => dialled.length >= 2)
    assert.ok(dialled.every((address) => address === `${ADDRESS}/p2p/${OTHER}`))
  })

  it('it is left alone when others said that the peer is there', async () => {
    connected = 0
    residents.set(ADDRESS, THIRD)
    connector.start()
    connector.heard(OTHER, [ADDRESS], true)
    await until('it was tried twice', () => dialled.length >= 2)
    assert.ok(dialled.every((address) => address === `${ADDRESS}/p2p/${OTHER}`))
  })

  it('it is not dialled again when it is connected, and the address is known to be its own', async () => {
    connector = connectorWith([], [{ peerId: OTHER, addresses: [ADDRESS, `${ADDRESS}2`] }])
    connector.connected(THIRD, [ADDRESS], undefined)
    residents.set(ADDRESS, THIRD)
    connector.start()
    await until('the other address is dialled', () => dialled.length >= 2)
    assert.deepEqual(dialled.slice(0, 2), [`${ADDRESS}/p2p/${OTHER}`, `${ADDRESS}2/p2p/${OTHER}`])
  })
})

test('the second try to reach somebody has twice the time of the first, the third four times, and then it begins anew', () => {
  const first = patienceAfter(0)
  const times = [0, 1, 2, 3].map((failures) => patienceAfter(failures).addressMs / first.addressMs)
  assert.deepEqual(times, [1, 2, 4, 1])
  assert.equal(patienceAfter(2).addressMs, ADDRESS_LONGEST_MS)
  assert.ok([0, 1, 2].every((failures) => patienceAfter(failures).dialMs > 2 * patienceAfter(failures).addressMs))
})
