/** What a peer offers to whoever wants to be told of keys as they become known here. */

export interface Feed {
  /**
   * Of the oldest event that is remembered, and of the next one to come. Events are numbered in the
   * order in which they came.
   */
  readonly first: number
  readonly next: number
  /** The key of an event that is remembered. */
  keyAt(position: number): string
  /** Text to go on from: before the event at a position. It holds at this peer until its end. */
  cursorAt(position: number): string
  /**
   * @returns undefined when the cursor is none of this peer, or what follows it is remembered no
   * more
   */
  positionOf(cursor: string): number | undefined
  /** Calls for each key, once it is on disk. @returns ends it */
  follow(told: () => void): () => void
}
