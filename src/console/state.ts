/** What the page knows and shows, as one value that is replaced and never changed. */
import type { Config, PeerRow, Status } from '../client/client.ts'
import type { Sample } from './history.ts'

export const VIEWS = ['network', 'keys', 'registers', 'sets', 'logs'] as const
export type View = (typeof VIEWS)[number]

/** What the peer that is asked last said of the network. */
export interface Network {
  readonly status: Status
  readonly peers: readonly PeerRow[]
  /** Asked for while a change is in flight. */
  readonly config: Config | undefined
  /** By the clock of this browser. */
  readonly atMs: number
}

/** Why nothing is known, or no longer. */
export type Trouble =
  /** The peer asks for a token, or for another one. */
  | { readonly kind: 'token'; readonly detail: string }
  /** It may not be told to whoever has this token. */
  | { readonly kind: 'forbidden'; readonly detail: string }
  | { readonly kind: 'silent'; readonly sinceMs: number }

export interface State {
  readonly view: View
  readonly network: Network | undefined
  readonly trouble: Trouble | undefined
  readonly samples: readonly Sample[]
  readonly hasToken: boolean
  /** The token is being asked for, because somebody wished to give one. */
  readonly asksToken: boolean
  readonly nowMs: number
}

export const START: State = {
  view: 'network',
  network: undefined,
  trouble: undefined,
  samples: [],
  hasToken: false,
  asksToken: false,
  nowMs: 0,
}

/** The view that the part of the address after # names; the first one where it names none. */
export function viewOf(hash: string): View {
  return VIEWS.find((view) => hash === `#${view}`) ?? 'network'
}
