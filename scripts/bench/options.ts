/** What the bench is asked to do. */
import { parseArgs } from 'node:util'
import { KEY_WORKLOADS, REGISTER_WORKLOADS } from './wrk.ts'
import type { Workload } from './wrk.ts'

export const AGAINST = ['etcd', 'nats'] as const
export type Against = (typeof AGAINST)[number]

/** From the workloads on, what is measured on its own. */
export type Part =
  | Workload
  | 'clusters'
  | 'stages'
  | 'killed'
  | 'catch-up'
  | 'start'
  | 'watches'
  | 'wan'
  | 'growth'
  | 'import'
  | 'backup'
  | 'logs'
export const PARTS: readonly Part[] = [
  ...KEY_WORKLOADS,
  ...REGISTER_WORKLOADS,
  'clusters',
  'stages',
  'killed',
  'catch-up',
  'start',
  'watches',
  'wan',
  'growth',
  'import',
  'backup',
  'logs',
]

export interface Options {
  readonly parts: ReadonlySet<Part>
  readonly against: readonly Against[]
  readonly connections: readonly number[]
  readonly seconds: number
  readonly runs: number
  /** Keys stored before gets are measured. */
  readonly stored: number
  /** Keys of the peer whose start is measured. */
  readonly startKeys: number
  /** Keys that a peer catches up on. */
  readonly missedKeys: number
  /** Peers of the largest network that growth is measured at. */
  readonly peersMax: number
  /** Lines that are imported; of keys that are backed up there are a tenth as many. */
  readonly lines: number
  readonly soakSeconds: number | undefined
  readonly json: string | undefined
  /** A JSON file of an earlier run, to be printed instead of measuring. */
  readonly from: string | undefined
  readonly markdown: boolean
}

export const USAGE: string = `npm run bench -- [options]
  --against etcd,nats      measure these beside us, in turns (etcd is built where Go is there; else
                           Debian: apt-get install etcd-server nats-server)
  --only PART,…            ${PARTS.join(', ')}
  --connections N,…        1,16,64,256
  --seconds N --runs N     how long each run lasts, and how many there are of each; 5 and 3
                           of registers: overwrites, reads, swaps (compare-and-sets), hot (one register); not beside nats
  --quick                  short runs of everything, below 2 minutes
  --start-keys N           keys of the peer whose start is measured; 1000000
  --missed-keys N          keys that a peer catches up on; 100000
  --lines N                lines of import, a tenth as many keys of backup; 1000000
  --soak SECONDS           instead: load at two thirds of the peak for so long
  --wan, --growth          instead: what puts and gets take over long distances; what a growing network costs
  --json FILE --markdown   write all figures to a file; print the tables as markdown
  --from FILE              print the tables of such a file, and measure nothing`

const NUMBERS = {
  seconds: 5,
  runs: 3,
  'stored-keys': 20_000,
  'start-keys': 1_000_000,
  'missed-keys': 100_000,
  'peers-max': 1_000,
  lines: 1_000_000,
} as const
const QUICK = {
  seconds: 2,
  runs: 1,
  'stored-keys': 2_000,
  'start-keys': 20_000,
  'missed-keys': 5_000,
  'peers-max': 100,
  lines: 20_000,
} as const
const ONLY_WHERE_NAMED: readonly Part[] = [...REGISTER_WORKLOADS, 'watches', 'wan', 'growth', 'import', 'backup', 'logs']
const MEASURED_BY_DEFAULT = PARTS.filter((part) => !ONLY_WHERE_NAMED.includes(part))

/** @throws TypeError when an argument is wrong */
export function parseOptions(parameters: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      against: { type: 'string', multiple: true, default: [] },
      only: { type: 'string', multiple: true, default: [] },
      connections: { type: 'string', multiple: true, default: [] },
      seconds: { type: 'string' },
      runs: { type: 'string' },
      'stored-keys': { type: 'string' },
      'start-keys': { type: 'string' },
      'missed-keys': { type: 'string' },
      'peers-max': { type: 'string' },
      lines: { type: 'string' },
      quick: { type: 'boolean', default: false },
      soak: { type: 'string' },
      wan: { type: 'boolean', default: false },
      growth: { type: 'boolean', default: false },
      json: { type: 'string' },
      from: { type: 'string' },
      markdown: { type: 'boolean', default: false },
    },
  })
  const defaults = values.quick ? QUICK : NUMBERS
  const numberOf = (name: keyof typeof NUMBERS): number => (values[name] === undefined ? defaults[name] : whole(name, values[name]))
  const named = [
    ...oneOf('only', values.only, PARTS),
    ...(values.wan ? (['wan'] as const) : []),
    ...(values.growth ? (['growth'] as const) : []),
  ]
  const against = oneOf('against', values.against, AGAINST)
  const ofRegisters = REGISTER_WORKLOADS.filter((workload) => named.includes(workload))
  if (ofRegisters.length > 0 && against.includes('nats')) throw new TypeError(`${ofRegisters.join(', ')} cannot be measured beside nats`)
  const connections = listOf(values.connections).map((text) => whole('connections', text))
  return {
    parts: new Set(named.length > 0 ? named : MEASURED_BY_DEFAULT),
    against,
    connections: connections.length > 0 ? connections : values.quick ? [64] : [1, 16, 64, 256],
    seconds: numberOf('seconds'),
    runs: numberOf('runs'),
    stored: numberOf('stored-keys'),
    startKeys: numberOf('start-keys'),
    missedKeys: numberOf('missed-keys'),
    peersMax: numberOf('peers-max'),
    lines: numberOf('lines'),
    soakSeconds: values.soak === undefined ? undefined : whole('soak', values.soak),
    json: values.json,
    from: values.from,
    markdown: values.markdown,
  }
}

/** The workloads among the parts. */
export function workloadsOf(parts: ReadonlySet<Part>): readonly Workload[] {
  return [...KEY_WORKLOADS, ...REGISTER_WORKLOADS].filter((workload) => parts.has(workload))
}

function listOf(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(',')).filter((value) => value !== '')
}

function oneOf<Name extends string>(flag: string, values: readonly string[], names: readonly Name[]): Name[] {
  return listOf(values).map((value) => {
    const found = names.find((name) => name === value)
    if (found === undefined) throw new TypeError(`--${flag} takes ${names.join(', ')}; not ${value}`)
    return found
  })
}

function whole(name: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new TypeError(`--${name} takes a whole number above 0, not ${text}`)
  return Number(text)
}
