/**
 * Row 4: an answer of the DHT that tells many wrong addresses of a voter that is away for a moment.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Attack, Scene } from './attack.ts'
import { finding } from './attack.ts'
import { provider, serveLies } from './dht-messages.ts'
import { dial, stranger } from './stranger.ts'
import { pause } from './waiting.ts'

/** As many as a peer remembers of another. */
const LIES = 16
/** A peer that just started asks the DHT several times in this time. */
const ASK_MS = 12_000
const VICTIM = 0
const VOTER = 1
/** Of what was only heard. */
const HEARSAY_MAX = 4

interface Facts {
  readonly peers: readonly { readonly peerId: string; readonly addresses: readonly string[] }[]
}

export const lyingProvider: Attack = {
  row: 4,
  name: 'lying-provider',
  against: ['secret', 'open'],
  stops: [VICTIM, VOTER],
  async run(scene) {
    const { victim, source, peers } = scene
    const voter = peers[VOTER] ?? victim
    const lies = Array.from({ length: LIES }, (_, index) => `/ip4/10.66.0.${index}/tcp/4001`)
    const libp2p = await stranger(source, { isReachable: true })
    try {
      const asked = await serveLies(libp2p, () => [provider(peerIdFromString(voter.peerId).toMultihash().bytes, lies)])
      await scene.stop(VOTER)
      await scene.stop(VICTIM)
      await scene.start(VICTIM)
      const keepDialling = setInterval(() => void dial(libp2p, victim.address).catch(() => {}), 500)
      await pause(ASK_MS)
      clearInterval(keepDialling)
      await scene.stop(VICTIM)
      return judge(scene, lies, asked())
    } finally {
      await libp2p.stop()
      await scene.start(VICTIM)
      await scene.start(VOTER)
    }
  },
}

function judge({ victim, peers }: Scene, lies: readonly string[], asked: number): ReturnType<typeof finding>[] {
  const facts = JSON.parse(readFileSync(join(victim.directory, 'facts.json'), 'utf8')) as Facts
  const voter = peers[VOTER]
  const remembered = facts.peers.find(({ peerId }) => peerId === voter?.peerId)?.addresses ?? []
  const junk = remembered.filter((address) => lies.some((lie) => address.startsWith(lie))).length
  const isThere = remembered.some((address) => voter?.address.startsWith(address))
  return [
    finding(isThere, `the liar was asked ${asked} times; the true address is ${isThere ? 'kept' : 'lost'}`),
    finding(junk === 0, `${junk} lies written down (at most ${HEARSAY_MAX} may be used, none kept)`),
  ]
}
