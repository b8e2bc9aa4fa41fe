/**
 * What a script says of its nodes' state, compared with ours: roles, terms, votes, logs, how far
 * followers are, and members. Log lines, messages and their number are not.
 */
import assert from 'node:assert/strict'
import type { Membership } from '../../../protocols/log/membership.ts'
import type { Case } from '../go-cases.ts'
import { numberOf } from './node.ts'
import type { ScriptNode } from './node.ts'
import type { Player } from './player.ts'

/**
 * Which of it is the same here. `leader`: whom a follower takes for its leader. `indexes`: a change
 * of voters takes two entries here, and one there.
 */
export interface Compared {
  readonly leader: boolean
  readonly indexes: boolean
}

const ROLES: Readonly<Record<string, string>> = {
  leader: 'StateLeader',
  follower: 'StateFollower',
  testing: 'StatePreCandidate',
  candidate: 'StateCandidate',
}
const PROGRESS: Readonly<Record<string, string>> = { probe: 'StateProbe', stream: 'StateReplicate', snapshot: 'StateSnapshot' }

/** @returns how many statements were compared */
export function compareCase(player: Player, each: Case, compared: Compared): number {
  const [command = '', number = ''] = each.command.split(' ')
  const where = `${each.where}: ${each.command}`
  const lines = each.expected.trim().split('\n')
  if (lines[0] === 'ok') return 0
  switch (command) {
    case 'raft-state':
      return sum(lines.map((line) => compareRole(player, line, compared, where)))
    case 'raft-log':
      return compareLog(player.node(Number(number)), lines, where)
    case 'status':
      return sum(lines.map((line) => compareProgress(player.node(Number(number)), line, compared, where)))
    default:
      return compareHardStates(player, each, compared, where)
  }
}

/**
 * The members that each node said last, once all is settled. Whoever left is not told that its change
 * has ended: here members are in force as soon as their entry is appended. @returns how many nodes
 * were compared
 */
export function compareMembers(player: Player, cases: readonly Case[]): number {
  const said = new Map<number, string>()
  for (const { expected } of cases)
    for (const [, number, members = ''] of expected.matchAll(/INFO (\d+) switched to configuration (voters=.*)/g))
      said.set(Number(number), members)
  const last = [...said].filter(([number, members]) => new RegExp(`\\b${number}\\b`).test(members))
  for (const [number, members] of last)
    assert.equal(describe(player.node(number).core.state.members), members.replace(' autoleave', ''), `members at ${number}`)
  return last.length
}

function describe({ voters, outgoing, learners, learnersNext }: Membership): string {
  const list = (some: Membership['voters']): string =>
    `(${some
      .map((one) => numberOf(one))
      .sort((a, b) => a - b)
      .join(' ')})`
  return [
    `voters=${list(voters)}${outgoing.length > 0 ? `&&${list(outgoing)}` : ''}`,
    ...(learners.length > 0 ? [`learners=${list(learners)}`] : []),
    ...(learnersNext.length > 0 ? [`learners_next=${list(learnersNext)}`] : []),
  ].join(' ')
}

/** `1: StateLeader (Voter) Term:1 Lead:1` */
function compareRole(player: Player, line: string, { leader }: Compared, where: string): number {
  const [, number, role, isVoter, term, lead] = /^(\d+): (\w+) \((Voter|Non-Voter)\) Term:(\d+) Lead:(\d+)$/.exec(line) ?? []
  const { state } = player.node(Number(number)).core
  const ours = [ROLES[state.role], state.isVoter ? 'Voter' : 'Non-Voter', String(state.term)]
  assert.deepEqual(ours, [role, isVoter, term], `${where}: ${line}`)
  if (leader) assert.equal(state.leader === undefined ? 0 : numberOf(state.leader), Number(lead), `${where}: ${line}`)
  return 1
}

/** On disk. `1/12 EntryNormal "text"`, or one line that says that there is none. */
function compareLog(node: ScriptNode, lines: readonly string[], where: string): number {
  const ours = node.stored.entries.map(({ term, index, body }) => {
    const text = body.kind === 'command' ? new TextDecoder().decode(body.command) : ''
    return `${term}/${index} EntryNormal "${text}"`
  })
  assert.deepEqual(ours, lines[0]?.startsWith('log is empty') === true ? [] : lines, where)
  return 1
}

/** `3: StateReplicate match=11 next=14 inflight=2`. A snapshot under way has no next entry here. */
function compareProgress(node: ScriptNode, line: string, { indexes }: Compared, where: string): number {
  const [, number, state, match, next] = /^(\d+): (\w+) match=(\d+) next=(\d+)/.exec(line) ?? []
  const follower = [...(node.core.followers ?? [])].find(({ peer }) => numberOf(peer) === Number(number))
  assert(follower !== undefined, `${where}: no follower ${number}`)
  assert.equal(PROGRESS[follower.state], state, `${where}: ${line}`)
  if (indexes) assert.equal(follower.match, Number(match), `${where}: ${line}`)
  if (indexes && state !== 'StateSnapshot') assert.equal(follower.next, Number(next), `${where}: ${line}`)
  return 1
}

/** Of each node the last that the step says. A vote that we keep to ourselves is none. */
function compareHardStates(player: Player, { command, expected }: Case, { indexes }: Compared, where: string): number {
  const last = new Map<number, readonly number[]>()
  let number = Number(/^process-ready (\d+)$/.exec(command)?.[1] ?? 0)
  for (const line of expected.split('\n')) {
    number = Number(/^> (\d+) handling Ready/.exec(line)?.[1] ?? number)
    const [, term, vote = 0, commit] = /^\s*HardState Term:(\d+)(?: Vote:(\d+))? Commit:(\d+)/.exec(line) ?? []
    if (term !== undefined) last.set(number, [Number(term), Number(vote), Number(commit)])
  }
  for (const [each, [term, vote, commit]] of last) {
    const { state } = player.node(each).core
    assert.equal(state.term, term, `${where}: the term of ${each}`)
    if (indexes) assert.equal(state.commit, commit, `${where}: what is committed at ${each}`)
    if (state.vote !== undefined) assert.equal(numberOf(state.vote), vote, `${where}: the vote of ${each}`)
  }
  return last.size
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
