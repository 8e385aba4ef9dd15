-- claim asks for n offices in the tenancy in which it was composed.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 conn, 5 info, 6 newName, 7 knownNumber,
--       8 knownName, 9 tokenSeen, 10 quarantine_ms, 11 birth, 12 epoch, 13 n,
--       then n x (election, tokenSeen, flags); flag d<ms>: evict; flag t: only if
--       nobody outranks us
-- Returns {'outranked'}, where n is 1, or
--         {'ok' or 'stale', birth, epochName, epochNumber, floor, left, items};
--         item = {'granted', token, appointed} | {'quarantine', left} | {'refused'} | {'outranked'} |
--         {'kept', left, heir} | {'held', holder, token, remaining_ms, holderBirth, holderRank, appointed,
--          evict}
local id, inc = ARGV[2], ARGV[3]
local status, birth = own(id, inc, ARGV[4])
local last = 13 + 3 * ARGV[13]
local leaders, candidates = every(14, last, 3, ':leader'), every(14, last, 3, ':candidates')

-- In a batch of many, most offices are new and have no candidate but us. A few commands
-- about all of them say so: candidates has us in each, and nobody else in any, nor has
-- ranks, and there is no record. A server that does not know or permit these commands
-- is asked one by one.
local vacant, sure, alone, sole = absent(leaders), false, false, false
if many(candidates) and call('SCARD', candidates[1]) == 1 then
  sure = redis.pcall('SINTER', unpack(candidates))[1] == id
  local ranks = every(14, last, 3, ':ranks')
  local ours = redis.pcall('ZUNION', #ranks, unpack(ranks))
  alone = sure and not ours.err and #ours == 1 and ours[1] == id
  local all = alone and redis.pcall('SUNION', unpack(candidates)) or {}
  sole = not all.err and #all == 1 and all[1] == id
end

-- outranked says whether a live candidate of ours outranks us. More than 64 above us are
-- not looked at. Mostly the highest lives.
local function outranked(ranks)
  local top = call('ZREVRANGE', ranks, 0, 0)
  if top[1] == id then
    return false
  end
  born(top)
  local place = not births[top[1]] and call('ZREVRANK', ranks, id)
  if not place or place > 64 then
    return true
  end
  local above = call('ZREVRANGE', ranks, 0, place - 1)
  born(above)
  for i = 1, #above do
    if births[above[i]] then
      return true
    end
  end
  return false
end

-- opposed(k) says whether somebody is to be asked first: a live candidate that outranks
-- us, or one that has no rank, an original.
local function opposed(k)
  if sole then
    return false
  end
  local ranks = p .. '::election:' .. ARGV[11 + 3 * k] .. ':ranks'
  if not alone and outranked(ranks) then
    return true
  end
  return call('SCARD', candidates[k]) > (alone and 1 or call('ZCARD', ranks))
end

local function tentative(k)
  return string.find(ARGV[13 + 3 * k], 't', 1, true)
end

-- Of many who stand at once all but one are refused: at little cost.
if status == 'ok' and #leaders == 1 and tentative(1) and opposed(1) then
  return { 'outranked' }
end

local now = clock()
local name, number, floor, left = epoch(5, now)
local items = {}
if status ~= 'ok' or birth ~= ARGV[11] or name ~= ARGV[12] then
  return { 'stale', status == 'ok' and birth or '', name, number, text(floor), left, items }
end

-- One look saves a call for each of many offices.
local vacancies = call('EXISTS', p .. '::vacant') == 1

-- grant writes the record with a token above every one that anybody saw, and
-- tells the other candidates. Whom a resigner named is appointed.
local function grant(e, key, r, seen, flags)
  local token = math.max((tonumber(r[4] or 0) or 0) + 1, (tonumber(seen) or 0) + 1, floor + 1, now)
  floor = token
  token = text(token)
  call('HSET', key, 'id', id, 'birth', birth, 'epoch', name, 'token', token)
  local appointed = r[6] == id and '1' or ''
  if appointed ~= '' then
    call('HSET', key, 'appointed', appointed)
  elseif r[5] then
    call('HDEL', key, 'appointed')
  end
  if r[6] or r[7] then
    call('HDEL', key, 'heir', 'until')
  end
  evictable(key, flags, r[8])
  if vacancies then
    call('SREM', p .. '::vacant', e)
  end
  local all = alone and {} or call('ZRANGE', p .. '::election:' .. e .. ':ranks', 0, -1)
  local message
  for i = 1, #all do
    if all[i] ~= id then
      message = message or '{"type":"leader","election":' .. cjson.encode(e) .. ',"id":' .. cjson.encode(id)
        .. ',"inc":' .. cjson.encode(inc) .. ',"token":"' .. token .. '"}'
      post(all[i], message)
    end
  end
  return { 'granted', token, appointed }
end

local before = floor
local written = {}
for k = 1, #leaders do
  local i = 11 + 3 * k
  local e = ARGV[i]
  local item
  if #leaders > 1 and tentative(k) and opposed(k) then
    item = { 'outranked' }
  elseif not (sure or call('SISMEMBER', candidates[k], id) == 1) then
    item = { 'refused' }
  else
    local r = vacant and not written[e] and {} or recorded(leaders[k])
    -- A record under our id and another incarnation can count only if that one was
    -- evicted: it may live.
    local lasts = not mine(r, id, inc) and counts(r, name, now)
    if lasts then
      item = { 'held', r[1], r[4] or '', lasts, r[2], rank(e, r[1]), r[5] or '', r[8] or '' }
    elseif left > 0 then
      item = { 'quarantine', left }
    elseif r[6] ~= id and kept(r, now) > 0 then
      item = { 'kept', kept(r, now), r[6] }
    else
      item = grant(e, leaders[k], r, ARGV[i + 1], ARGV[i + 2])
      written[e] = true
    end
  end
  items[k] = item
end
if floor > before then
  call('HSET', p .. '::epoch', 'floor', text(floor))
end
deliver()
return { 'ok', birth, name, number, text(floor), left, items }
