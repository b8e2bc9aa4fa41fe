/**
 * Proofs of knowing the secret that all members share. The connection has already shown whose key is at each end; a proof
 * binds the secret to these two peers and to both nonces, so it is worth nothing on another connection or in the other direction.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { PeerId } from '../../protocols/base/identity.ts'

/** Separates these proofs from every other use of the secret. */
const LABEL = 'replicator/greeting-proof/1'

export interface ProofSubject {
  /** Who proves. */
  readonly sender: PeerId
  /** To whom. */
  readonly receiver: PeerId
  /** 32 bytes each, from the greetings. */
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

/** True when the proof is the one for this subject. Takes the same time for every wrong proof of the right length. */
export function isGoodProof(secret: Uint8Array | undefined, subject: ProofSubject, proof: Uint8Array): boolean {
  const expected = makeProof(secret, subject)
  return proof.length === expected.length && timingSafeEqual(proof, expected)
}
