/**
 * Plays a script of etcd's Raft upon our replicas, command by command. Where etcd is told what our
 * replicas decide by themselves, it is brought about: a campaign without a question before it is a
 * lead handed over, and what is forgotten of a leader is its closed connection.
 */
import { assert } from '../../../protocols/base/assert.ts'
import type { SubmitId } from '../../../protocols/log/entry.ts'
import { LEADER_GONE_MS } from '../../../protocols/log/limits.ts'
import type { MemberChange } from '../../../protocols/log/membership.ts'
import type { LogMessage } from '../../../protocols/log/message.ts'
import type { Case } from '../go-cases.ts'
import { ELECTION_TICKS, numberOf, peer, ScriptNode, TICK_MS } from './node.ts'
import type { Parcel } from './node.ts'

const APPENDS_AHEAD_MAX = 256
/** Rounds of messages after which nodes that go on and on are given up. */
const ROUNDS_MAX = 1_000
const NO_DEADLINE_MS = 1e12
const KINDS: Readonly<Record<string, LogMessage['kind']>> = { MsgApp: 'append' }

interface Change {
  readonly node: ScriptNode
  readonly changes: readonly MemberChange[]
}

export class Player {
  readonly nodes: ScriptNode[] = []
  private readonly cases: readonly Case[]
  private parcels: Parcel[] = []
  private asksFirst = false
  private isSticky = false
  /** A change waits here until its leader takes it. */
  private change: Change | undefined
  private lastClient = 0

  constructor(cases: readonly Case[]) {
    this.cases = cases
  }

  node(number: number): ScriptNode {
    const node = this.nodes[number - 1]
    assert(node !== undefined, `no node ${number}`)
    return node
  }

  play(each: Case): void {
    const [name = '', ...words] = each.command.split(/ (?![^(]*\))/)
    const options = new Map(words.filter((word) => word.includes('=')).map((word) => word.split('=') as [string, string]))
    const numbers = words.filter((word) => /^\d+$/.test(word)).map(Number)
    const nodes = numbers.filter((number) => number <= this.nodes.length).map((number) => this.node(number))
    const [first] = nodes
    switch (name) {
      case 'add-nodes':
        return this.add(numbers[0] ?? 0, options)
      case 'stabilize':
        return this.settle(nodes.length > 0 ? nodes : this.nodes)
      case 'process-ready':
        return nodes.forEach((node) => node.handleReady())
      case 'process-append-thread':
        return nodes.forEach((node) => node.workDisk())
      case 'process-apply-thread':
        return nodes.forEach((node) => node.workStore())
      case 'deliver-msgs':
        return this.deliver(numbers, listOf(options.get('drop')), KINDS[options.get('type') ?? ''])
      case 'campaign':
        return this.campaign(this.node(numbers[0] ?? 0))
      case 'propose':
        return this.propose(this.node(numbers[0] ?? 0), words.slice(1).join(' ').replaceAll('"', ''))
      case 'propose-conf-change':
        return this.proposeChange(this.node(numbers[0] ?? 0), each.input)
      case 'tick-heartbeat':
        return first?.tick(1)
      case 'tick-election':
        return first?.tick(ELECTION_TICKS)
      case 'report-unreachable':
        first?.step({ kind: 'disconnected', peer: peer(numbers[1] ?? 0) })
        return
      case 'forget-leader':
        return this.forgetLeader(this.node(numbers[0] ?? 0))
      case 'compact':
        return first?.compact(numbers[1] ?? 0)
      case 'send-snapshot':
        return first?.giveSnapshot(numbers[1] ?? 0)
      case 'transfer-leadership': {
        const [from, to] = [Number(options.get('from')), Number(options.get('to'))]
        this.node(from).step({ kind: 'transfer', client: (this.lastClient += 1), to: peer(to) })
        return
      }
      case 'log-level':
      case 'raft-log':
      case 'raft-state':
      case 'status':
      case 'set-randomized-election-timeout':
        return
      default:
        throw new Error(`a command that nobody knows: ${each.command}`)
    }
  }

  private add(count: number, options: ReadonlyMap<string, string>): void {
    this.asksFirst ||= options.get('prevote') === 'true'
    this.isSticky ||= options.get('checkquorum') === 'true'
    for (let left = count; left > 0; left -= 1) {
      const number = this.nodes.length + 1
      const init = {
        number,
        voters: listOf(options.get('voters')),
        learners: listOf(options.get('learners')),
        index: Number(options.get('index') ?? 0),
        isAsynchronous: options.get('async-storage-writes') === 'true',
        appendsAheadMax: Number(options.get('inflight') ?? APPENDS_AHEAD_MAX),
        patience: this.patienceOf(number),
      }
      this.nodes.push(new ScriptNode(init, (parcel) => this.post(parcel)))
    }
  }

  /** A script sets it at most once a node, so that it holds from the beginning. */
  private patienceOf(number: number): number {
    const set = this.cases.find(({ command }) => command.startsWith(`set-randomized-election-timeout ${number} `))
    const ticks = Number(set?.command.split('=')[1] ?? ELECTION_TICKS)
    return ticks / ELECTION_TICKS - 1
  }

  private post(parcel: Parcel): void {
    const isVote = parcel.kind === 'message' && parcel.message.kind === 'vote'
    // With CheckQuorum a voter that hears its leader refuses a campaign that nobody handed over.
    if (isVote && this.isSticky) this.parcels.push({ ...parcel, message: { ...parcel.message, isHanded: false } as LogMessage })
    else this.parcels.push(parcel)
  }

  private settle(nodes: readonly ScriptNode[]): void {
    for (let round = 0; this.settleOnce(nodes) || this.proposeAgain(nodes); round += 1)
      assert(round < ROUNDS_MAX, `they do not come to rest in ${ROUNDS_MAX} rounds`)
  }

  /** @returns true when anything was done */
  private settleOnce(nodes: readonly ScriptNode[]): boolean {
    let isAny = false
    const run = (isDue: (node: ScriptNode) => boolean, work: (node: ScriptNode) => void): void => {
      for (const node of nodes) {
        if (!isDue(node)) continue
        isAny = true
        work(node)
      }
    }
    run(
      (node) => node.hasReady,
      (node) => node.handleReady(),
    )
    run(
      (node) => this.parcels.some(({ to }) => to === node.number),
      (node) => this.deliver([node.number], [], undefined),
    )
    run(
      (node) => node.hasDiskWork,
      (node) => {
        while (node.hasDiskWork) node.workDisk()
      },
    )
    run(
      (node) => node.hasStoreWork,
      (node) => {
        while (node.hasStoreWork) node.workStore()
      },
    )
    return isAny
  }

  private deliver(numbers: readonly number[], dropped: readonly number[], kind: LogMessage['kind'] | undefined): void {
    for (const number of [...numbers, ...dropped]) {
      const isMeant = (parcel: Parcel): boolean => {
        if (parcel.to !== number) return false
        const isOwn = parcel.kind === 'message' && numberOf(parcel.message.from) === number
        if (dropped.includes(number) && isOwn) return false
        return kind === undefined || (parcel.kind === 'message' && parcel.message.kind === kind)
      }
      const meant = this.parcels.filter(isMeant)
      this.parcels = this.parcels.filter((parcel) => !isMeant(parcel))
      if (!dropped.includes(number)) for (const parcel of meant) this.node(number).receive(parcel)
    }
  }

  private campaign(node: ScriptNode): void {
    const { state } = node.core
    if (node.isLeader || !state.isVoter) return
    if (this.asksFirst) {
      // Without CheckQuorum a voter may be asked at any time.
      if (!this.isSticky) for (const other of this.nodes) if (!other.isLeader) other.nowMs += ELECTION_TICKS * TICK_MS
      return node.losePatience()
    }
    const from = state.leader ?? peer(this.nodes.length + 1)
    state.leader = from
    const { logId, generation, self } = state.settings
    node.step({ kind: 'message', message: { logId, generation, from, to: self, term: state.term, kind: 'transfer' } })
  }

  private propose(node: ScriptNode, text: string): void {
    const command = new TextEncoder().encode(text)
    const client = (this.lastClient += 1)
    // Commands at one moment would be gathered.
    node.nowMs += 1
    const submit = { client, submitId: `s${client}` as SubmitId, isNamedByClient: false, since: 0, command, deadlineMs: NO_DEADLINE_MS }
    node.step({ kind: 'submit', submits: [submit] })
  }

  private proposeChange(node: ScriptNode, input: string): void {
    const changes = input.split(/\s+/).flatMap(changeOf)
    if (changes.length === 0) return
    this.change = { node, changes }
    this.proposeAgain([node])
  }

  /** @returns true when it was taken. A leader that has not begun takes none yet */
  private proposeAgain(nodes: readonly ScriptNode[]): boolean {
    const { change } = this
    if (change === undefined || !nodes.includes(change.node)) return false
    const { node, changes } = change
    const client = (this.lastClient += 1)
    const effects = node.step({ kind: 'change', client, changes, wish: 'kept', isForced: true })
    const isRefused = effects.some((effect) => effect.kind === 'answer' && effect.answer.kind === 'not-changed')
    if (!isRefused) this.change = undefined
    return !isRefused
  }

  private forgetLeader(node: ScriptNode): void {
    const { leader } = node.core.state
    if (leader === undefined || node.isLeader) return
    node.step({ kind: 'disconnected', peer: leader })
    node.nowMs += LEADER_GONE_MS
  }
}

/** `(1,2,3)` or a lone number. */
function listOf(text: string = ''): number[] {
  return [...text.matchAll(/\d+/g)].map(([number]) => Number(number))
}

/** `v3`, `l3`, `r3`. */
function changeOf(token: string): MemberChange[] {
  const kind = { v: 'voter', l: 'learner', r: 'remove' }[token[0] ?? ''] as MemberChange['kind'] | undefined
  return kind === undefined ? [] : [{ kind, peer: peer(Number(token.slice(1))) }]
}
