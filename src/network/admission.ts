/**
 * Who may join now: whoever proves one of the secrets in force, and is named where names are given.
 * Both change while peers run.
 */
import type { PeerId } from '../../protocols/base/identity.ts'
import type { Secrets } from '../ports/secrets.ts'
import { isInForce } from './proof.ts'

/** Why a peer is disconnected that proved what holds no longer. */
export const STALE_PROOF = 'proved by a secret that is no longer in force'
/** Why one is that is not named. */
export const NOT_ADMITTED = 'not among those of -admit'

/** What a peer has shown of itself. */
interface Proved {
  readonly peerId: PeerId
  readonly provedBy: { readonly secret: Uint8Array | undefined } | undefined
}

export class Admission {
  secrets: Secrets
  /** Undefined: whoever has a secret. */
  admitted: ReadonlySet<PeerId> | undefined

  constructor(secrets: Secrets, admitted: ReadonlySet<PeerId> | undefined) {
    this.secrets = secrets
    this.admitted = admitted
  }

  /** True when only those who know a secret are members. */
  get isClosed(): boolean {
    return !this.secrets.includes(undefined)
  }

  /** True when nobody has a secret to show. */
  get isOpen(): boolean {
    return this.secrets.every((secret) => secret === undefined)
  }

  isNamed(peerId: PeerId): boolean {
    return this.admitted?.has(peerId) ?? true
  }

  isStale({ provedBy }: Proved): boolean {
    return !isInForce(this.secrets, provedBy)
  }

  /** Why a peer may not be connected; undefined when it may. */
  refusal(proved: Proved): string | undefined {
    if (!this.isNamed(proved.peerId)) return NOT_ADMITTED
    return this.isStale(proved) ? STALE_PROOF : undefined
  }
}
