/**
 * A stage whose config changes: joint configs that somebody proposes and completes, and lists that
 * are asked for while joint.
 */
import { writingClaim } from '../../protocols/agreement/coordinator.ts'
import type { Config } from '../../protocols/base/config.ts'
import { GROUPS, HASH_BYTES } from '../../protocols/base/hash-tree.ts'
import { identity } from '../../protocols/base/identity.ts'
import type { Incarnation } from '../../protocols/base/identity.ts'
import { configKey } from '../../protocols/base/register.ts'
import { configRecord } from '../../protocols/config/chain.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import type { PullQuestion } from '../../protocols/wire/pull-messages.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { check } from './checkers/violation.ts'
import { describeConfig } from './describe.ts'
import { Stage } from './stage.ts'
import type { Names } from './stage.ts'

const CHANGED_WITHIN_MS = 30_000

export class ChangingStage extends Stage {
  /**
   * Has the joint config decided that leads to `next`, starts the latecomers, who had no time to be
   * told anything before, and waits until the core has finished the change.
   *
   * @param driver who completes it, instead of whoever decided it
   * @throws Violation when it does not
   */
  change(next: Names, latecomers: readonly string[], driver?: string): void {
    const { epoch } = this.ledger.newest
    this.beginChange(next, latecomers, driver)
    for (const endMs = this.agenda.nowMs + CHANGED_WITHIN_MS; this.ledger.newest.epoch < epoch + 2 && this.agenda.nowMs < endMs;)
      this.run(0.25)
    check(this.ledger.newest.epoch === epoch + 2, 'L4', () => `the change ends in ${describeConfig(this.ledger.newest)}`)
  }

  /** Has the joint config decided, then starts the latecomers. */
  beginChange(next: Names, latecomers: readonly string[], driver?: string): void {
    const { epoch } = this.ledger.newest
    this.propose(next, driver === undefined)
    for (const endMs = this.agenda.nowMs + CHANGED_WITHIN_MS; this.ledger.newest.epoch === epoch && this.agenda.nowMs < endMs;)
      this.run(0.25)
    for (const peer of this.peers) if (latecomers.includes(peer.peerId)) this.startPeer(peer)
    if (driver !== undefined) this.peer(driver).act((core) => void (core['parts'].configs.change['ownEpoch'] = epoch + 1))
  }

  /** Has a voter propose the joint config that leads to `next`, and waits for nothing. */
  propose(next: Names, drivesItself = true): void {
    const driver = this.peers.find((peer) => peer.core?.isVoter === true)
    const config = driver?.core?.config
    if (driver === undefined || config === undefined) throw new Error('no voter to begin the change')
    const successor: Config = { ...config, epoch: config.epoch + 1, next: this.clusters(next) }
    driver.act((core) => {
      // Whoever decided the joint config completes it, at once.
      const settle = (): void => void (drivesItself && (core['parts'].configs.change['ownEpoch'] = successor.epoch))
      const claim = writingClaim(configRecord(this.codec, successor), driver.clockMs + CHANGED_WITHIN_MS, settle)
      core['parts'].agreement.coordinator.claim(configKey(successor.epoch), claim, false)
    })
  }

  /**
   * Waits until `from` asks `to` for a list, and kills `to` before it answers. @returns the number
   * of the question
   */
  killWhenAsked(from: string, to: string): number {
    const { lists } = this.witness
    const isIt = (list: { from: string; to: string }): boolean => list.from === from && list.to === to
    for (const endMs = this.agenda.nowMs + CHANGED_WITHIN_MS; !lists.some(isIt) && this.agenda.nowMs < endMs;) this.run(0.1)
    this.peer(to).crash()
    this.network.stopped(this.peer(to))
    this.lines.push(`-- ${to} is gone before it answers ${from}`)
    return lists.findLast(isIt)?.question.id ?? 0
  }

  /**
   * Whoever has taken the place of `from`, with an empty store, answers every question of `to` for
   * lists: with nothing.
   */
  answerFromEmptyStore(from: string, to: string): void {
    const other = identity(this.peer(from).peerId, 'e'.repeat(32) as Incarnation)
    for (const list of this.witness.lists) {
      if (list.from !== to || list.to !== from) continue
      const message = answerOfEmptyStore(list.question)
      this.peer(to).dispatch({ kind: 'message', from: other, round: 0, message })
    }
  }

  /** Whose lists a peer says it holds. */
  coveredBy(name: string): readonly string[] {
    return (
      this.peer(name)
        .core?.['parts'].repair.coveredSources()
        .map((source) => source.peerId) ?? []
    )
  }
}

/** What a store without a key answers. */
function answerOfEmptyStore(question: PullQuestion<RegisterKey>): Message {
  const { id } = question
  if (question.kind === 'doubts-wanted') return { kind: 'doubts', id, keys: [], more: false }
  if (question.kind === 'records-wanted') return { kind: 'records', id, records: [], keysDone: question.keys.length }
  if (question.kind === 'leaves-wanted') return { kind: 'leaves', id, entries: [], leavesDone: question.leaves.length, after: undefined }
  return { kind: 'hashes', id, group: question.group, hashes: new Uint8Array(GROUPS * HASH_BYTES) }
}
