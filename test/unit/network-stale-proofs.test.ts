import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId } from '../../protocols/base/identity.ts'
import { StaleProofs } from '../../src/network/stale-proofs.ts'

test('peers proved by a secret that is gone are closed one after another, and all within ten seconds', ({ mock }) => {
  mock.timers.enable({ apis: ['setInterval'] })
  for (const count of [3, 200]) {
    const stale = Array.from({ length: count }, (_, index) => `p${index}` as PeerId)
    const closed: PeerId[] = []
    const proofs = new StaleProofs({
      stale: () => stale,
      close: (peerId) => {
        closed.push(peerId)
        stale.shift()
      },
    })
    proofs.begin()
    assert.equal(closed.length, 1)
    mock.timers.tick(count === 3 ? 499 : 49)
    assert.equal(closed.length, 1)
    mock.timers.tick(10_000)
    assert.equal(closed.length, count)
    proofs.stop()
  }
})

test('nothing is closed where every proof is still in force', ({ mock }) => {
  mock.timers.enable({ apis: ['setInterval'] })
  const proofs = new StaleProofs({ stale: () => [], close: () => assert.fail('closed') })
  proofs.begin()
  mock.timers.tick(60_000)
})
