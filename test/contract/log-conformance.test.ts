/**
 * The arithmetic of majorities and of joint changes against the cases of etcd's own Raft, verbatim.
 * Of a change's answer the members are compared, and who is a learner: where its progress stands is
 * another matter.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { identity } from '../../protocols/base/identity.ts'
import type { Identity, IdentityId, Incarnation, PeerId } from '../../protocols/base/identity.ts'
import { committedIndex, voteOf } from '../../protocols/log/commit.ts'
import { changed, entered, firstMembers, has, isJoint, left } from '../../protocols/log/membership.ts'
import type { MemberChange, Membership } from '../../protocols/log/membership.ts'
import { casesIn } from './go-cases.ts'
import type { Case } from './go-cases.ts'
import { goModule } from './go-module.ts'

const MODULE = 'go.etcd.io/raft/v3@v3.7.0'
const QUORUM_CASES = 127
const CHANGE_CASES = 58

const module = goModule(MODULE)

suite(`the cases of ${MODULE}`, { skip: 'why' in module && module.why }, () => {
  const folder = 'folder' in module ? module.folder : ''

  test('a majority, and two, commit and vote as there', () => {
    let count = 0
    for (const each of casesIn(join(folder, 'quorum/testdata'))) {
      const last = each.expected.trim().split('\n').at(-1)
      // One answer has a label in front.
      assert.equal(quorumAnswer(each.command), last?.replace('<empty majority quorum>', ''), `${each.where}: ${each.command}`)
      count += 1
    }
    assert.equal(count, QUORUM_CASES)
  })

  test('members change as there', () => {
    let count = 0
    let file = ''
    let changer = new Changer()
    for (const each of casesIn(join(folder, 'confchange/testdata'))) {
      if (each.where !== file) changer = new Changer()
      file = each.where
      assert.equal(changer.run(each), withoutProgress(each.expected), `${each.where}: ${each.command} ${each.input}`)
      count += 1
    }
    assert.equal(count, CHANGE_CASES)
  })
})

function voter(number: number): Identity {
  return identity(`p${number}` as PeerId, number.toString(16).padStart(32, '0') as Incarnation)
}

/** `committed cfg=(1,2) cfgj=(3) idx=(5,_,7)`, or `vote … votes=(y,_,n)`. */
function quorumAnswer(command: string): string {
  const argument = (name: string): string[] | undefined =>
    command
      .match(new RegExp(` ${name}=\\(?([^)]*?)\\)?(?= \\w+=|$)`))?.[1]
      ?.split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '' && each !== 'zero')
  const ids = argument('cfg') ?? []
  const outgoing = argument('cfgj') ?? []
  const members = { ...firstMembers(ids.map((id) => voter(Number(id)))), outgoing: outgoing.map((id) => voter(Number(id))) }
  const order = [...new Set([...ids, ...outgoing])].map((id) => voter(Number(id)).id)
  const given = (name: string): Map<IdentityId, string> => {
    const values = argument(name) ?? []
    return new Map(order.flatMap((id, place) => (values[place] === undefined || values[place] === '_' ? [] : [[id, values[place]]])))
  }
  if (command.startsWith('committed')) {
    const indexes = given('idx')
    const index = committedIndex(members, (id) => Number(indexes.get(id) ?? 0))
    return index === Number.POSITIVE_INFINITY ? '∞' : `${index}`
  }
  const votes = given('votes')
  const verdict = voteOf(members, (id) => (votes.has(id) ? votes.get(id) === 'y' : undefined))
  return { won: 'VoteWon', lost: 'VoteLost', pending: 'VotePending' }[verdict]
}

class Changer {
  private members: Membership = firstMembers([])
  private endsByItself = false

  run({ command, input }: Case): string {
    const changes = input.split(/\s+/).flatMap(changeOf)
    const [name = ''] = command.split(' ')
    const refused = this.refusal(name, changes)
    if (refused !== undefined) return refused
    if (name === 'simple') this.members = changed(this.members, changes)
    if (name === 'enter-joint') this.members = entered(this.members, changes)
    if (name === 'leave-joint') this.members = left(this.members)
    this.endsByItself = name === 'enter-joint' && command.includes('autoleave=true')
    return this.told()
  }

  /** What etcd says where ours asserts, or has no such step. */
  private refusal(name: string, changes: readonly MemberChange[]): string | undefined {
    const { members } = this
    if (name === 'leave-joint') return isJoint(members) ? undefined : "can't leave a non-joint config"
    if (isJoint(members)) return name === 'simple' ? "can't apply simple config change in joint config" : 'config is already joint'
    if (name === 'enter-joint' && members.voters.length === 0) return "can't make a zero-voter config joint"
    const { voters } = changed(members, changes)
    if (voters.length === 0) return 'removed all voters'
    const added = voters.filter(({ id }) => !has(members.voters, id)).length
    const removed = members.voters.filter(({ id }) => !has(voters, id)).length
    return name === 'simple' && added + removed > 1 ? 'more than one voter changed without entering joint config' : undefined
  }

  private told(): string {
    const { voters, outgoing, learners, learnersNext } = this.members
    const list = (some: readonly Identity[]): string => `(${numbersOf(some).join(' ')})`
    const line = [
      `voters=${list(voters)}${outgoing.length > 0 ? `&&${list(outgoing)}` : ''}`,
      ...(learners.length > 0 ? [`learners=${list(learners)}`] : []),
      ...(learnersNext.length > 0 ? [`learners_next=${list(learnersNext)}`] : []),
      ...(this.endsByItself ? ['autoleave'] : []),
    ].join(' ')
    const all = [...new Set(numbersOf([...voters, ...outgoing, ...learners]))].sort((a, b) => a - b)
    const isLearner = new Set(numbersOf(learners))
    return [line, ...all.map((number) => `${number}:${isLearner.has(number) ? ' learner' : ''}`)].join('\n')
  }
}

function numbersOf(some: readonly Identity[]): number[] {
  return some.map(({ peerId }) => Number(peerId.slice(1))).sort((a, b) => a - b)
}

/** `v3`, `l3`, `r3`; `u3` changes nothing, and nobody has the number 0. */
function changeOf(token: string): MemberChange[] {
  const number = Number(token.slice(1))
  const kind = { v: 'voter', l: 'learner', r: 'remove' }[token[0] ?? ''] as MemberChange['kind'] | undefined
  return kind === undefined || number === 0 ? [] : [{ kind, peer: voter(number) }]
}

function withoutProgress(expected: string): string {
  return expected.trim().replaceAll(/^(\d+): State\w+ match=\d+ next=\d+/gm, '$1:')
}
