/** What people call peers: heard, remembered, and put into text for them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerId, PeerName } from '../../protocols/base/identity.ts'
import { callingOf, peerIdOf } from '../../src/commands/called.ts'
import type { Asked } from '../../src/commands/asking.ts'
import { PeerNames } from '../../src/peer/peer-names.ts'
import type { PeerCalled } from '../../src/settings/commands.ts'

const SELF = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp' as PeerId
const OTHER = '12D3KooWGpjwYBA3TM3TUSumvkUqUaNq5nFX8v4t1VejuTD7bTQU' as PeerId
const BERLIN = 'berlin-1' as PeerName

describe('names of peers', () => {
  it('a peer that is away is called as it was called last, by whoever remembers it', () => {
    const before = new PeerNames(SELF, BERLIN, {})
    before.learn(OTHER, 'paris-1' as PeerName)
    const after = new PeerNames(SELF, undefined, before.all())
    assert.deepEqual([after.of(SELF), after.of(OTHER)], [undefined, 'paris-1'])
    after.learn(OTHER, undefined)
    assert.equal(after.of(OTHER), undefined)
  })

  it('what is remembered and is no name is left out', () => {
    assert.equal(new PeerNames(SELF, BERLIN, { [OTHER]: 'two words' }).of(OTHER), undefined)
  })

  it('a text names each peer that has a name, with its id behind, and leaves all other words', () => {
    const names = new PeerNames(SELF, BERLIN, {})
    assert.equal(names.inText(`${SELF} of ${OTHER} is gone`), `berlin-1 (${SELF}) of ${OTHER} is gone`)
  })

  it('a name that two peers have is told with both', () => {
    const names = new PeerNames(SELF, BERLIN, { [OTHER]: BERLIN })
    assert.deepEqual([...names.shared([SELF, OTHER])], [[BERLIN, [SELF, OTHER]]])
    assert.deepEqual([...names.shared([SELF])], [])
    const calling = callingOf([SELF, OTHER].map((id) => ({ id, name: BERLIN })))
    assert.equal(calling(OTHER), OTHER)
  })

  it("a command takes a name that is one peer's alone, and asks for the id of one of several", async () => {
    const asked = askedOf([
      { id: SELF, name: BERLIN, state: 'self' },
      { id: OTHER, name: 'paris-1', state: 'alive' },
    ])
    assert.equal(await peerIdOf(asked, 'paris-1' as PeerCalled), OTHER)
    assert.equal(await peerIdOf(asked, SELF), SELF)
    await assert.rejects(peerIdOf(asked, 'rome-1' as PeerCalled), /no peer is called rome-1/)
    const both = askedOf([SELF, OTHER].map((id) => ({ id, name: BERLIN, state: 'alive' })))
    await assert.rejects(peerIdOf(both, BERLIN), new RegExp(`2 peers are called berlin-1: .*${SELF} or ${OTHER}`))
  })
})

/** A peer whose configuration has these voters. */
function askedOf(voters: readonly object[]): Pick<Asked, 'get'> {
  return { get: async <T>() => ({ clusters: { berlin: { voters, learners: [] } } }) as T }
}
