/**
 * What a peer offers of its sets to whoever speaks to clients: HTTP, the port of `-lww`, what keeps
 * them in Redis.
 */
import type { SetAnswer, SetRequest } from '../../protocols/sets/requests.ts'

/** The requests of a kind; several kinds may share one shape. */
export type SetRequestOf<Kind extends SetRequest['kind']> = OfKind<SetRequest, Kind>
type OfKind<Request extends SetRequest, Kind> = Request extends SetRequest
  ? Kind extends Request['kind']
    ? Omit<Request, 'kind'> & { readonly kind: Kind }
    : never
  : never
export type SetAnswerOf<Kind extends SetAnswer['kind']> = Extract<SetAnswer, { readonly kind: Kind }>

type Refused = SetAnswerOf<'not-ready'>
type Changed = SetAnswerOf<'stored' | 'in-doubt' | 'clock-off' | 'too-many-sets'> | Refused

/** What each request may be answered. */
export interface SetAnswersOf {
  readonly insert: Changed
  readonly delete: Changed
  readonly update: Changed | SetAnswerOf<'bad-stamp'>
  readonly members: SetAnswerOf<'members' | 'no-set'>
  readonly 'updates-since': SetAnswerOf<'updates' | 'no-set'>
  readonly 'updates-after': SetAnswerOf<'updates' | 'no-set' | 'cursor-gone'>
  readonly contains: SetAnswerOf<'contained' | 'no-set'>
  readonly list: SetAnswerOf<'sets'>
  readonly restore: SetAnswerOf<'stored' | 'too-many-sets'> | Refused
}

/** What a watcher is told: `changes` again and again; anything else once, and then nothing more. */
export type WatchAnswer = SetAnswerOf<'changes' | 'cursor-gone' | 'no-set'>

export interface Sets {
  /**
   * @param timeoutMs how long it may wait to be where it asks to be
   * @param signal the client hung up
   * @throws never: what the world can do is an answer
   */
  ask<Kind extends keyof SetAnswersOf>(request: SetRequestOf<Kind>, timeoutMs: number, signal?: AbortSignal): Promise<SetAnswersOf[Kind]>
  /** @param told is never called before this returns @returns what ends it */
  watch(request: SetRequestOf<'watch'>, told: (answer: WatchAnswer) => void): () => void
}
