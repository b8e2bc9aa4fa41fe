/**
 * How long answers usually take, per cluster and kind of question: the 95th percentile of the last
 * replies. Who waits longer than that asks again by another way. It tunes impatience and decides
 * nothing else.
 */
import type { ClusterId } from '../base/identity.ts'

/** Replies remembered for each cluster and kind. */
const SAMPLES = 64
/** How many new replies pass before the percentile is worked out again. */
const REFRESH_SAMPLES = 16
/** Believed before there are samples. */
const USUAL_AT_FIRST_MS = 250
/** Below this a busy event loop, not the network, is what is measured. */
const USUAL_LEAST_MS = 25
const USUAL_MOST_MS = 2_000
const PERCENTILE = 0.95
/** Weight of the newest round trip in the running mean. */
const MEAN_WEIGHT = 0.2

class Samples {
  usualMs = USUAL_AT_FIRST_MS
  private readonly values = new Float64Array(SAMPLES)
  private added = 0

  add(valueMs: number): void {
    this.values[this.added % SAMPLES] = valueMs
    this.added += 1
    if (this.added % REFRESH_SAMPLES !== 0) return
    const sorted = this.values.slice(0, Math.min(this.added, SAMPLES)).sort()
    const atPercentile = sorted[Math.floor(sorted.length * PERCENTILE)] ?? USUAL_AT_FIRST_MS
    this.usualMs = Math.min(USUAL_MOST_MS, Math.max(USUAL_LEAST_MS, atPercentile))
  }
}

export class Latencies {
  private readonly byQuestion = new Map<string, Map<ClusterId, Samples>>()
  private meanMs = 1

  /** The mean time that a quorum took to answer. */
  get roundTripMs(): number {
    return this.meanMs
  }

  observeQuorum(elapsedMs: number): void {
    this.meanMs += (elapsedMs - this.meanMs) * MEAN_WEIGHT
  }

  observe(cluster: ClusterId, question: string, elapsedMs: number): void {
    this.samples(cluster, question).add(elapsedMs)
  }

  usualMs(cluster: ClusterId, question: string): number {
    return this.samples(cluster, question).usualMs
  }

  private samples(cluster: ClusterId, question: string): Samples {
    let byCluster = this.byQuestion.get(question)
    if (byCluster === undefined) this.byQuestion.set(question, (byCluster = new Map()))
    let samples = byCluster.get(cluster)
    if (samples === undefined) byCluster.set(cluster, (samples = new Samples()))
    return samples
  }
}
