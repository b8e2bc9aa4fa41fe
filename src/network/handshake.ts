/**
 * The rules of greeting one another, apart from the bytes and the stream: who says what when, whom
 * we refuse and why, and when the other end counts as a proven member.
 *
 * Nonces come first, both ways; then the proof of the end that opened the stream, then that of the
 * other end, then both greetings. So an end that cannot prove itself learns neither network, nor
 * cluster, nor addresses.
 */
import type { PeerId } from '../../protocols/base/identity.ts'
import type { Parting } from '../../protocols/wire/frames.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import type { Secrets } from '../ports/secrets.ts'
import { NOT_ADMITTED } from './admission.ts'
import { makeProof, secretOfProof } from './proof.ts'
import type { ProofSubject } from './proof.ts'

/** What to say next, in this order. */
export type Saying = { readonly kind: 'proof'; readonly proof: Uint8Array } | { readonly kind: 'greeting' }

/**
 * `refused`: it is set up otherwise than we are, which people must hear of; it is told `parting`,
 * where it could not find out by itself. `breach`: it breaks the protocol. `remote`: its greeting,
 * from now on believed.
 */
export type HandshakeOutcome =
  | { readonly kind: 'good'; readonly say: readonly Saying[]; readonly remote?: Greeting }
  | { readonly kind: 'refused'; readonly reason: string; readonly parting?: Parting }
  | { readonly kind: 'breach'; readonly reason: string }

export interface HandshakeInit {
  readonly local: Greeting
  /** 32 fresh random bytes. */
  readonly nonce: Uint8Array
  /** Whose key the connection has shown to be at the other end. */
  readonly remotePeerId: PeerId
  /** True at the end that opened the stream: it proves itself first. */
  readonly isOpener: boolean
  readonly secrets: Secrets
  /** False: whatever it proves, it may not join. */
  readonly isAdmitted: boolean
}

export class Handshake {
  readonly #init: HandshakeInit
  #remoteNonce: Uint8Array | undefined
  #provedBy: { readonly secret: Uint8Array | undefined } | undefined
  #remote: Greeting | undefined

  constructor(init: HandshakeInit) {
    this.#init = init
  }

  /** What the other end said of itself, once it is believed. */
  get remote(): Greeting | undefined {
    return this.#remote
  }

  /** The secret that the other end has proved to know; `undefined` inside for none. */
  get provedBy(): { readonly secret: Uint8Array | undefined } | undefined {
    return this.#provedBy
  }

  /** The nonce of the end that opened the stream, once it is known. */
  get openerNonce(): Uint8Array | undefined {
    return this.#init.isOpener ? this.#init.nonce : this.#remoteNonce
  }

  /** Takes the other end's nonce. */
  nonced(nonce: Uint8Array): HandshakeOutcome {
    if (this.#remoteNonce !== undefined) return breach('a second nonce')
    if (!this.#init.isAdmitted) return { kind: 'refused', reason: NOT_ADMITTED, parting: 'not admitted' }
    this.#remoteNonce = nonce
    return { kind: 'good', say: this.#init.isOpener ? [this.#proof(nonce)] : [] }
  }

  /** Takes the other end's proof. */
  proved(proof: Uint8Array): HandshakeOutcome {
    const nonce = this.#remoteNonce
    if (nonce === undefined) return breach('a proof before the nonce')
    if (this.#provedBy !== undefined) return breach('a second proof')
    const { secrets, isOpener } = this.#init
    const found = secretOfProof(secrets, this.#subject('remote', nonce), proof)
    if (found === undefined) return refusalOfProof(secrets, proof)
    this.#provedBy = found
    return { kind: 'good', say: isOpener ? [{ kind: 'greeting' }] : [this.#proof(nonce), { kind: 'greeting' }] }
  }

  /** Takes the other end's greeting. */
  greeted(remote: Greeting): HandshakeOutcome {
    const { local, remotePeerId } = this.#init
    if (this.#provedBy === undefined) return breach('a greeting before the proof')
    if (this.#remote !== undefined) return breach('a second greeting')
    if (remote.identity.peerId !== remotePeerId) return breach(`a greeting in the name of ${remote.identity.peerId}`)
    const mismatch = mismatchOf(local, remote)
    if (mismatch !== undefined) return { kind: 'refused', reason: mismatch }
    this.#remote = remote
    return { kind: 'good', say: [], remote }
  }

  /** The other end says why it will not go on. */
  parted(parting: Parting): HandshakeOutcome {
    return { kind: 'refused', reason: REASONS_OF_PARTING[parting] }
  }

  #proof(nonce: Uint8Array): Saying {
    return { kind: 'proof', proof: makeProof(this.#init.secrets[0], this.#subject('local', nonce)) }
  }

  #subject(prover: 'local' | 'remote', remoteNonce: Uint8Array): ProofSubject {
    const { local, nonce, remotePeerId } = this.#init
    const self = local.identity.peerId
    if (prover === 'local') return { sender: self, receiver: remotePeerId, senderNonce: nonce, receiverNonce: remoteNonce }
    return { sender: remotePeerId, receiver: self, senderNonce: remoteNonce, receiverNonce: nonce }
  }
}

/** As it looks from the end that is told. */
const REASONS_OF_PARTING: Readonly<Record<Parting, string>> = {
  'other secret': 'other secret',
  'no secret': 'it has a secret and this peer has none',
  'secret unknown': 'it has no secret',
  'not admitted': 'it does not admit this peer (-admit)',
}

/**
 * Why two peers cannot work together, as `a` says it; undefined when they can, whichever end asks.
 */
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

function refusalOfProof(secrets: Secrets, proof: Uint8Array): HandshakeOutcome {
  if (proof.length === 0) return { kind: 'refused', reason: 'it has no secret', parting: 'no secret' }
  if (secrets.some((secret) => secret !== undefined)) return { kind: 'refused', reason: 'other secret', parting: 'other secret' }
  return { kind: 'refused', reason: 'it has a secret and this peer has none', parting: 'secret unknown' }
}

function breach(reason: string): { readonly kind: 'breach'; readonly reason: string } {
  return { kind: 'breach', reason }
}
