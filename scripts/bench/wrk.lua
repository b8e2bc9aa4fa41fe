-- What each connection of wrk sends. Arguments: the side (replicator, etcd, or a log: kv-log, redis-log, sqlite-log), the work (of keys puts, gets, absent, mix; of
-- registers overwrites, reads, swaps, hot), a name that no
-- other run has, how many stored keys there are, and the milliseconds between two requests of a connection.
-- Keys are 24 bytes, values 100. etcd wants both in base64: a multiple of 3 bytes at a time, each triple of digits looked up.

local SIDE, WORK, NAME, STORED, PAUSE
local VALUE = string.rep("v", 100)
local VALUE64 = string.rep("dnZ2", 33) .. "dg=="
local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local triples = {}
local count = 0
local draws = 1

local function base64(text)
  local out = {}
  for place = 1, #text, 3 do
    local a, b, c = text:byte(place, place + 2)
    local bits = a * 65536 + b * 256 + c
    for shift = 3, 0, -1 do
      local six = math.floor(bits / 64 ^ shift) % 64 + 1
      out[#out + 1] = ALPHABET:sub(six, six)
    end
  end
  return table.concat(out)
end

-- 12 letters of a name and 12 digits.
local function keyOf(name, number)
  if SIDE == "etcd" then
    local low = number % 1000
    local middle = math.floor(number / 1000) % 1000
    local high = math.floor(number / 1000000) % 1000
    return name .. triples[0] .. triples[high] .. triples[middle] .. triples[low]
  end
  return string.format("%s%012d", name, number)
end

local function post(path, body)
  return "POST " .. path .. " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

-- Of logs a put is a command, and a get a query.
local COMMANDS = {
  ["kv-log"] = function(key) return '{"set":{"' .. key .. '":"' .. VALUE .. '"}}' end,
  ["redis-log"] = function(key) return "redis.call('set','" .. key .. "','" .. VALUE .. "')" end,
  ["sqlite-log"] = function(key) return "insert into kv (k,v) values ('" .. key .. "','" .. VALUE .. "')" end,
}
local QUERIES = {
  ["kv-log"] = function(key) return '{"get":["' .. key .. '"]}' end,
  ["redis-log"] = function(key) return "return redis.call('get','" .. key .. "')" end,
  ["sqlite-log"] = function(key) return "select v from kv where k = '" .. key .. "'" end,
}

local function put(key)
  if COMMANDS[SIDE] ~= nil then return post("/logs/" .. SIDE, COMMANDS[SIDE](key)) end
  if SIDE == "etcd" then return post("/v3/kv/put", '{"key":"' .. key .. '","value":"' .. VALUE64 .. '"}') end
  return "PUT /store/" .. key .. " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n" .. VALUE
end

local function get(key)
  if QUERIES[SIDE] ~= nil then return post("/logs/" .. SIDE .. "/query", QUERIES[SIDE](key)) end
  if SIDE == "etcd" then return post("/v3/kv/range", '{"key":"' .. key .. '"}') end
  return "GET /store/" .. key .. " HTTP/1.1\r\nHost: localhost\r\n\r\n"
end

local function write(key, condition)
  if SIDE == "etcd" then return put(key) end
  return "PUT /kv/" .. key .. " HTTP/1.1\r\nHost: localhost\r\n" .. condition .. "Content-Length: 100\r\n\r\n" .. VALUE
end

-- Each of SWAPPED registers in turn, under the condition that it has the version of the turn before.
local SWAPPED = 1000
local function swap(number)
  local key = keyOf(NAME, number % SWAPPED)
  local version = math.floor(number / SWAPPED)
  if SIDE ~= "etcd" then return write(key, version == 0 and "If-None-Match: *\r\n" or 'If-Match: "' .. version .. '"\r\n') end
  local compare = '{"compare":[{"key":"' .. key .. '","target":"VERSION","result":"EQUAL","version":"' .. version .. '"}],'
  return post("/v3/kv/txn", compare .. '"success":[{"requestPut":{"key":"' .. key .. '","value":"' .. VALUE64 .. '"}}]}')
end

local function read(key)
  if SIDE == "etcd" then return get(key) end
  return "GET /kv/" .. key .. " HTTP/1.1\r\nHost: localhost\r\n\r\n"
end

local function storedKey()
  -- The generator of Park and Miller: cheap, and each run its own.
  draws = (draws * 48271) % 2147483647
  return keyOf(STOREDNAME, draws % STORED)
end

function init(args)
  SIDE, WORK, NAME, STORED, PAUSE = args[1], args[2], args[3], tonumber(args[4]), tonumber(args[5])
  STOREDNAME = "storedstored"
  -- One register for all servers: the name without the two letters of the server.
  HOTNAME = NAME:sub(1, 10) .. "xx"
  for place = 1, 12 do draws = (draws * 31 + NAME:byte(place)) % 2147483646 + 1 end
  if SIDE == "etcd" then
    NAME, STOREDNAME, HOTNAME = base64(NAME), base64(STOREDNAME), base64(HOTNAME)
    for number = 0, 999 do triples[number] = base64(string.format("%03d", number)) end
  end
  if PAUSE > 0 then
    -- Drawn between none and twice the pause, so that connections do not march in step.
    function delay()
      draws = (draws * 48271) % 2147483647
      return math.floor(draws % (2 * PAUSE * 1000 + 1) / 1000 + 0.5)
    end
  end
end

function request()
  count = count + 1
  if WORK == "gets" or (WORK == "mix" and count % 10 ~= 0) then return get(storedKey()) end
  if WORK == "reads" then return read(storedKey()) end
  if WORK == "overwrites" then return write(storedKey(), "") end
  if WORK == "hot" then return write(keyOf(HOTNAME, 0), "") end
  -- wrk asks once before it begins, and sends nothing of that.
  if WORK == "swaps" then return swap(math.max(0, count - 2)) end
  local key = keyOf(NAME, count - 1)
  if WORK == "absent" then return get(key) end
  return put(key)
end

function done(summary, latency)
  local points = {}
  local share = 0
  while share < 100 do
    share = share + (share < 98.99 and 0.5 or 0.02)
    points[#points + 1] = string.format("[%.2f,%d]", share, latency:percentile(math.min(share, 100)))
  end
  local errors = summary.errors
  print(string.format(
    'MEASURED {"requests":%d,"elapsedUs":%d,"processorSeconds":%.3f,"refused":%d,"broken":%d,"maxUs":%d,"percentilesUs":[%s]}',
    summary.requests, summary.duration, os.clock(), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, latency.max, table.concat(points, ",")
  ))
end
