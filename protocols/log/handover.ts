/**
 * The lead given to another: new commands wait, the other catches up, then it campaigns at once.
 * Given up after an election time. A leader whose store refuses hands over by itself.
 */
import type { Identity } from '../base/identity.ts'
import type { LogClient } from './events.ts'
import type { Follower, Followers } from './followers.ts'
import type { Intake } from './intake.ts'
import { STALLED_LEADER_MS } from './limits.ts'
import { isVoter } from './membership.ts'
import type { ReplicaState } from './state.ts'

interface Target {
  readonly client: LogClient | undefined
  readonly to: Identity
  readonly untilMs: number
  isTold: boolean
}

export class Handover {
  private readonly state: ReplicaState
  private readonly followers: Followers
  private readonly intake: Intake
  private readonly begun: () => void
  private target: Target | undefined

  /** @param begun told before anybody is asked to campaign */
  constructor(state: ReplicaState, followers: Followers, intake: Intake, begun: () => void) {
    this.state = state
    this.begun = begun
    this.followers = followers
    this.intake = intake
  }

  /** @param client who is answered; undefined when nobody asked */
  begin(client: LogClient | undefined, to: Identity): void {
    const { state } = this
    const answer = (kind: 'changed' | 'not-changed'): void => {
      if (client !== undefined) state.answer(client, kind === 'changed' ? { kind } : { kind, why: 'change-in-flight' })
    }
    if (to.id === state.self.id) return answer('changed')
    if (this.target !== undefined || !isVoter(state.members, to.id)) return answer('not-changed')
    this.target = { client, to, untilMs: state.nowMs + state.settings.electionMs, isTold: false }
    this.intake.hold()
    this.advance()
  }

  /** The target may have caught up. */
  advance(): void {
    const { target, state } = this
    if (target === undefined || target.isTold || this.followers.match(target.to.id) < state.tail.last.index) return
    target.isTold = true
    this.goTo(target.to)
  }

  /** That one is to campaign now. */
  goTo(to: Identity | undefined): void {
    this.begun()
    if (to !== undefined) this.state.send(to, { kind: 'transfer' }, 'nothing')
  }

  tick(): void {
    const { target, state } = this
    if (target !== undefined && target.untilMs <= state.nowMs) {
      this.target = undefined
      this.intake.release()
      if (target.client !== undefined) state.answer(target.client, { kind: 'not-changed', why: 'given-up' })
    }
    const { stalledSinceMs, nowMs } = state
    const isStuck = stalledSinceMs !== undefined && nowMs - stalledSinceMs >= STALLED_LEADER_MS
    if (!isStuck || this.target !== undefined) return
    const to = this.best(true)
    if (to !== undefined) this.begin(undefined, to)
  }

  /** The voter that is furthest among those in touch. @param isReady whose store serves */
  best(isReady: boolean): Identity | undefined {
    const { members, nowMs, self, settings } = this.state
    const isFit = ({ peer, heardMs, isStalled, lacksStore }: Follower): boolean =>
      peer.id !== self.id && isVoter(members, peer.id) && nowMs - heardMs < settings.electionMs && !(isReady && (isStalled || lacksStore))
    return [...this.followers.all()].filter(isFit).toSorted((a, b) => b.match - a.match)[0]?.peer
  }

  /** The lead ends here, by the other's campaign or for another reason. */
  end(): void {
    const { target } = this
    this.target = undefined
    if (target?.client === undefined) return
    this.state.answer(target.client, target.isTold ? { kind: 'changed' } : { kind: 'not-changed', why: 'given-up' })
  }
}
