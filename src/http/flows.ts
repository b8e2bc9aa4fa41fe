/**
 * Cuts bodies and answers that move too slowly. Bytes that stand still hold memory, and a place
 * that somebody else could have; a client that sends or reads nothing does so for free.
 */

/** Between looks at all that moves. */
const LOOK_MS = 1_000
/** A flow is judged over so many looks. */
const LOOKS = 10
/** Less than this over those looks is too little: 1 kB a second. */
const BYTES_MIN = 10_000

/** A body that arrives, or an answer that leaves. */
export interface Flow {
  /** So far; undefined while it is not its turn to move. */
  readonly movedBytes: number | undefined
  /** It was too slow. Called once. */
  cut(): void
}

export class Flows {
  /** Each with what it had moved at the last looks, a ring. */
  readonly #flows = new Map<Flow, Ring>()
  readonly #lookMs: number
  #timer: NodeJS.Timeout | undefined

  /** @param lookMs shorter for tests */
  constructor(lookMs: number = LOOK_MS) {
    this.#lookMs = lookMs
  }

  /** Judges a flow from now on. */
  add(flow: Flow): void {
    this.#flows.set(flow, { marks: undefined, looks: 0 })
    this.#timer ??= setInterval(() => this.#look(), this.#lookMs).unref()
  }

  delete(flow: Flow): void {
    this.#flows.delete(flow)
  }

  #look(): void {
    for (const [flow, ring] of this.#flows) {
      const { movedBytes } = flow
      if (movedBytes === undefined) {
        ring.looks = 0
      } else if (isTooSlow(ring, movedBytes)) {
        this.#flows.delete(flow)
        flow.cut()
      }
    }
    if (this.#flows.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

interface Ring {
  /** Made at the first look: most flows end before. */
  marks: Float64Array | undefined
  looks: number
}

/** Whether the bytes moved since the oldest mark are too few; replaces it by the newest. */
function isTooSlow(ring: Ring, movedBytes: number): boolean {
  const marks = (ring.marks ??= new Float64Array(LOOKS))
  const index = ring.looks % LOOKS
  const isJudged = ring.looks >= LOOKS
  const before = marks[index] as number
  marks[index] = movedBytes
  ring.looks += 1
  return isJudged && movedBytes - before < BYTES_MIN
}
