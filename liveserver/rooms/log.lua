#!lua name=liveserver_log_v2

-- Orders a show's commands: a batch gets its first sequence number and its time, is linked to the batch before, stored
-- as one stream entry, and published. It decides nothing else: the rules are the room's, in Python.
--
-- KEYS are log (stream), meta (hash) and bus (sharded channel), all with the show's hash tag. Entry ids are <epoch>-<last seq>.
-- Functions never create a log except `open`, which PostgreSQL's compare-and-set has decided. Names carry a version and a
-- loaded library is never replaced, so that two releases can run side by side.

local CLOCK_APART_MAX_MS = 1000 -- further apart than this, time is disputed and nothing is stamped
local NODES_MAX = 256           -- nodes whose last batch is remembered; past it those silent for an hour are dropped
local NODE_SILENT_MS = 3600000

-- The server's own identity: fixed while its process lives, another one after a restart and on a promoted replica.
-- Read here rather than passed in, so that no client can carry an old one over a silent reconnect.
local own_run_id = nil
local function run_id()
  if own_run_id == nil then
    own_run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  end
  return own_run_id
end

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function int(number)
  return string.format('%.0f', number) -- never 1.7e+12
end

local function words(text)
  local found = {}
  for word in string.gmatch(text, '%S+') do found[#found + 1] = word end
  return found
end

-- A function that failed half-way left its entry in the stream but not in meta: the stream is right (it is written first).
local function repair(log, meta)
  local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  local epoch, last = string.match(newest[1], '(%d+)-(%d+)')
  local header = words(newest[2][2]) -- first count ts node batch prev hash
  redis.call('HSET', meta, 'epoch', epoch, 'seq', last, 'ts', header[3], 'head', header[7],
    'n:' .. header[4], table.concat({ header[5], epoch, header[1], header[3], header[6], header[7] }, ' '))
end

local function forget_silent_nodes(meta, now)
  if redis.call('HLEN', meta) <= NODES_MAX then return end
  local all = redis.call('HGETALL', meta)
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 2) == 'n:' and now - tonumber(words(all[i + 1])[4]) > NODE_SILENT_MS then
      redis.call('HDEL', meta, all[i])
    end
  end
end

-- args: node, batch, estimate_ms, count, unrecorded_max, payload
-- -> { 'ok', batch, epoch, first, ts, prev, hash } or { CODE, batch, words for people }
local function append(keys, args, repaired)
  local log, meta, bus = keys[1], keys[2], keys[3]
  local node, batch, payload = args[1], args[2], args[6]
  local estimate, count, unrecorded_max = tonumber(args[3]), tonumber(args[4]), tonumber(args[5])
  if not (tonumber(batch) and estimate and count and count > 0 and unrecorded_max and payload) then
    return { 'INVALID', batch, 'append takes node, batch, estimate_ms, count, unrecorded_max, payload' }
  end
  local state = redis.call('HMGET', meta, 'epoch', 'seq', 'ts', 'head', 'run', 'recorded', 'n:' .. node)
  if not state[1] then return { 'NOLOG', batch, 'this show has no log here' } end
  if state[5] ~= run_id() then return { 'FENCED', batch, 'the server was restarted or promoted' } end
  if state[7] then
    local known = words(state[7]) -- batch epoch first ts prev hash
    if known[1] == batch then
      -- Written once more, unchanged: WAITAOF waits for this connection's last write, and the first may have come by another.
      redis.call('HSET', meta, 'n:' .. node, state[7])
      return { 'ok', batch, known[2], known[3], known[4], known[5], known[6] }
    end
    if tonumber(known[1]) > tonumber(batch) then return { 'STALE', batch, 'a later batch of this node is in the log' } end
  end
  local epoch, seq, ts = state[1], tonumber(state[2]), tonumber(state[3])
  local now = now_ms()
  if math.abs(now - estimate) > CLOCK_APART_MAX_MS or ts - now > CLOCK_APART_MAX_MS then
    return { 'CLOCK', batch, int(now) }
  end
  if seq + count - tonumber(state[6]) > unrecorded_max then
    return { 'BACKLOG', batch, 'too much is not yet recorded in PostgreSQL' }
  end
  if now > ts then ts = now end
  local prev, first = state[4], seq + 1
  local last = int(seq + count)
  local fields = table.concat({ int(first), int(count), int(ts), node, batch }, ' ')
  local hash = redis.sha1hex(table.concat({ prev, epoch, fields, payload }, '|'))
  local header = fields .. ' ' .. (prev == '' and '-' or prev) .. ' ' .. hash
  -- First of all writes: a function is not rolled back, and the explicit id refuses a sequence number given before.
  local added = redis.pcall('XADD', log, epoch .. '-' .. last, 'h', header, 'p', payload)
  if type(added) == 'table' and added.err then
    if repaired then return redis.error_reply(added.err) end
    repair(log, meta)
    return append(keys, args, true)
  end
  redis.call('HSET', meta, 'seq', last, 'ts', int(ts), 'head', hash,
    'n:' .. node, table.concat({ batch, epoch, int(first), int(ts), prev == '' and '-' or prev, hash }, ' '))
  forget_silent_nodes(meta, now)
  redis.call('SPUBLISH', bus, epoch .. ' ' .. header .. '\n' .. payload)
  return { 'ok', batch, epoch, int(first), int(ts), prev == '' and '-' or prev, hash }
end

-- -> { epoch, seq, ts, head, run in meta, recorded, own run, now } with '' for what a missing log lacks
local function head(keys)
  local state = redis.call('HMGET', keys[2], 'epoch', 'seq', 'ts', 'head', 'run', 'recorded')
  local found = {}
  for i = 1, 6 do found[i] = state[i] or '' end
  found[7], found[8] = run_id(), int(now_ms())
  return found
end

-- args: epoch, seq, ts, head, and epoch and seq of the log it replaces ('' and '' when there must be none).
local function open(keys, args)
  local state = redis.call('HMGET', keys[2], 'epoch', 'seq')
  if (state[1] or '') ~= args[5] or (state[2] or '') ~= args[6] then return { 'CHANGED' } end
  redis.call('DEL', keys[1], keys[2])
  redis.call('HSET', keys[2], 'epoch', args[1], 'seq', args[2], 'ts', args[3], 'head', args[4], 'run', run_id(), 'recorded', args[2])
  return { 'ok', args[1] }
end

-- args: the run id that meta held, seq, head. Lets appends go on after a restart whose log was found whole.
local function fence(keys, args)
  local state = redis.call('HMGET', keys[2], 'run', 'seq', 'head')
  if not state[1] then return { 'NOLOG' } end
  if state[1] == run_id() then return { 'ok' } end
  if state[1] ~= args[1] or state[2] ~= args[2] or state[3] ~= args[3] then return { 'CHANGED' } end
  redis.call('HSET', keys[2], 'run', run_id())
  return { 'ok' }
end

-- args: epoch, recorded seq, lowest seq to keep. What is recorded may be trimmed, up to a window for resumes.
local function recorded(keys, args)
  local state = redis.call('HMGET', keys[2], 'epoch', 'recorded')
  if state[1] ~= args[1] then return { 'NOLOG' } end
  if tonumber(args[2]) > tonumber(state[2]) then redis.call('HSET', keys[2], 'recorded', args[2]) end
  return { 'ok', redis.call('XTRIM', keys[1], 'MINID', '~', args[1] .. '-' .. args[3]) }
end

redis.register_function('liveserver_append_v2', function(keys, args) return append(keys, args, false) end)
redis.register_function{ function_name = 'liveserver_head_v2', callback = head }
redis.register_function('liveserver_open_v2', open)
redis.register_function('liveserver_fence_v2', fence)
redis.register_function('liveserver_recorded_v2', recorded)
