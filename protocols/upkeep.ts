/**
 * When a peer looks at what is not urgent. Looks lie on a grid, so that what takes a time takes the
 * same time whoever else is busy; while all is at rest, the points at which nothing can be due are
 * passed over, for an idle peer is mostly looks.
 */

/** Between two points of the grid. */
const GRAIN_MS = 100
/**
 * Between looks while all is at rest: what may be seen a little later, as a promise that is old or
 * a nearer representative, waits for them.
 */
const REST_MS = 900

export class Upkeep {
  /** The next point of the grid, as it was at the last look or event. */
  private pointMs: number
  /** The look that is due next, at a point of the grid. */
  private dueAtMs: number

  constructor(nowMs: number) {
    this.pointMs = nowMs
    this.dueAtMs = nowMs
  }

  get atMs(): number {
    return this.dueAtMs
  }

  /**
   * Something happened: all is looked at as soon as the grid allows. A look that is overdue stays
   * so, and tells how late it is.
   */
  hurry(nowMs: number): void {
    if (nowMs >= this.dueAtMs) return
    this.pointMs = this.firstPoint(nowMs)
    this.dueAtMs = this.pointMs
  }

  /**
   * All was looked at.
   *
   * @param restUntilMs before this nothing is due, as far as time alone brings it; in the past
   * while anything is under way
   */
  onLooked(nowMs: number, restUntilMs: number): void {
    this.pointMs = nowMs + GRAIN_MS
    this.dueAtMs = this.firstPoint(Math.min(restUntilMs, nowMs + REST_MS))
  }

  private firstPoint(fromMs: number): number {
    return this.pointMs + Math.max(0, Math.ceil((fromMs - this.pointMs) / GRAIN_MS)) * GRAIN_MS
  }
}
