/**
 * How often a number was how large, for Prometheus. It is kept in plain arrays and put into the
 * registry's form only when somebody asks: a histogram of the metrics library costs more for each
 * number than what is measured.
 */
import type { Metric, Registry } from 'prom-client'

/** A line that the registry prints. */
export interface Sample {
  readonly value: number
  readonly labels: Readonly<Record<string, string>>
  /** The metric's own name unless given. */
  readonly metricName?: string
}

export class Distribution {
  readonly #bounds: readonly number[]
  /** By bucket, each number in one; the last is for larger ones. */
  readonly #counts: Float64Array
  #sum = 0

  /** @param bounds of the buckets, from the lowest to the highest */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  /** How many numbers were added. */
  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }

  add(value: number): void {
    let bucket = 0
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] as number)) bucket += 1
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#sum += value
  }

  /** The lines of a histogram of this name. */
  *samples(name: string, labels: Sample['labels'] = {}): Generator<Sample> {
    let upTo = 0
    for (const [index, bound] of this.#bounds.entries()) {
      upTo += this.#counts[index] as number
      yield { value: upTo, labels: { ...labels, le: String(bound) }, metricName: `${name}_bucket` }
    }
    const { count } = this
    yield { value: count, labels: { ...labels, le: '+Inf' }, metricName: `${name}_bucket` }
    yield { value: this.#sum, labels, metricName: `${name}_sum` }
    yield { value: count, labels, metricName: `${name}_count` }
  }
}

/**
 * Registers a metric whose lines are worked out when they are asked for. The library's type asks
 * for more than it uses.
 */
export function registerSamples(
  registry: Registry,
  name: string,
  help: string,
  type: 'counter' | 'histogram',
  samples: () => Iterable<Sample>,
): void {
  const metric = {
    name,
    help,
    type,
    aggregator: 'sum',
    get: async () => ({ name, help, type, aggregator: 'sum', values: [...samples()] }),
    reset: () => undefined,
  }
  registry.registerMetric(metric as unknown as Metric)
}
