import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NetworkId, PeerId } from '../../protocols/base/identity.ts'
import type { Greeting } from '../../protocols/wire/messages.ts'
import { Handshake } from '../../src/network/handshake.ts'
import { makeProof } from '../../src/network/proof.ts'
import { Told, identityOf } from '../contract/transport.ts'

const SECRET = new Uint8Array(32).fill(1)

function greetingOf(peerId: string, nonce: number, saying: Partial<Greeting> = {}): Greeting {
  return { ...new Told(identityOf(peerId)).greeting(), nonce: new Uint8Array(32).fill(nonce), ...saying }
}

const ALICE = greetingOf('alice', 1)
const BOB = greetingOf('bob', 2)

function handshake(local: Greeting, remote: Greeting, secret: Uint8Array | undefined): Handshake {
  return new Handshake(local, remote.identity.peerId, secret)
}

/** What Bob would prove to Alice. */
function proofOfBob(secret: Uint8Array | undefined, sender = BOB, receiver = ALICE): Uint8Array {
  return makeProof(secret, {
    sender: sender.identity.peerId,
    receiver: receiver.identity.peerId,
    senderNonce: sender.nonce,
    receiverNonce: receiver.nonce,
  })
}

describe('handshake', () => {
  it('the two ends of one handshake believe each other', () => {
    const [alice, bob] = [handshake(ALICE, BOB, SECRET), handshake(BOB, ALICE, SECRET)]
    const [ofAlice, ofBob] = [alice.greeted(BOB), bob.greeted(ALICE)]
    assert.ok(ofAlice.kind === 'good' && ofBob.kind === 'good')
    assert.equal(alice.remote, undefined)
    assert.deepEqual(alice.proved(ofBob.value), { kind: 'good', value: BOB })
    assert.deepEqual(bob.proved(ofAlice.value), { kind: 'good', value: ALICE })
    assert.deepEqual(alice.remote, BOB)
  })

  const worthless: { readonly fact: string; readonly proof: Uint8Array }[] = [
    { fact: 'none', proof: new Uint8Array(0) },
    { fact: 'one by another secret', proof: proofOfBob(new Uint8Array(32).fill(9)) },
    { fact: 'our own, sent back', proof: proofOfBob(SECRET, ALICE, BOB) },
    { fact: 'one of an earlier connection', proof: proofOfBob(SECRET, BOB, { ...ALICE, nonce: new Uint8Array(32).fill(7) }) },
    { fact: 'one for somebody else', proof: proofOfBob(SECRET, BOB, { ...ALICE, identity: identityOf('carol') }) },
    { fact: 'one cut short', proof: proofOfBob(SECRET).subarray(0, 31) },
  ]
  for (const { fact, proof } of worthless) {
    it(`with a secret a proof is refused that is ${fact}`, () => {
      const alice = handshake(ALICE, BOB, SECRET)
      alice.greeted(BOB)
      assert.equal(alice.proved(proof).kind, 'refused')
      assert.equal(alice.remote, undefined)
    })
  }

  it('without a secret a proof cannot be checked, and is refused', () => {
    const alice = handshake(ALICE, BOB, undefined)
    alice.greeted(BOB)
    assert.deepEqual(alice.proved(proofOfBob(SECRET)), { kind: 'refused', reason: 'it has a secret and this peer has none' })
  })

  it('without a secret on either end the empty proof is good', () => {
    const alice = handshake(ALICE, BOB, undefined)
    alice.greeted(BOB)
    assert.equal(alice.proved(proofOfBob(undefined)).kind, 'good')
  })

  it('a greeting in the name of somebody else, a second one, and a proof too early or twice break the protocol', () => {
    const alice = handshake(ALICE, BOB, undefined)
    assert.equal(alice.proved(new Uint8Array(0)).kind, 'breach')
    assert.equal(alice.greeted(greetingOf('carol', 3)).kind, 'breach')
    assert.equal(alice.greeted(BOB).kind, 'good')
    assert.equal(alice.greeted(BOB).kind, 'breach')
    assert.equal(alice.proved(new Uint8Array(0)).kind, 'good')
    assert.equal(alice.proved(new Uint8Array(0)).kind, 'breach')
  })

  it('only two different networks part, and only versions without a common one', () => {
    const [one, two] = ['1'.repeat(32) as NetworkId, '2'.repeat(32) as NetworkId]
    const meeting = (local: Partial<Greeting>, remote: Partial<Greeting>): string => {
      const bob = { ...BOB, ...remote }
      const outcome = new Handshake({ ...ALICE, ...local }, 'bob' as PeerId, undefined).greeted(bob)
      return outcome.kind === 'refused' ? outcome.reason : outcome.kind
    }
    assert.equal(meeting({ networkId: one }, { networkId: two }), 'other network')
    assert.equal(meeting({ networkId: one }, { networkId: one }), 'good')
    assert.equal(meeting({ networkId: one }, {}), 'good')
    assert.equal(meeting({}, { networkId: two }), 'good')
    assert.equal(meeting({ protocolMin: 1, protocolMax: 2 }, { protocolMin: 2, protocolMax: 3 }), 'good')
    const later = { protocolMin: 3, protocolMax: 4 }
    assert.equal(meeting(later, { protocolMin: 1, protocolMax: 2 }), 'other protocol version (it speaks 1 to 2, this peer 3 to 4)')
    assert.equal(meeting({}, later), 'other protocol version (it speaks 3 to 4, this peer 1)')
  })
})
