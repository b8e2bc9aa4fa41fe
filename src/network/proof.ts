/**
 * Proofs of knowing the secret that all members share. The connection has already shown whose key
 * is at each end; a proof binds the secret to these two peers and to both nonces, so it is worth
 * nothing on another connection or in the other direction.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { PeerId } from '../../protocols/base/identity.ts'
import type { Secrets } from '../ports/secrets.ts'

/** Separates these proofs from every other use of the secret. */
const LABEL = 'replicator/greeting-proof/2'
/** The same for fingerprints. */
const FINGERPRINT_LABEL = 'replicator/secret-fingerprint/1'
/** Bytes of a fingerprint: enough to tell a few secrets apart, and too few to try guesses on. */
const FINGERPRINT_BYTES = 4

export interface ProofSubject {
  /** Who proves. */
  readonly sender: PeerId
  /** To whom. */
  readonly receiver: PeerId
  /** 32 bytes each. */
  readonly senderNonce: Uint8Array
  readonly receiverNonce: Uint8Array
}

/** The proof: 32 bytes with a secret, none without. */
export function makeProof(secret: Uint8Array | undefined, subject: ProofSubject): Uint8Array {
  if (secret === undefined) return new Uint8Array(0)
  const hmac = createHmac('sha256', secret)
  const fields = [LABEL, subject.sender, subject.receiver, subject.senderNonce, subject.receiverNonce]
  for (const field of fields) {
    const bytes = Buffer.from(field as Uint8Array)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    hmac.update(length).update(bytes)
  }
  return hmac.digest()
}

/**
 * True when the proof is the one for this subject. Takes the same time for every wrong proof of the
 * right length.
 */
export function isGoodProof(secret: Uint8Array | undefined, subject: ProofSubject, proof: Uint8Array): boolean {
  const expected = makeProof(secret, subject)
  return proof.length === expected.length && timingSafeEqual(proof, expected)
}

/** Which of the secrets the proof was made with; undefined for none of them. */
export function secretOfProof(
  secrets: Secrets,
  subject: ProofSubject,
  proof: Uint8Array,
): { readonly secret: Uint8Array | undefined } | undefined {
  for (const secret of secrets) if (isGoodProof(secret, subject, proof)) return { secret }
  return undefined
}

/** True while a proof by this secret would be accepted. */
export function isInForce(secrets: Secrets, provedBy: { readonly secret: Uint8Array | undefined } | undefined): boolean {
  return provedBy !== undefined && secrets.some((secret) => isSameSecret(secret, provedBy.secret))
}

function isSameSecret(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.length === b.length && timingSafeEqual(a, b)
}

/** What a secret is told by where it must not be shown: 8 hexadecimal digits, or `none`. */
export function fingerprintOf(secret: Uint8Array | undefined): string {
  if (secret === undefined) return 'none'
  return createHmac('sha256', secret)
    .update(FINGERPRINT_LABEL)
    .digest('hex')
    .slice(0, 2 * FINGERPRINT_BYTES)
}
