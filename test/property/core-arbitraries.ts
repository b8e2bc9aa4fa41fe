/**
 * Random configs, ballots and sets of voters, small enough that every case of interest comes up
 * often.
 */
import * as fc from 'fast-check'
import type { Ballot, Ceiling } from '../../protocols/base/ballot.ts'
import type { ClusterId, Identity } from '../../protocols/base/identity.ts'
import type { Clusters, Config } from '../../protocols/base/config.ts'
import { network, peer } from '../unit/core-harness.ts'

const VOTERS_MAX = 5
const PEER_NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l']

/** Up to four clusters of up to five voters, drawn from twelve peers; a voter is in one cluster. */
export const someClusters: fc.Arbitrary<Clusters> = fc
  .tuple(
    fc.shuffledSubarray(PEER_NAMES, { minLength: 1 }),
    fc.array(fc.integer({ min: 1, max: VOTERS_MAX }), { minLength: 1, maxLength: 4 }),
  )
  .map(([names, sizes]) => {
    const clusters = new Map<ClusterId, Identity[]>()
    let from = 0
    for (const [index, size] of sizes.entries()) {
      const voters = names.slice(from, from + size).map((name) => peer(name))
      if (voters.length > 0) clusters.set(`c${index}` as ClusterId, voters)
      from += size
    }
    return clusters
  })

export const someConfig: fc.Arbitrary<Config> = fc
  .tuple(someClusters, fc.option(someClusters, { nil: undefined }))
  .map(([clusters, next]) => {
    const config: Config = { networkId: network, epoch: 1, clusters, forming: false, protocolMin: 1 }
    return next === undefined ? config : { ...config, next }
  })

/** Any of the twelve peers, voters or not. */
export const someIdentity: fc.Arbitrary<Identity> = fc.constantFrom(...PEER_NAMES.map((name) => peer(name)), peer('a', 1), peer('b', 1))

export const someIdentities: fc.Arbitrary<Identity[]> = fc.subarray(PEER_NAMES).map((names) => names.map((name) => peer(name)))

export const someBallot: fc.Arbitrary<Ballot> = fc.record({ epoch: fc.nat(2), round: fc.nat(3), by: someIdentity })

export const someCeiling: fc.Arbitrary<Ceiling> = fc.record({ epoch: fc.nat(2), round: fc.nat(3) })
