/**
 * Changes to the options of a seed, as text: `clusterSizes=1+2,crashEveryMs=never,lossRate=0.1`.
 * What is written here reads back exactly.
 */
import { Chance } from './chance.ts'
import { drawOptions } from './options.ts'
import type { Options } from './options.ts'

/** What is not as the seed draws it. */
export type Changes = Partial<Options>

/** Kinds of fault are given by the mean time between two, and may never come. */
const INTERVAL = /EveryMs$|^replaceAfterMs$/
const NEVER = 'never'
const PEERS_OF_CLUSTER_MAX = 9
const CLUSTERS_MAX = 9

/** @returns `name=value,name=value`; empty when nothing is changed */
export function describeChanges(changes: Changes): string {
  return Object.entries(changes)
    .map(([name, value]) => `${name}=${describeValue(value)}`)
    .join(',')
}

/**
 * @param text as `describeChanges` writes it
 * @throws Error when a name is no option or a value is none of its kind
 */
export function parseChanges(text: string): Changes {
  const known = new Map<string, unknown>(Object.entries(drawOptions(0, new Chance(0))))
  known.delete('seed')
  const parts = text.split(',').filter((part) => part !== '')
  const entries = parts.map((part) => {
    const [name = '', value = ''] = part.split('=')
    const sample = known.get(name)
    if (sample === undefined) throw new Error(`no option is called ${name}; there are ${[...known.keys()].join(', ')}`)
    const parsed = parseValue(name, sample, value)
    if (parsed === undefined) throw new Error(`${name} cannot be ${JSON.stringify(value)}`)
    return [name, parsed] as const
  })
  return Object.fromEntries(entries)
}

function describeValue(value: Options[keyof Options]): string {
  if (typeof value === 'object') return value.join('+')
  return value === Number.POSITIVE_INFINITY ? NEVER : String(value)
}

function parseValue(name: string, sample: unknown, text: string): Options[keyof Options] | undefined {
  if (typeof sample === 'boolean') return text === 'true' || text === 'false' ? text === 'true' : undefined
  if (typeof sample === 'object') return parseSizes(text)
  if (text === NEVER && INTERVAL.test(name)) return Number.POSITIVE_INFINITY
  const value = text === '' ? Number.NaN : Number(text)
  // A fault every 0 ms would let no time pass.
  return Number.isFinite(value) && value >= 0 && (value > 0 || !INTERVAL.test(name)) ? value : undefined
}

function parseSizes(text: string): number[] | undefined {
  const sizes = text.split('+').map(Number)
  const areGood = sizes.every((size) => Number.isInteger(size) && size >= 1 && size <= PEERS_OF_CLUSTER_MAX)
  return areGood && sizes.length <= CLUSTERS_MAX ? sizes : undefined
}
