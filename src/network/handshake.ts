/**
 * The rules of greeting one another, apart from the bytes and the stream: whom we refuse and why, and when the other end counts
 * as a proven member. Both ends apply the same rules to the same facts, so both know why when they part.
 */
import type { PeerId } from '../../protocols/base/identity.ts'
import type { Greeting } from '../../protocols/wire/messages.ts'
import { isGoodProof, makeProof } from './proof.ts'

/**
 * `refused`: it is set up otherwise than we are, which people must hear of. `breach`: it breaks the protocol.
 */
export type HandshakeOutcome<T> =
  | { readonly kind: 'good'; readonly value: T }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'breach'; readonly reason: string }

export class Handshake {
  readonly #local: Greeting
  readonly #remotePeerId: PeerId
  readonly #secret: Uint8Array | undefined
  #remote: Greeting | undefined
  #proven = false

  /** `remotePeerId`: whose key the connection has shown to be at the other end. */
  constructor(local: Greeting, remotePeerId: PeerId, secret: Uint8Array | undefined) {
    this.#local = local
    this.#remotePeerId = remotePeerId
    this.#secret = secret
  }

  /** What the other end said of itself, once it is believed. */
  get remote(): Greeting | undefined {
    return this.#proven ? this.#remote : undefined
  }

  /** Takes the other end's greeting; the value is the proof to answer with. */
  greeted(remote: Greeting): HandshakeOutcome<Uint8Array> {
    if (this.#remote !== undefined) return breach('a second greeting')
    if (remote.identity.peerId !== this.#remotePeerId) return breach(`a greeting in the name of ${remote.identity.peerId}`)
    const mismatch = mismatchOf(this.#local, remote)
    if (mismatch !== undefined) return { kind: 'refused', reason: mismatch }
    this.#remote = remote
    return { kind: 'good', value: makeProof(this.#secret, this.#subject(this.#local, remote)) }
  }

  /** Takes the other end's proof; the value is its greeting, from now on believed. */
  proved(proof: Uint8Array): HandshakeOutcome<Greeting> {
    if (this.#remote === undefined) return breach('a proof before the greeting')
    if (this.#proven) return breach('a second proof')
    if (!isGoodProof(this.#secret, this.#subject(this.#remote, this.#local), proof)) {
      return { kind: 'refused', reason: reasonOfBadProof(this.#secret, proof) }
    }
    this.#proven = true
    return { kind: 'good', value: this.#remote }
  }

  #subject(sender: Greeting, receiver: Greeting): Parameters<typeof makeProof>[1] {
    return {
      sender: sender.identity.peerId,
      receiver: receiver.identity.peerId,
      senderNonce: sender.nonce,
      receiverNonce: receiver.nonce,
    }
  }
}

/** Why two peers cannot work together, as `a` says it; undefined when they can, whichever end asks. */
function mismatchOf(a: Greeting, b: Greeting): string | undefined {
  if (Math.max(a.protocolMin, b.protocolMin) > Math.min(a.protocolMax, b.protocolMax)) {
    return `other protocol version (it speaks ${versions(b)}, this peer ${versions(a)})`
  }
  if (a.networkId !== undefined && b.networkId !== undefined && a.networkId !== b.networkId) return 'other network'
  return undefined
}

function versions({ protocolMin, protocolMax }: Greeting): string {
  return protocolMin === protocolMax ? String(protocolMin) : `${protocolMin} to ${protocolMax}`
}

function reasonOfBadProof(secret: Uint8Array | undefined, proof: Uint8Array): string {
  if (secret === undefined) return 'it has a secret and this peer has none'
  return proof.length === 0 ? 'it has no secret' : 'other secret'
}

function breach(reason: string): { readonly kind: 'breach'; readonly reason: string } {
  return { kind: 'breach', reason }
}
