/** The bounds of a replica of a log that Kafka orders. They are given, so that a simulation meets each. */
export interface KafkaLimits {
  /** Read and not applied: entries, and bytes of them. */
  readonly pendingEntriesMax: number
  readonly pendingBytesMax: number
  /** Outcomes that are remembered for whoever asks, besides those that the store knows. */
  readonly recentMax: number
  /** Verdicts on entries that are not applied yet. */
  readonly verdictsMax: number
  /** Requests of clients that are open. */
  readonly requestsMax: number
  /** A replica that is behind for so long answers nobody until it has caught up, in milliseconds. */
  readonly behindMs: number
  /** A request that waits longer is answered that it is in doubt, or unavailable, in milliseconds. */
  readonly requestMs: number
  /** Offsets of one stretch, of which replicas say what became of its entries. */
  readonly stretchLength: number
  /** Between tries to reach a broker, in milliseconds. */
  readonly retryMs: number
}

const MIB = 1_048_576

export const KAFKA_LIMITS: KafkaLimits = {
  pendingEntriesMax: 10_000,
  pendingBytesMax: 32 * MIB,
  recentMax: 10_000,
  verdictsMax: 1_000,
  requestsMax: 10_000,
  behindMs: 2_000,
  requestMs: 30_000,
  stretchLength: 1_024,
  retryMs: 500,
}

/** Bytes of rows in one answer; what is longer is cut, and says so. */
export const ANSWER_BYTES_MAX: number = MIB
/** The version of messages that is written, and the highest that is understood. */
export const MESSAGE_VERSION = 1
