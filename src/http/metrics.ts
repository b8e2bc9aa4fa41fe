/**
 * Counts and durations of requests. They are kept in plain arrays and put into the registry's form
 * only when somebody asks: a labelled counter of the metrics library costs more for each request
 * than finding the key does.
 */
import type { Registry } from 'prom-client'
import { Distribution, registerSamples } from '../distribution.ts'
import type { Sample } from '../distribution.ts'
import type { Load } from './load.ts'
import { noCuts, registerLoad } from './load-metrics.ts'
import type { Cuts } from './load-metrics.ts'
import { noRefusals, registerRefusals } from './refusal-metrics.ts'
import type { Refusals } from './refusal-metrics.ts'

/** Upper bounds of the duration buckets. */
const BUCKET_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const
const DURATION = 'replicator_http_request_duration_seconds'
const METHODS = ['GET', 'HEAD', 'PUT', 'POST'] as const
const STATUS_CLASSES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'] as const

interface Series {
  readonly route: string
  readonly method: string
  /** By the hundreds of the status; 0: the client was gone before there was one. */
  readonly counts: Float64Array
  readonly seconds: Distribution
}

export class HttpMetrics {
  /** Added to by whoever cuts. */
  readonly cuts: Cuts = noCuts()
  /** Added to by whoever refuses in front of a route. */
  readonly refusals: Refusals = noRefusals()
  readonly #series = new Map<string, Series[]>()

  constructor(registry: Registry, load: Load) {
    const requests = 'HTTP requests answered, by route, method and class of status'
    registerSamples(registry, 'replicator_http_requests_total', requests, 'counter', () => this.#counts())
    const durations = 'Time from the head of a request to the end of its answer'
    registerSamples(registry, DURATION, durations, 'histogram', () => this.#durations())
    registerLoad(registry, load, this.cuts)
    registerRefusals(registry, this.refusals)
  }

  /**
   * Counts one request.
   *
   * @param route the pattern of its path, of which there are few; never the path itself
   * @param status of its answer, or 0 when the client was gone before
   */
  observe(route: string, method: string | undefined, status: number, durationMs: number): void {
    const series = this.#of(route, method)
    const statusClass = Math.trunc(status / 100)
    series.counts[statusClass] = (series.counts[statusClass] ?? 0) + 1
    series.seconds.add(durationMs / 1000)
  }

  #of(route: string, method: string | undefined): Series {
    let methods = this.#series.get(route)
    if (methods === undefined) {
      methods = [...METHODS, 'other'].map((name) => ({
        route,
        method: name,
        counts: new Float64Array(STATUS_CLASSES.length),
        seconds: new Distribution(BUCKET_SECONDS),
      }))
      this.#series.set(route, methods)
    }
    const index = method === 'GET' ? 0 : method === 'HEAD' ? 1 : method === 'PUT' ? 2 : 3
    return methods[index] as Series
  }

  *#counts(): Generator<Sample> {
    for (const { route, method, counts } of [...this.#series.values()].flat()) {
      for (const [index, status] of STATUS_CLASSES.entries()) {
        const value = counts[index] as number
        if (value > 0) yield { value, labels: { route, method, status } }
      }
    }
  }

  *#durations(): Generator<Sample> {
    for (const { route, method, seconds } of [...this.#series.values()].flat()) {
      if (seconds.count > 0) yield* seconds.samples(DURATION, { route, method })
    }
  }
}
