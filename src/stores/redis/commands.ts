/**
 * The commands of Redis that the text of a command may call: an allow list. Nothing is in it that
 * reads a clock, chance or the server, that blocks, or that leaves a key to expire: a key that has
 * expired at one server alone makes the next command differ there. Arithmetic on long doubles is
 * left out because it differs between processors.
 */

/** What is done about a command beside calling it. */
interface Rule {
  readonly isWrite: boolean
  /** How a reply that has no order is put into one. */
  readonly order?: 'members' | 'pairs' | 'keys' | 'count'
  /** Words that are refused as options, from that argument on. The name is the first. */
  readonly never?: { readonly from: number; readonly words: readonly string[] }
  /** The argument that must be the whole id of an entry of a stream. */
  readonly id?: number
}

const EXPIRY = ['EX', 'PX', 'EXAT', 'PXAT', 'KEEPTTL']

const READS = `
  bitcount bitfield_ro bitpos exists get getbit getrange hexists hget hlen hmget hstrlen lindex llen
  lpos lrange mget scard sintercard sismember smismember strlen substr type xlen xrange xrevrange
  zcard zcount zdiff zinter zintercard zlexcount zmscore zrange zrangebylex zrangebyscore zrank
  zrevrange zrevrangebylex zrevrangebyscore zrevrank zscore zunion`
const WRITES = `
  append bitfield bitop decr decrby del getdel getset hdel hincrby hmset hset hsetnx incr incrby
  linsert lmove lmpop lpop lpush lpushx lrem lset ltrim mset msetnx pfadd pfcount pfmerge rename
  renamenx rpop rpoplpush rpush rpushx sadd sdiffstore setbit setnx setrange sinterstore smove srem
  sunionstore unlink xdel zadd zdiffstore zincrby zinterstore zmpop zpopmax zpopmin zrangestore zrem
  zremrangebylex zremrangebyrank zremrangebyscore zunionstore`

const RULES: Readonly<Record<string, Rule>> = {
  ...each(READS, { isWrite: false }),
  ...each('hkeys hvals sdiff sinter smembers sunion', { isWrite: false, order: 'members' }),
  hgetall: { isWrite: false, order: 'pairs' },
  keys: { isWrite: false, order: 'keys' },
  dbsize: { isWrite: false, order: 'count' },
  ...each(WRITES, { isWrite: true }),
  set: { isWrite: true, never: { from: 4, words: EXPIRY } },
  copy: { isWrite: true, never: { from: 4, words: ['DB'] } },
  xadd: { isWrite: true, id: 3 },
  xtrim: { isWrite: true, never: { from: 3, words: ['~', 'LIMIT'] } },
}

function each(names: string, rule: Rule): Record<string, Rule> {
  return Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, rule]),
  )
}

/** The list, as a table of Lua. */
export function commandsAsLua(): string {
  return `{ ${Object.entries(RULES)
    .map(([name, rule]) => `${name} = ${ruleAsLua(rule)}`)
    .join(', ')} }`
}

function ruleAsLua({ isWrite, order, never, id }: Rule): string {
  const parts = [`isWrite = ${isWrite}`]
  if (order !== undefined) parts.push(`order = '${order}'`)
  if (never !== undefined) parts.push(`from = ${never.from}, never = { ${never.words.map((word) => `['${word}'] = true`).join(', ')} }`)
  if (id !== undefined) parts.push(`id = ${id}`)
  return `{ ${parts.join(', ')} }`
}
