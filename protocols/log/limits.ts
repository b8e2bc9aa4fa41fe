/** The bounds of one log. They are given, so that a simulation can meet each of them. */
export interface LogLimits {
  /** How often a leader is heard, in milliseconds. */
  readonly heartbeatMs: number
  /** Bytes of entries in one append, unless a single entry has more. */
  readonly appendBytesMax: number
  /** What is sent ahead to one follower: bytes, and appends. */
  readonly windowBytesMax: number
  readonly windowAppendsMax: number
  readonly commandBytesMax: number
  /**
   * What may be ordered and not committed, or committed and not applied: bytes, and entries. Beyond
   * it a leader is overloaded.
   */
  readonly pendingBytesMax: number
  readonly pendingEntriesMax: number
  /** Applied entries that are kept for whoever is a little behind. */
  readonly keptEntriesMin: number
  /**
   * What is kept at most for members that are further behind, in bytes. They get a snapshot beyond
   * it.
   */
  readonly keptBytesMax: number
  /** The election time of a log within one cluster, and of one spread over several. */
  readonly electionMs: number
  readonly spreadElectionMs: number
  /** A voter that its leader lacks for so long is replaced, in milliseconds. */
  readonly goneMs: number
  /** Between looks of a leader at where its voters are, in milliseconds. */
  readonly placedEveryMs: number
  /** Between checks of all contents, in milliseconds; 0 for none but those that are asked for. */
  readonly checkEveryMs: number
  /** In how many slices contents are compared: 256 at most. */
  readonly checkSlices: number
}

const KIB = 1_024
const MIB = 1_024 * KIB

export const LOG_LIMITS: LogLimits = {
  heartbeatMs: 100,
  appendBytesMax: 256 * KIB,
  windowBytesMax: 4 * MIB,
  windowAppendsMax: 64,
  commandBytesMax: MIB,
  pendingBytesMax: 32 * MIB,
  pendingEntriesMax: 10_000,
  keptEntriesMin: 10_000,
  keptBytesMax: 256 * MIB,
  electionMs: 1_000,
  spreadElectionMs: 3_000,
  goneMs: 600_000,
  placedEveryMs: 5_000,
  checkEveryMs: 600_000,
  checkSlices: 256,
}

/**
 * A store that refuses for so long costs its replica the lead, in milliseconds. One that has to be
 * filled looks for another than its leader's then.
 */
export const STALLED_LEADER_MS = 2_000
/**
 * A closed connection to the leader ends the time in which no other is voted for, after so many
 * milliseconds.
 */
export const LEADER_GONE_MS = 100
/**
 * When a voter that missed its leader so asks for votes: a random time up to this, in milliseconds.
 */
export const LEADER_GONE_TIMEOUT_MS = 300
/** How far the log's clock may be ahead of the median of its voters', in milliseconds. */
export const CLOCK_AHEAD_MAX_MS = 10_000
/** Entries that one append carries at most. */
export const ENTRIES_PER_APPEND_MAX = 4_096
/** Commands that one message carries at most. */
export const SUBMITS_PER_MESSAGE_MAX = 1_024
/** Results that one message carries at most: those of one batch of a store. */
export const RESULTS_PER_MESSAGE_MAX = 1_024
/** Numbers of one forwarder's submits that a leader remembers. Those below are refused. */
export const NUMBERS_KEPT_MAX = 10_000
/** Bytes of a wish for where voters are. */
export const PLACE_BYTES_MAX = 1_024
/** Bytes of a command's name. */
export const SUBMIT_ID_BYTES_MAX = 255
/** Bytes of what a check finds. */
export const CHECK_DIGEST_BYTES = 16
/** Bytes of the code that a store or a verdict gives. */
export const CODE_BYTES_MAX = 255
/** Bytes of the hash that a record of an order outside is known again by. */
export const RECORD_HASH_BYTES = 16
/** Bytes of a result in a message: what the table of outcomes keeps of it. */
export const RESULT_BYTES_MAX = 4_096
/** Voters that one list is read of, in bytes from anybody: more than a log has. */
export const VOTERS_READ_MAX = 64
/** Members of a log, learners too. */
export const MEMBERS_MAX = 1_024
