/**
 * The scripts that a store in Redis is made of. Each is one step for Redis, and one unit of its
 * append-only file: what a crash leaves is the whole of it, or nothing.
 */
import { createHash } from 'node:crypto'
import { OUTCOME_KEPT_MS, OUTCOMES_KEPT_MAX } from '../../ports/log-store.ts'
import { RESULT_KEPT_MAX } from '../kv-rows.ts'
import { OWN_PREFIX, SANDBOX } from './sandbox.ts'

export interface Script {
  readonly text: string
  readonly sha1: string
}

export const HEAD_KEY: string = `${OWN_PREFIX}head`
/** Arguments of an entry, after the claim. */
export const ENTRY_ARGUMENTS = 9

/** Whoever runs a script must be who claimed the store. The claim is the first three arguments. */
const OWNED = String.raw`
local head = redis.call('hmget', HEAD, 'logId', 'generation', 'owner', 'filling', 'torn', 'index', 'term', 'atMs', 'digest', 'forgotten', 'members')
if head[1] ~= ARGV[1] or head[2] ~= ARGV[2] or head[3] ~= ARGV[3] or head[4] or head[5] then return { 'lost' } end
`

/**
 * A batch. Before anything else a mark is written that the store is torn: out of memory, or on a
 * disk that fails, Redis refuses that first write and nothing is left behind. The mark goes as the
 * position is written, at the end.
 */
export const APPLY: Script = script(String.raw`${SANDBOX}${OWNED}
local index, term, atMs, digest, forgotten, members = tonumber(head[6]), head[7], head[8], head[9], tonumber(head[10]), head[11]
local remembered = redis.call('zcard', ORDER)
local isMarked = false
local outcomes = {}

local function known(entry)
  local row = redis.call('hget', NAMES, entry.id)
  if not row then return nil end
  local hash, outcome = string.match(row, '^%d+ (%x+) (.*)$')
  return hash == entry.hash and outcome or 'u'
end

local function forget(now)
  while true do
    local first = redis.call('zrange', ORDER, 0, 0, 'withscores')
    if not first[1] then return end
    local row = redis.call('hget', NAMES, first[1])
    local rowAtMs = row and tonumber(string.match(row, '^%d+'))
    if rowAtMs and rowAtMs >= now - ${OUTCOME_KEPT_MS} and remembered < ${OUTCOMES_KEPT_MAX} then return end
    redis.call('zrem', ORDER, first[1])
    redis.call('hdel', NAMES, first[1])
    remembered = remembered - 1
    forgotten = tonumber(first[2])
  end
end

-- @returns the outcome, its kind and class as they are told, and how much was written
local function decided(entry, state)
  if entry.kind ~= 'command' then return 'd', 'done', '' end
  local first = known(entry)
  if first == 'u' then return first, 'reused', '' end
  if first then return first, string.sub(first, 1, 1) == 'd' and 'done' or 'rejected', string.match(first, '^r%d([^\n]*)') or '' end
  if entry.since > 0 and entry.since < forgotten then return 'f', 'forgotten', '' end
  local result, class, code = nil, 'constraint', entry.verdict
  if code == '' then result, class, code = run(entry.payload, state, entry.index) end
  if state.fault then return end
  local outcome, kind
  if result then
    if #result > ${RESULT_KEPT_MAX} then result = 't' end
    outcome, kind, class = 'd' .. result, 'done', ''
  else
    outcome, kind = 'r' .. (state.writes > 0 and 1 or 0) .. class .. '\n' .. code, 'rejected'
  end
  redis.call('hset', NAMES, entry.id, string.format('%.0f', entry.atMs) .. ' ' .. entry.hash .. ' ' .. outcome)
  redis.call('zadd', ORDER, entry.index, entry.id)
  remembered = remembered + 1
  return outcome, kind, class
end

local function settled()
  if not isMarked then return end
  redis.call('hset', HEAD, 'index', string.format('%.0f', index), 'term', term, 'atMs', atMs, 'digest', digest, 'forgotten', string.format('%.0f', forgotten), 'members', members)
  redis.call('hdel', HEAD, 'torn')
end

for at = 4, #ARGV, ${ENTRY_ARGUMENTS} do
  local entry = {
    index = tonumber(ARGV[at]), term = ARGV[at + 1], atMs = tonumber(ARGV[at + 2]), kind = ARGV[at + 3], id = ARGV[at + 4],
    since = tonumber(ARGV[at + 5]), hash = ARGV[at + 6], payload = ARGV[at + 7], verdict = ARGV[at + 8],
  }
  if entry.index <= index then
    outcomes[#outcomes + 1] = entry.kind == 'command' and (known(entry) or 'f') or 'd'
  else
    if entry.index ~= index + 1 then return { 'behind' } end
    if not isMarked then redis.call('hset', HEAD, 'torn', ARGV[at]) end
    isMarked = true
    forget(entry.atMs)
    local state = { writes = 0, calls = 0 }
    local outcome, kind, class = decided(entry, state)
    if state.fault then
      if state.writes == 0 then settled() end
      return { 'fault', state.fault }
    end
    if entry.kind == 'members' then members = entry.payload end
    index, term, atMs = entry.index, entry.term, ARGV[at + 2]
    digest = string.sub(redis.sha1hex(digest .. ' ' .. ARGV[at] .. ' ' .. kind .. ' ' .. class .. ' ' .. state.writes), 1, 32)
    outcomes[#outcomes + 1] = outcome
  end
end
settled()
return { 'done', string.format('%.0f', index), term, atMs, digest, members, unpack(outcomes) }
`)

/** Arguments: the claim, the least position, the text. It is called so that Redis refuses writes. */
export const QUERY: Script = script(String.raw`${SANDBOX}${OWNED}
if tonumber(head[6]) < tonumber(ARGV[4]) then return { 'behind', head[6] } end
local state = { writes = 0, calls = 0, isQuery = true }
local result, class, code = run(ARGV[5], state, tonumber(head[6]))
if state.fault then return { 'fault', state.fault } end
if not result then return { 'refused', class, code } end
return { 'done', head[6], head[7], result }
`)

/** Fields of the head, name and value in turn: of an empty database, taken by it, or as they are. */
export const CLAIM: Script = script(String.raw`
if redis.call('exists', '${HEAD_KEY}') == 0 then
  if redis.call('dbsize') > 0 then return { 'content', redis.call('randomkey') } end
  redis.call('hset', '${HEAD_KEY}', unpack(ARGV))
end
return redis.call('hgetall', '${HEAD_KEY}')
`)

/** Empties the database and writes fields of the head, as one step. */
export const BEGIN: Script = script(String.raw`
redis.call('flushdb')
return redis.call('hset', '${HEAD_KEY}', unpack(ARGV))
`)

/** Writes the head of a store that is filled, and takes the mark away. */
export const FILLED: Script = script(String.raw`
redis.call('hset', '${HEAD_KEY}', unpack(ARGV))
return redis.call('hdel', '${HEAD_KEY}', 'filling')
`)

/** The hash of each key that is named, over what it holds and not how. */
export const CONTENT: Script = script(String.raw`${SANDBOX}
local READERS = {
  string = function(key) return { redis.call('get', key) } end,
  list = function(key) return redis.call('lrange', key, 0, -1) end,
  set = function(key) return ordered({}, redis.call('smembers', key)) end,
  hash = function(key) return ordered({ order = 'pairs' }, redis.call('hgetall', key)) end,
  zset = function(key) return redis.call('zrange', key, 0, -1, 'withscores') end,
  stream = function(key) return redis.call('xrange', key, '-', '+') end,
}
local hashes = {}
for place, key in ipairs(ARGV) do
  local kind = redis.call('type', key).ok
  local read = READERS[kind]
  hashes[place] = redis.sha1hex(kind .. (read and encoded(read(key), 0) or ''))
end
return hashes
`)

function script(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}
