/**
 * What an attack is: something a stranger does to one peer of three, and what it looks at itself.
 * That no peer ends, stalls, grows or is missed is watched beside every attack (`watch.ts`), and
 * not said again in each.
 */

/**
 * `secret`: three peers that share a secret. `open`: three without one. `alone`: the attack starts
 * what it needs.
 */
export type Surroundings = 'secret' | 'open' | 'alone'

/** One thing that was looked at. */
export interface Finding {
  readonly seen: string
  /** False: it is not as it must be. */
  readonly held: boolean
}

/** One peer under attack, as plain data. */
export interface TargetPeer {
  readonly httpPort: number
  readonly libp2pPort: number
  readonly peerId: string
  /** Its multiaddr. */
  readonly address: string
  readonly processId: number
  /** Its data directory. */
  readonly directory: string
  readonly logPath: string
}

/** What is under attack, as plain data. `peers` is empty for an attack that is alone. */
export interface Target {
  /** The checkout whose peers run. */
  readonly root: string
  readonly networkId: string
  readonly secretPath: string | undefined
  readonly peers: readonly TargetPeer[]
  /**
   * An address of this machine that nobody else comes from: the attacker is then told apart from
   * the clients.
   */
  readonly source: string
}

/** What an attack works with. */
export interface Scene extends Target {
  /** The peer that it goes for. */
  readonly victim: TargetPeer
  /** The attack is at its height: a newcomer joins now. Resolves when it has, or could not. */
  readonly pressing: () => Promise<void>
  /**
   * Ends a peer in order, and starts it again with the same lines. By their place among `peers`.
   */
  readonly stop: (index: number) => Promise<void>
  readonly start: (index: number) => Promise<void>
}

export interface Attack {
  /** Of the table in docs/security.md. */
  readonly row: number
  readonly name: string
  readonly against: readonly Surroundings[]
  /** A few requests and no pressure: nobody tries to join meanwhile. */
  readonly isBrief?: boolean
  /** Places among the peers that it stops itself: those are not watched. */
  readonly stops?: readonly number[]
  run(scene: Scene): Promise<readonly Finding[]>
}

export function finding(held: boolean, seen: string): Finding {
  return { held, seen }
}
