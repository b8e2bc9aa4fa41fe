/** What a peer offers of its registers to whoever speaks to clients. */
import type {
  ListAnswer,
  ListRequest,
  ReadAnswer,
  ReadRequest,
  WatchAnswer,
  WatchRequest,
  WriteAnswer,
  WriteRequest,
} from '../../protocols/registers/requests.ts'

export interface Registers {
  /** A name for a write whose client gave it none. */
  newWriteId(): string
  /**
   * @param timeoutMs how long it may try
   * @param signal the client hung up
   * @throws never: what the world can do is an answer
   */
  write(request: WriteRequest, timeoutMs: number, signal: AbortSignal): Promise<WriteAnswer>
  /** The same for a read. @param timeoutMs for the quorum, where one is asked */
  read(request: ReadRequest, timeoutMs: number, signal: AbortSignal): Promise<ReadAnswer>
  /** What this peer holds. */
  list(request: ListRequest): Promise<ListAnswer>
  /** @param told is never called before this returns */
  watch(request: WatchRequest, told: (answer: WatchAnswer) => void): Watching
}

/** A watch that goes on. */
export interface Watching {
  /**
   * The client has taken so many bytes of events, as `watchedBytes` counts them: what it has not
   * taken is bounded.
   */
  taken(bytes: number): void
  end(): void
}
