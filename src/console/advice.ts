/**
 * What to do about a warning. Peers say what is wrong, and often what mends it; where they leave
 * that out, a row of this table adds it. Pure.
 */

export interface Warned {
  readonly text: string
  /** Undefined where the warning says itself what to do. */
  readonly advice: string | undefined
  /** True where something is lost or refused now, or would be after one more loss. */
  readonly isSerious: boolean
}

interface Row {
  readonly pattern: RegExp
  readonly isSerious: boolean
  readonly advice?: string
}

const ROWS: readonly Row[] = [
  { pattern: /keys have two chosen records/, isSerious: true, advice: 'Keep all disks as they are, and read the log of this peer.' },
  {
    pattern: /stands no loss/,
    isSerious: true,
    advice: 'Bring back what is down, put a new peer in its place with “replicator replace OLD NEW”, or start more peers of this cluster.',
  },
  {
    pattern: / is (suspect|gone): /,
    isSerious: true,
    advice: 'Start it again with its own -data. If its machine is lost, start a new peer and run “replicator replace OLD NEW”.',
  },
  { pattern: /older copy of its store was put back/, isSerious: true },
  { pattern: /speaks? protocol versions up to/, isSerious: true },
  { pattern: /reached no other peer since the start/, isSerious: true },
  { pattern: /almost full/, isSerious: true },
  {
    pattern: /clock/,
    isSerious: true,
    advice: 'Have every machine set its clock by NTP; “replicator doctor” measures how far apart they are.',
  },
  { pattern: /^refused /, isSerious: false, advice: 'If it belongs here, see its -secret and -peer; if not, see who can reach -listen.' },
  {
    pattern: /^no -secret/,
    isSerious: false,
    advice: 'Make one with “replicator secret -out FILE” and start every peer with -secret FILE.',
  },
  {
    pattern: /^HTTP is open to other machines/,
    isSerious: false,
    advice: 'Make tokens with “replicator token” and start every peer with -tokens FILE, or have -http on 127.0.0.1 alone.',
  },
  { pattern: /^the token files of/, isSerious: false, advice: 'Copy one -tokens file to all peers; they read it again by themselves.' },
  { pattern: /different -min-peers/, isSerious: false, advice: 'Start all peers of the cluster with the same -min-peers.' },
]

/** The serious ones first; else as they came. */
export function advise(warnings: readonly string[]): readonly Warned[] {
  const all = warnings.map((text): Warned => {
    const row = ROWS.find(({ pattern }) => pattern.test(text))
    return { text, advice: row?.advice, isSerious: row?.isSerious ?? false }
  })
  return [...all.filter(({ isSerious }) => isSerious), ...all.filter(({ isSerious }) => !isSerious)]
}
