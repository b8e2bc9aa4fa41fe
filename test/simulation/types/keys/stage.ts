/**
 * A stage for scenarios about keys: records laid out by hand, puts and gets at named peers, and
 * what each of them holds.
 */
import { acceptedWrite, ceilingWrite, chosenWrite } from '../../../../protocols/base/persist.ts'
import type { ValueRecord } from '../../../../protocols/base/record.ts'
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import type { Outcome } from '../../../../protocols/effects.ts'
import type { AcceptorRequest } from '../../../../protocols/wire/agreement-messages.ts'
import { sha256 } from '../../../../src/bytes.ts'
import { describeOutcome, describeRequest } from '../../describe.ts'
import { nameless } from '../../witness.ts'
import { ChangingStage } from '../../changing-stage.ts'

const GET_MS = 10_000

export class KeyStage extends ChangingStage {
  private lastClient = 0

  /** Lays an accepted record on a peer's disk: at the given round of epoch 0, by the given peer. */
  accepted(holder: string, key: RegisterKey, round: number, by: string, record: ValueRecord): void {
    const { disk } = this.peer(holder)
    disk.write(acceptedWrite(key, { ballot: { epoch: 0, round, by: this.peer(by).identity }, record }))
    // Whoever accepted had raised its ceiling long before.
    disk.write(ceilingWrite({ epoch: 0, round: 100 }))
    disk.syncAll()
  }

  /** Lays a chosen record on a peer's disk, accepted at round 1 of the first peer before. */
  chosen(holder: string, key: RegisterKey, record: ValueRecord): void {
    this.accepted(holder, key, 1, this.peers[0]?.peerId ?? '', record)
    const { disk } = this.peer(holder)
    disk.write(chosenWrite(key, record, this.codec.recordDigest(sha256, key, record)))
    disk.syncAll()
  }

  /** A commit arrives that another peer has sent: at this round of epoch 0. */
  commit(by: string, to: string, key: RegisterKey, round: number, record: ValueRecord): void {
    const ballot = { epoch: 0, round, by: this.peer(by).identity }
    this.ask(by, to, { kind: 'commit', key, ballot, record })
  }

  /** A reserve arrives, as in `commit`. */
  reserve(by: string, to: string, key: RegisterKey, round: number): void {
    this.ask(by, to, { kind: 'reserve', key, ballot: { epoch: 0, round, by: this.peer(by).identity } })
  }

  private ask(by: string, to: string, body: AcceptorRequest): void {
    this.lines.push(`${by} > ${to} ${nameless(describeRequest(body))}`)
    const message = { kind: 'request', id: 0, target: this.peer(to).identity, body } as const
    this.peer(to).dispatch({ kind: 'message', from: this.peer(by).identity, round: 0, message })
  }

  /** The voters of the units that offers are weighed by at a peer now. */
  unitsAt(name: string): readonly string[] {
    return this.peer(name).core?.chain.current?.units.flatMap(({ voters }) => voters.map(({ peerId }) => peerId)) ?? []
  }

  chosenByQuorum(key: RegisterKey): string | undefined {
    const record = this.keys.chosen(key)?.record
    return record === undefined ? undefined : valueText(record)
  }

  heldChosen(name: string, key: RegisterKey): string | undefined {
    const record = this.peer(name).disk.read(key)?.chosen
    return record === undefined ? undefined : valueText(record)
  }

  /** What is on a peer's disk of the key that it accepted, and does not know to be chosen. */
  heldAccepted(name: string, key: RegisterKey): string | undefined {
    const record = this.peer(name).disk.readSynced(key)?.accepted?.record
    return record === undefined ? undefined : valueText(record)
  }

  /** Which of these peers would show a record as chosen after a loss of power now. */
  keepingChosen(names: readonly string[], key: RegisterKey): readonly string[] {
    return names.filter((name) => this.peer(name).disk.readSynced(key)?.chosen !== undefined)
  }

  /** A put that is only begun. @returns its number, for `outcome` */
  beginPut(name: string, key: RegisterKey, record: ValueRecord, timeoutMs: number): number {
    this.lastClient += 1
    const client = this.lastClient
    const peer = this.peer(name)
    peer.dispatch({ kind: 'put', client, key, ...record, writeIdGiven: false, deadlineMs: peer.clockMs + timeoutMs })
    return client
  }

  /** A put. @returns what came of it */
  put(name: string, key: RegisterKey, record: ValueRecord, timeoutMs: number = GET_MS): string {
    const outcome = this.await(this.beginPut(name, key, record, timeoutMs), timeoutMs)
    this.lines.push(`put at ${name}: ${outcome?.kind}`)
    return outcome?.kind ?? 'nothing'
  }

  /**
   * Answers that were long under way arrive: to every question of this peer about these keys, as if
   * the others knew nothing.
   */
  answerLate(name: string, keys: readonly RegisterKey[]): void {
    const { epoch } = this.ledger.newest
    for (const { from, to, id, key } of this.witness.asked) {
      if (from !== name || to === name || !keys.includes(key)) continue
      const sender = this.peer(to).identity
      const vote = { sender, body: { kind: 'seen', epoch, accepted: undefined } } as const
      this.peer(name).dispatch({ kind: 'message', from: sender, round: 0, message: { kind: 'reply', id, vote } })
    }
  }

  /** A linearizable get that is only begun. @returns its number, for `outcome` */
  beginGet(name: string, key: RegisterKey, timeoutMs: number): number {
    this.lastClient += 1
    const client = this.lastClient
    const peer = this.peer(name)
    peer.dispatch({ kind: 'get', client, key, consistency: 'linearizable', waitUntilMs: undefined, deadlineMs: peer.clockMs + timeoutMs })
    return client
  }

  outcome(client: number): string {
    return this.witness.outcomes.get(client)?.kind ?? 'nothing yet'
  }

  /** Has a peer finish a key, as it does with what it holds in doubt. */
  finish(name: string, key: RegisterKey): void {
    const settled: boolean[] = []
    this.peer(name).act((core) => core['parts'].agreement.finisher.finish(key, (done) => settled.push(done)))
    for (const endMs = this.agenda.nowMs + GET_MS; settled.length === 0 && this.agenda.nowMs < endMs;) this.run(0.25)
    this.run(30)
    this.lines.push(`${name} has finished ${key}`)
  }

  /** A linearizable get. @returns the value found, or what else came of it */
  get(name: string, key: RegisterKey, timeoutMs: number): string {
    const outcome = this.await(this.beginGet(name, key, timeoutMs), timeoutMs)
    this.lines.push(`get at ${name}: ${outcome === undefined ? 'nothing' : describeOutcome(outcome)}`)
    return outcome?.kind === 'found' ? valueText(outcome.record) : (outcome?.kind ?? 'nothing')
  }

  /** What gets show at every peer, each thing once. */
  getEverywhere(key: RegisterKey): string[] {
    return [...new Set(this.peers.map((peer) => this.get(peer.peerId, key, GET_MS)))]
  }

  /** Lets time pass until the request is answered, or a little longer than it may take. */
  private await(client: number, timeoutMs: number): Outcome | undefined {
    const { outcomes } = this.witness
    for (const endMs = this.agenda.nowMs + timeoutMs + 100; !outcomes.has(client) && this.agenda.nowMs < endMs;) this.run(1)
    return outcomes.get(client)
  }
}

function valueText(record: ValueRecord): string {
  return String.fromCodePoint(...record.value)
}

/** A record that holds a text. */
export function text(value: string): ValueRecord {
  return {
    writeId: `w-${value}`,
    value: Uint8Array.from(value, (letter) => letter.charCodeAt(0)),
    contentType: 'text/plain',
    writtenAtMs: 0,
  }
}
