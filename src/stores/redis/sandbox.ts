/**
 * The part of every script that runs the text of a command: Lua that comes in as an argument and is
 * never pasted into a script, in an environment of ours, made anew for each command. Whatever could differ from
 * one server to the next, or let one command know of another in its batch, is not there: clocks,
 * chance, addresses (`tostring` of a table), the order of `pairs`, weak tables, and ways to compile
 * text that escape the environment.
 *
 * Deterministic errors end in a rejection. All others are a fault, even when the text catches them.
 */
import { commandsAsLua } from './commands.ts'

/** Keys of ours begin so. No command names one. */
export const OWN_PREFIX = 'replicator:log:'
/** Calls of Redis by one command. */
const CALLS_MAX = 100_000
/** Characters of a code. */
const CODE_CHARACTERS_MAX = 200
const DEPTH_MAX = 32

export const SANDBOX: string = String.raw`
local PREFIX = '${OWN_PREFIX}'
local HEAD, NAMES, ORDER = PREFIX .. 'head', PREFIX .. 'names', PREFIX .. 'order'
local COMMANDS = ${commandsAsLua()}

-- By bytes: '<' compares by the locale of the server.
local function before(a, b)
  if type(a) == 'number' and type(b) == 'number' then return a < b end
  if type(a) ~= type(b) then return type(a) == 'number' end
  for place = 1, math.min(#a, #b) do
    local left, right = string.byte(a, place), string.byte(b, place)
    if left ~= right then return left < right end
  end
  return #a < #b
end

-- Redis keeps nothing of an error but its text: the class is found again by that.
local CLASSES = {}
local function refuse(class, code)
  CLASSES[code] = class
  error({ err = code }, 0)
end

local function codeOf(value)
  if type(value) ~= 'string' and type(value) ~= 'number' then return 'error' end
  return (string.gsub(string.sub(value, 1, ${CODE_CHARACTERS_MAX}), '[%c\128-\255]', '?'))
end

local function ordered(rule, reply)
  if rule.order == 'count' then return reply - redis.call('exists', HEAD, NAMES, ORDER) end
  if type(reply) ~= 'table' then return reply end
  local sorted = {}
  if rule.order == 'pairs' then
    local values = {}
    for place = 1, #reply, 2 do
      sorted[#sorted + 1] = reply[place]
      values[reply[place]] = reply[place + 1]
    end
    table.sort(sorted, before)
    local pairsOf = {}
    for place = 1, #sorted do
      pairsOf[2 * place - 1], pairsOf[2 * place] = sorted[place], values[sorted[place]]
    end
    return pairsOf
  end
  for place = 1, #reply do
    local isOwn = rule.order == 'keys' and string.sub(reply[place], 1, #PREFIX) == PREFIX
    if not isOwn then sorted[#sorted + 1] = reply[place] end
  end
  table.sort(sorted, before)
  return sorted
end

local function checked(state, given, count)
  state.calls = state.calls + 1
  if state.calls > ${CALLS_MAX} then refuse('budget', 'calls') end
  if count == 0 then refuse('syntax', 'no-command') end
  for place = 1, count do
    local kind = type(given[place])
    if kind ~= 'string' and kind ~= 'number' then refuse('type', 'argument-' .. kind) end
    if kind == 'string' and string.sub(given[place], 1, #PREFIX) == PREFIX then refuse('policy', 'own-keys') end
  end
  local name = string.lower(given[1])
  local rule = COMMANDS[name]
  if not rule then refuse('policy', 'not-allowed:' .. name) end
  if rule.id and not string.match(given[rule.id] or '', '^%d+%-?%d*$') then refuse('policy', 'not-allowed:' .. name .. ' without a whole id') end
  for place = rule.from or count + 1, count do
    local word = string.upper(given[place])
    if rule.never[word] then refuse('policy', 'not-allowed:' .. name .. ' ' .. word) end
  end
  if rule.isWrite and state.isQuery then refuse('query', 'writes:' .. name) end
  return rule
end

local function invoke(state, raises, ...)
  local count, given = select('#', ...), { ... }
  local rule = checked(state, given, count)
  local reply = redis.pcall(unpack(given, 1, count))
  if type(reply) == 'table' and reply.err then
    local word = string.match(reply.err, '^%u+') or 'ERR'
    if (word ~= 'ERR' and word ~= 'WRONGTYPE') or string.find(reply.err, 'user executing', 1, true) then
      state.fault = state.fault or word
      raises = true
    end
    if raises then error({ err = reply.err }, 0) end
    return { err = reply.err }
  end
  if rule.isWrite then state.writes = state.writes + 1 end
  if rule.order then return ordered(rule, reply) end
  return reply
end

local function only(from, ...)
  local to = {}
  for _, name in ipairs({ ... }) do to[name] = from and from[name] end
  return to
end

local function sortedKeys(from)
  local keys = {}
  for key in next, from do
    if type(key) ~= 'string' and type(key) ~= 'number' then refuse('policy', 'not-allowed:pairs over a key that is no text or number') end
    keys[#keys + 1] = key
  end
  table.sort(keys, before)
  return keys
end

local function watched(state, isDone, ...)
  if not isDone and (...) == 'not enough memory' then state.fault = state.fault or 'MEMORY' end
  if not isDone and state.fault then error((...), 0) end
  return isDone, ...
end

local function environment(state)
  local env = only(_G, 'assert', 'error', 'ipairs', 'select', 'tonumber', 'type', 'unpack')
  env.string = only(string, 'byte', 'char', 'find', 'format', 'gmatch', 'gsub', 'len', 'lower', 'match', 'rep', 'reverse', 'sub', 'upper')
  env.table = only(table, 'concat', 'insert', 'maxn', 'remove')
  env.table.sort = function(list, comes) table.sort(list, comes or before) end
  env.math = only(math, 'abs', 'ceil', 'cos', 'deg', 'exp', 'floor', 'fmod', 'frexp', 'huge', 'ldexp', 'log', 'log10', 'max', 'min', 'modf', 'pi', 'pow', 'rad', 'random', 'randomseed', 'sin', 'sqrt', 'tan')
  env.cjson = only(cjson, 'decode', 'encode', 'null')
  env.cmsgpack = only(cmsgpack, 'pack', 'unpack')
  env.struct = only(struct, 'pack', 'size', 'unpack')
  env.bit = only(bit, 'arshift', 'band', 'bnot', 'bor', 'bswap', 'bxor', 'lshift', 'rol', 'ror', 'rshift', 'tobit', 'tohex')
  env.KEYS, env.ARGV = {}, {}
  env.tostring = function(value)
    local kind = type(value)
    if kind == 'string' or kind == 'number' or kind == 'boolean' or kind == 'nil' then return tostring(value) end
    return kind
  end
  env.next = function(from, key)
    if key ~= nil then refuse('policy', 'not-allowed:next from a key') end
    local first = sortedKeys(from)[1]
    if first ~= nil then return first, from[first] end
  end
  env.pairs = function(from)
    local keys, place = sortedKeys(from), 0
    return function()
      place = place + 1
      if keys[place] ~= nil then return keys[place], from[keys[place]] end
    end
  end
  env.pcall = function(...) return watched(state, pcall(...)) end
  env.xpcall = function(run, handle)
    local results = { watched(state, pcall(run)) }
    if results[1] then return unpack(results) end
    return false, handle(results[2])
  end
  env.redis = {
    call = function(...) return invoke(state, true, ...) end,
    pcall = function(...)
      local isDone, reply = watched(state, pcall(invoke, state, false, ...))
      if isDone then return reply end
      return { err = type(reply) == 'table' and reply.err or reply }
    end,
    error_reply = function(text) return { err = text } end,
    status_reply = function(text) return { ok = text } end,
    sha1hex = redis.sha1hex,
  }
  return env
end

-- Names that hide all globals: redis has no environments of a function's own. The text follows them
-- in one chunk, and no text ends the scope of a chunk.
local SHADOWS, HEADER = {}, nil
for name in pairs(_G) do SHADOWS[#SHADOWS + 1] = name end
HEADER = 'local ' .. table.concat(SHADOWS, ', ') .. ' = ...; '

local function shadowsOf(env)
  local values = {}
  for place, name in ipairs(SHADOWS) do
    values[place] = env[name]
    if env[name] == nil and type(_G[name]) == 'function' then values[place] = function() refuse('policy', 'not-allowed:' .. name) end end
  end
  return values
end

-- A result as text that says what each part is: src/stores/redis/results.ts reads it.
local function encoded(value, depth)
  local kind = type(value)
  if depth > ${DEPTH_MAX} then refuse('budget', 'depth') end
  if kind == 'string' then return 's' .. #value .. ':' .. value end
  if kind == 'boolean' then return value and 'n1;' or 'z' end
  if kind == 'number' then
    if value ~= value or value == math.huge or value == -math.huge then return 'z' end
    local whole = value < 0 and math.ceil(value) or math.floor(value)
    return 'n' .. string.format('%.0f', whole + 0) .. ';'
  end
  if kind ~= 'table' then return 'z' end
  local text = value.ok or value.err
  if type(text) == 'string' then return 's' .. #text .. ':' .. text end
  local parts, count = {}, 0
  while value[count + 1] ~= nil do
    count = count + 1
    parts[count] = encoded(value[count], depth + 1)
  end
  return 'a' .. count .. ':' .. table.concat(parts)
end

-- @returns the result; or nothing, the class and the code of what refuses it
local function run(text, state, seed)
  if string.byte(text, 1) == 27 then return nil, 'syntax', 'bytecode' end
  local chunk, fault
  if state.isQuery then chunk = loadstring(HEADER .. 'return ' .. text, '=query') end
  if not chunk then chunk, fault = loadstring(HEADER .. text, '=command') end
  if not chunk then return nil, 'syntax', codeOf(fault) end
  CLASSES = {}
  math.randomseed(seed)
  local isDone, value = pcall(chunk, unpack(shadowsOf(environment(state)), 1, #SHADOWS))
  if isDone and not (type(value) == 'table' and value.err) then isDone, value = pcall(encoded, value, 0)
  else isDone = false end
  if isDone then return value end
  if value == 'not enough memory' then state.fault = state.fault or 'MEMORY' end
  local text = type(value) == 'table' and value.err or value
  local code = codeOf(text)
  return nil, CLASSES[text] or (string.sub(code, 1, 9) == 'WRONGTYPE' and 'type' or 'runtime'), code
end
`
