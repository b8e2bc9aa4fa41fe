import type { ClusterId, PeerId } from './identity.ts'

/** What an operator asks for; all of it is one change. */
export interface ChangeRequest {
  /** Peers that should vote. A bar on them, and on their cluster, is lifted. */
  readonly add: readonly PeerId[]
  /**
   * Peers that should vote no more, nor be given a vote by growth; they may be learners, and may be
   * dead.
   */
  readonly remove: readonly PeerId[]
  /** A cluster that should vote no more, nor be given votes by growth. */
  readonly removeCluster: ClusterId | undefined
  /**
   * Begin it though no quorum of the new voters answers now; it is withdrawn all the same when they
   * stay away.
   */
  readonly force: boolean
  /** Take back the change that is in flight; nothing else can be asked for with it. */
  readonly withdraw: boolean
}
