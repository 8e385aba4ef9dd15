-- claim asks for n offices in the tenancy in which it was composed.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 conn, 5 info, 6 newName, 7 knownNumber,
--       8 knownName, 9 tokenSeen, 10 quarantine_ms, 11 birth, 12 epoch, 13 n,
--       then n x (election, tokenSeen, flags); flag d<ms>: evict; flag t: only if
--       nobody outranks us
-- Returns {'ok' or 'stale', birth, epochName, epochNumber, floor, left, items};
--         item = {'granted', token, appointed} | {'quarantine', left} | {'refused'} | {'outranked'} |
--         {'kept', left, heir} | {'held', holder, token, remaining_ms, holderBirth, holderRank, appointed,
--          evict}
local id, inc = ARGV[2], ARGV[3]
local now = clock()
local status, birth = own(id, inc, ARGV[4])
local name, number, floor, left = epoch(5, now)
local items = {}
if status ~= 'ok' or birth ~= ARGV[11] or name ~= ARGV[12] then
  return { 'stale', status == 'ok' and birth or '', name, number, text(floor), left, items }
end

-- One look saves a call for each of many offices.
local vacancies = call('EXISTS', p .. '::vacant') == 1

-- In a batch of many, most offices are new and have no candidate but us. A few commands
-- about all of them say so: candidates has us in each, ranks nobody else in any, and there
-- is no record. A server that does not know or permit SINTER or ZUNION is asked one by one.
local last = 13 + 3 * ARGV[13]
local leaders, candidates = every(14, last, 3, ':leader'), every(14, last, 3, ':candidates')
local vacant, sure, alone = absent(leaders), false, false
if many(candidates) and call('SCARD', candidates[1]) == 1 then
  sure = redis.pcall('SINTER', unpack(candidates))[1] == id
  local ranks = every(14, last, 3, ':ranks')
  local ours = redis.pcall('ZUNION', #ranks, unpack(ranks))
  alone = not ours.err and #ours == 1 and ours[1] == id
end

-- opposed(k) says whether a live candidate outranks us, or one that has no rank stands: an
-- original, which has to be asked. More than 64 above us are not looked at.
local function opposed(k)
  if alone then
    return call('SCARD', candidates[k]) > 1
  end
  local ranks = p .. '::election:' .. ARGV[11 + 3 * k] .. ':ranks'
  local place = call('ZREVRANK', ranks, id)
  if not place or place > 64 then
    return true
  end
  if place > 0 then
    local above = call('ZREVRANGE', ranks, 0, place - 1)
    for i = 1, #above do
      above[i] = p .. '::session:' .. above[i]
    end
    if call('EXISTS', unpack(above)) > 0 then
      return true
    end
  end
  return call('SCARD', candidates[k]) > call('ZCARD', ranks)
end

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
  if not (sure or call('SISMEMBER', candidates[k], id) == 1) then
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
    elseif string.find(ARGV[i + 2], 't', 1, true) and opposed(k) then
      item = { 'outranked' }
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
