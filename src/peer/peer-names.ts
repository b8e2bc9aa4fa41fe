/**
 * What people call the peers of a network, as each says when it greets. Remembered, so that a peer
 * that is away is still called by its name. For people alone: nothing is decided by a name, and two
 * peers may have the same one.
 */
import { isPeerName } from '../../protocols/base/identity.ts'
import type { PeerId, PeerName } from '../../protocols/base/identity.ts'

/** Far above the peers of a network. Beyond it, who greeted first is forgotten first. */
const NAMES_MAX = 4_096
/** A word of base58 that is as long as a peer id, in text for people. */
const ID_IN_TEXT = /[1-9A-HJ-NP-Za-km-z]{46,}/g

export class PeerNames {
  readonly #names = new Map<PeerId, PeerName>()

  /** @param remembered by peer id, from disk: what is no name is left out */
  constructor(self: PeerId, own: PeerName | undefined, remembered: Readonly<Record<string, string>>) {
    for (const [peerId, name] of Object.entries(remembered)) if (isPeerName(name)) this.#names.set(peerId as PeerId, name)
    this.learn(self, own)
  }

  /** A peer has said what it is called, or that it has no name. */
  learn(peerId: PeerId, name: PeerName | undefined): void {
    this.#names.delete(peerId)
    if (name === undefined) return
    this.#names.set(peerId, name)
    for (const first of this.#names.keys()) if (this.#names.size > NAMES_MAX) this.#names.delete(first)
  }

  of(peerId: PeerId): PeerName | undefined {
    return this.#names.get(peerId)
  }

  /** By peer id, to be remembered. */
  all(): Record<string, PeerName> {
    return Object.fromEntries(this.#names)
  }

  /** A text for people, in which peers that have names are called by them, their ids behind. */
  inText(text: string): string {
    return text.replace(ID_IN_TEXT, (id) => {
      const name = this.#names.get(id as PeerId)
      return name === undefined ? id : `${name} (${id})`
    })
  }

  /** Names that several of these peers have, and whose they are. */
  shared(peerIds: Iterable<PeerId>): Map<PeerName, PeerId[]> {
    const byName = new Map<PeerName, PeerId[]>()
    for (const peerId of peerIds) {
      const name = this.#names.get(peerId)
      if (name !== undefined) byName.set(name, [...(byName.get(name) ?? []), peerId])
    }
    return new Map([...byName].filter(([, ids]) => ids.length > 1))
  }
}
