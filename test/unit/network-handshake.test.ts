import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NetworkId, PeerId } from '../../protocols/base/identity.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import { Handshake } from '../../src/network/handshake.ts'
import type { HandshakeInit, HandshakeOutcome } from '../../src/network/handshake.ts'
import { fingerprintOf, makeProof } from '../../src/network/proof.ts'
import { Told, identityOf } from '../contract/transport.ts'

const SECRET = new Uint8Array(32).fill(1)
const OTHER = new Uint8Array(32).fill(9)
const NONE = new Uint8Array(0)

interface End {
  readonly greeting: Greeting
  readonly nonce: Uint8Array
}

function endOf(peerId: string, nonce: number): End {
  return { greeting: new Told(identityOf(peerId)).greeting(), nonce: new Uint8Array(32).fill(nonce) }
}

/** Alice has opened the stream. */
const ALICE = endOf('alice', 1)
const BOB = endOf('bob', 2)

function alice(init: Partial<HandshakeInit> = {}): Handshake {
  return new Handshake({
    local: ALICE.greeting,
    nonce: ALICE.nonce,
    remotePeerId: 'bob' as PeerId,
    isOpener: true,
    secrets: [SECRET],
    isAdmitted: true,
    ...init,
  })
}

function bob(init: Partial<HandshakeInit> = {}): Handshake {
  return alice({ local: BOB.greeting, nonce: BOB.nonce, remotePeerId: 'alice' as PeerId, isOpener: false, ...init })
}

function proof(secret: Uint8Array | undefined, from: End, to: End): Uint8Array {
  const [sender, receiver] = [from.greeting.identity.peerId, to.greeting.identity.peerId]
  return makeProof(secret, { sender, receiver, senderNonce: from.nonce, receiverNonce: to.nonce })
}

/** What an end says next, by kind. */
function says(outcome: HandshakeOutcome): string {
  return outcome.kind === 'good' ? outcome.say.map(({ kind }) => kind).join(' ') : outcome.kind
}

function proofSaid(outcome: HandshakeOutcome): Uint8Array {
  const [said] = outcome.kind === 'good' ? outcome.say : []
  assert.ok(said?.kind === 'proof')
  return said.proof
}

describe('handshake', () => {
  it('nonces go both ways, then the proof of who opened the stream, then that of the other, then both greetings', () => {
    const [a, b] = [alice(), bob()]
    assert.equal(says(b.nonced(ALICE.nonce)), '')
    const ofAlice = a.nonced(BOB.nonce)
    assert.equal(says(ofAlice), 'proof')
    const ofBob = b.proved(proofSaid(ofAlice))
    assert.equal(says(ofBob), 'proof greeting')
    assert.equal(says(a.proved(proofSaid(ofBob))), 'greeting')
    assert.equal(a.remote, undefined)
    assert.deepEqual(a.greeted(BOB.greeting), { kind: 'good', say: [], remote: BOB.greeting })
    assert.deepEqual(b.greeted(ALICE.greeting), { kind: 'good', say: [], remote: ALICE.greeting })
    assert.deepEqual([a.openerNonce, b.openerNonce], [ALICE.nonce, ALICE.nonce])
  })

  const worthless: { readonly fact: string; readonly proof: Uint8Array }[] = [
    { fact: 'none', proof: NONE },
    { fact: 'one by another secret', proof: proof(OTHER, ALICE, BOB) },
    { fact: 'our own, sent back', proof: proof(SECRET, BOB, ALICE) },
    { fact: 'one of an earlier connection', proof: proof(SECRET, ALICE, endOf('bob', 7)) },
    { fact: 'one for somebody else', proof: proof(SECRET, ALICE, endOf('carol', 2)) },
    { fact: 'one cut short', proof: proof(SECRET, ALICE, BOB).subarray(0, 31) },
  ]
  for (const { fact, proof: given } of worthless) {
    it(`with a secret a proof is refused that is ${fact}, and nothing is said of oneself`, () => {
      const b = bob()
      b.nonced(ALICE.nonce)
      assert.equal(b.proved(given).kind, 'refused')
      assert.equal(b.greeted(ALICE.greeting).kind, 'breach')
      assert.equal(b.remote, undefined)
    })
  }

  it('who opened the stream says nothing of itself to a listener with a bad proof', () => {
    const a = alice()
    a.nonced(BOB.nonce)
    assert.equal(a.proved(proof(OTHER, BOB, ALICE)).kind, 'refused')
    assert.equal(a.remote, undefined)
  })

  it('each end is told why the other parts, as it looks from there', () => {
    const met = (secrets: HandshakeInit['secrets'], given: Uint8Array): unknown[] => {
      const b = bob({ secrets })
      b.nonced(ALICE.nonce)
      const outcome = b.proved(given)
      assert.ok(outcome.kind === 'refused' && outcome.parting !== undefined)
      const told = alice().parted(outcome.parting)
      return [outcome.reason, told.kind === 'refused' && told.reason]
    }
    assert.deepEqual(met([SECRET], proof(OTHER, ALICE, BOB)), ['other secret', 'other secret'])
    assert.deepEqual(met([SECRET], NONE), ['it has no secret', 'it has a secret and this peer has none'])
    assert.deepEqual(met([undefined], proof(SECRET, ALICE, BOB)), ['it has a secret and this peer has none', 'it has no secret'])
  })

  it('one that is not admitted is told so, whatever it could prove', () => {
    const outcome = bob({ isAdmitted: false }).nonced(ALICE.nonce)
    assert.deepEqual(outcome, { kind: 'refused', reason: 'not among those of -admit', parting: 'not admitted' })
  })

  it('the first secret is proved, any is accepted, and it is known which one it was', () => {
    const a = alice({ secrets: [OTHER, SECRET] })
    assert.deepEqual(proofSaid(a.nonced(BOB.nonce)), proof(OTHER, ALICE, BOB))
    assert.equal(a.proved(proof(SECRET, BOB, ALICE)).kind, 'good')
    assert.deepEqual(a.provedBy, { secret: SECRET })
  })

  it('no secret may be one of several, the first too', () => {
    for (const secrets of [
      [undefined, SECRET],
      [SECRET, undefined],
    ] as const) {
      for (const given of [NONE, proof(SECRET, ALICE, BOB)]) {
        const b = bob({ secrets })
        b.nonced(ALICE.nonce)
        const outcome = b.proved(given)
        assert.deepEqual(proofSaid(outcome), proof(secrets[0], BOB, ALICE))
        assert.deepEqual(b.provedBy, { secret: given === NONE ? undefined : SECRET })
      }
    }
  })

  it('whatever comes out of its order breaks the protocol, and so does a greeting in the name of somebody else', () => {
    const b = bob({ secrets: [undefined] })
    assert.equal(b.proved(NONE).kind, 'breach')
    assert.equal(b.greeted(ALICE.greeting).kind, 'breach')
    assert.equal(b.nonced(ALICE.nonce).kind, 'good')
    assert.equal(b.nonced(ALICE.nonce).kind, 'breach')
    assert.equal(b.greeted(ALICE.greeting).kind, 'breach')
    assert.equal(b.proved(NONE).kind, 'good')
    assert.equal(b.proved(NONE).kind, 'breach')
    assert.equal(b.greeted(endOf('carol', 3).greeting).kind, 'breach')
    assert.equal(b.greeted(ALICE.greeting).kind, 'good')
    assert.equal(b.greeted(ALICE.greeting).kind, 'breach')
  })

  it('only two different networks part, and only versions without a common one', () => {
    const [one, two] = ['1'.repeat(32) as NetworkId, '2'.repeat(32) as NetworkId]
    const meeting = (local: Partial<Greeting>, remote: Partial<Greeting>): string => {
      const a = alice({ local: { ...ALICE.greeting, ...local }, secrets: [undefined] })
      a.nonced(BOB.nonce)
      a.proved(NONE)
      const outcome = a.greeted({ ...BOB.greeting, ...remote })
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

  it('a fingerprint tells secrets apart and is no part of any of them', () => {
    assert.match(fingerprintOf(SECRET), /^[0-9a-f]{8}$/)
    assert.notEqual(fingerprintOf(SECRET), fingerprintOf(OTHER))
    assert.equal(fingerprintOf(undefined), 'none')
  })
})
