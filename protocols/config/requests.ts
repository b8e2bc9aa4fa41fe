/**
 * Operators' requests: from what is asked for to a true answer. A request is planned on the newest
 * config, proposed, and followed through the chain. Where another change is in flight or comes
 * first, it waits and is planned anew; so two operators at once both learn what came of theirs, and
 * the network has one chain.
 */
import type { IdentityId } from '../base/identity.ts'
import { configKey } from '../base/register.ts'
import type { ChangeOutcome } from '../effects.ts'
import type { ClientId, CoreEvent } from '../events.ts'
import { finishingClaim } from '../agreement/coordinator.ts'
import { equalRecords } from '../base/record.ts'
import { configRecord } from './chain.ts'
import { WITHDRAW_AFTER_MS } from './change.ts'
import type { Change, ChangeContext, Decision } from './change.ts'
import type { Config } from '../base/config.ts'
import { describeSilent, planChange } from './plan.ts'
import type { Plan } from './plan.ts'
import { holdsMajority } from '../base/quorum.ts'
import { finishedAfter, jointAfter, withdrawnAfter } from './successors.ts'

type ChangeEvent = Extract<CoreEvent, { kind: 'change' }>

type Stage =
  | { readonly kind: 'planning' }
  /** A quorum is being asked, for the change or for whether there is anything newer. */
  | { readonly kind: 'asking' }
  /** Joint, by this request's plan. */
  | { readonly kind: 'joint'; readonly joint: Config }
  /** Over in this epoch; the voters are yet to say that they have installed it. */
  | { readonly kind: 'installing'; readonly epoch: number }

interface Asked {
  readonly event: ChangeEvent
  stage: Stage
  /** Why it has not begun yet. */
  waitingFor: string
}

export class ChangeRequests {
  private readonly context: ChangeContext
  private readonly change: Change
  private readonly asked = new Map<ClientId, Asked>()
  /** The latest epoch that each peer said it has on disk. */
  private readonly installed = new Map<IdentityId, number>()

  constructor(context: ChangeContext, change: Change) {
    this.context = context
    this.change = change
  }

  get size(): number {
    return this.asked.size
  }

  begin(event: ChangeEvent): void {
    this.asked.set(event.client, { event, stage: { kind: 'planning' }, waitingFor: '' })
    this.tick()
  }

  /** Nobody waits for the answer any more. */
  cancel(client: ClientId): void {
    this.asked.delete(client)
  }

  /**
   * A heartbeat says which epoch its sender has on disk; this peer's own comes by way of its disk
   * as well.
   */
  onInstalled(sender: IdentityId, epoch: number): void {
    if (this.asked.size > 0) this.installed.set(sender, Math.max(epoch, this.installed.get(sender) ?? -1))
  }

  tick(): void {
    for (const asked of this.asked.values()) {
      this.advance(asked)
      if (this.context.moment.nowMs >= asked.event.deadlineMs) this.expire(asked)
    }
    if (this.asked.size === 0) this.installed.clear()
  }

  private advance(asked: Asked): void {
    const { stage } = asked
    if (stage.kind === 'planning') this.plan(asked)
    else if (stage.kind === 'joint') this.follow(asked, stage.joint)
    else if (stage.kind === 'installing') this.await(asked, stage.epoch)
  }

  private plan(asked: Asked): void {
    const { chain, known } = this.context
    const config = chain.current?.config
    if (config === undefined) return
    const { isUp } = this.change
    this.carryOut(asked, config, planChange(config, asked.event.request, { peers: known(), isUp }))
  }

  private carryOut(asked: Asked, config: Config, plan: Plan): void {
    switch (plan.kind) {
      case 'refusal':
        return this.answer(asked, { kind: 'change-refused', detail: plan.detail })
      case 'wait':
        asked.waitingFor = plan.detail
        return
      case 'nothing':
        return this.confirm(asked, config)
      case 'change':
        return this.propose(asked, config, jointAfter(config, plan.next, plan.barred, plan.protocolMin))
      case 'withdrawal':
        return this.propose(asked, config, withdrawnAfter(config))
    }
  }

  private propose(asked: Asked, config: Config, successor: Config): void {
    asked.stage = { kind: 'asking' }
    asked.waitingFor = this.lackOfQuorum(config)
    this.change.propose(successor, asked.event.deadlineMs, (decision) => this.decided(asked, successor, decision))
  }

  private decided(asked: Asked, successor: Config, decision: Decision): void {
    if (decision === 'as proposed') {
      const { epoch } = successor
      asked.stage = successor.next === undefined ? { kind: 'installing', epoch } : { kind: 'joint', joint: successor }
    } else if (decision === 'in doubt') this.answer(asked, { kind: 'changing', epoch: successor.epoch })
    else if (decision === 'expired') this.notBegun(asked)
    else if (!asked.event.request.withdraw) asked.stage = { kind: 'planning' }
    else this.answer(asked, { kind: 'change-refused', detail: `too late: the change was finished in epoch ${successor.epoch}` })
  }

  /** All is as asked for in the config known here; a quorum is asked whether that is the newest. */
  private confirm(asked: Asked, config: Config): void {
    const { epoch } = config
    asked.stage = { kind: 'asking' }
    asked.waitingFor = this.lackOfQuorum(config)
    const claim = finishingClaim(asked.event.deadlineMs, (result) => {
      if (result.kind === 'empty') this.answer(asked, { kind: 'unchanged', epoch })
      else if (result.kind === 'chosen') asked.stage = { kind: 'planning' }
      else this.notBegun(asked)
    })
    this.context.coordinator.claim(configKey(epoch + 1), claim, true)
  }

  /** A joint config has two successors: the change as planned, or all as it was. */
  private follow(asked: Asked, joint: Config): void {
    const { chain, codec } = this.context
    const successor = chain.at(joint.epoch + 1)
    if (successor === undefined || joint.next === undefined) return
    const { epoch } = successor
    if (equalRecords(configRecord(codec, successor), configRecord(codec, finishedAfter(joint, joint.next)))) {
      asked.stage = { kind: 'installing', epoch }
      return this.await(asked, epoch)
    }
    const detail = `the change was withdrawn in epoch ${epoch}: by an operator, or because its new voters did not answer for at least ${WITHDRAW_AFTER_MS / 1000} s`
    this.answer(asked, { kind: 'change-refused', detail })
  }

  /**
   * Whoever was removed may be switched off only once a quorum of those that stay has the config on
   * disk.
   */
  private await(asked: Asked, epoch: number): void {
    const config = this.context.chain.at(epoch)
    if (config === undefined) return
    const isInstalled = holdsMajority(config.clusters, ({ id }) => (this.installed.get(id) ?? -1) >= epoch)
    if (isInstalled) this.answer(asked, { kind: 'changed', epoch })
  }

  private expire(asked: Asked): void {
    const { stage } = asked
    if (stage.kind === 'planning') this.notBegun(asked)
    else if (stage.kind === 'joint') this.answer(asked, { kind: 'changing', epoch: stage.joint.epoch })
    else if (stage.kind === 'installing') this.answer(asked, { kind: 'changing', epoch: stage.epoch })
    // What a quorum is being asked has its own end, at the same deadline.
  }

  private notBegun(asked: Asked): void {
    this.answer(asked, { kind: 'change-expired', detail: `nothing was done in time: ${asked.waitingFor}` })
  }

  private answer(asked: Asked, outcome: ChangeOutcome): void {
    const { client } = asked.event
    // Whoever cancelled, or has its answer, gets none.
    if (this.asked.get(client) !== asked) return
    this.asked.delete(client)
    this.context.outbox.answer(client, outcome)
  }

  private lackOfQuorum({ clusters }: Config): string {
    const silent = describeSilent(clusters, this.change.isUp)
    return silent === '' ? 'no quorum of the present voters answered' : `no quorum of the present voters answered: ${silent}`
  }
}
