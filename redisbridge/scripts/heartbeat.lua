-- heartbeat renews our session, or creates it, and looks around.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 conn, 5 req, 6 ttl_ms, 7 info, 8 newName,
--       9 knownNumber, 10 knownName, 11 tokenSeen, 12 quarantine_ms,
--       13 probe text or '', 14... watched ids
-- Returns {'taken', pttl, birth, details} | {'stale'} |
--         {'replaced', pttl, details of who replaces us} |
--         {'created' or 'extended', birth, epochName, epochNumber, floor, left,
--          version, HLEN details, {vacant elections, at most 64},
--          {pttl, birth, ... of each watched id; -2, '' when gone},
--          us of the present ms of TIME that have passed}
local id, inc, conn, ttl = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[6])
local status, birth, successor = own(id, inc, conn)
if status == 'taken' then
  return { 'taken', remaining(id), birth, details(id) }
end
if status == 'stale' then
  return { 'stale' }
end
if status == 'replaced' then
  return { 'replaced', remaining(id), successor }
end
local now, phase = clock()
local name, number, floor, left = epoch(7, now)
local verdict = 'extended'
if status == 'none' then
  verdict, birth = 'created', inc .. '-' .. ARGV[5]
  -- Whoever read that we died, or found no session of ours in the list, forgot us; registering
  -- again changes no details.
  if string.find(details(id), inc, 1, true) then
    change('+', id)
  end
end
local sessions = p .. '::sessions'
call('ZADD', sessions, text(now + ttl), id)

-- Whose session ended unrenewed? A score is a promise that may be out of date:
-- the key decides. Who died is told of again after a while, until it is purged.
local over = call('ZRANGEBYSCORE', sessions, '-inf', '(' .. text(now), 'LIMIT', 0, 16)
for i = 1, #over do
  local pttl = remaining(over[i])
  if pttl ~= -2 then
    call('ZADD', sessions, text(now + math.max(pttl, 0)), over[i])
  elseif call('HEXISTS', p .. '::server:details', over[i]) == 1 then
    change('!', over[i])
    if old(details(over[i])) then
      call('ZREM', sessions, over[i]) -- started in its place, and not ours
    else
      call('ZADD', sessions, text(now + ttl), over[i])
    end
  else
    call('ZREM', sessions, over[i])
  end
end

if ARGV[13] ~= '' then
  call('PUBLISH', p .. '::bully:' .. id, ARGV[13])
end

-- Whose record is to go, now that nobody stands? Where ours stand they see to it.
local function tidy()
  local list = call('SRANDMEMBER', p .. '::deserted', 64)
  for i = 1, #list do
    if call('EXISTS', p .. '::election:' .. list[i] .. ':ranks') == 1 then
      postpone('SREM', list[i])
    elseif call('EXISTS', p .. '::election:' .. list[i] .. ':candidates') == 0 then
      attempt(deserted, list[i])
    end
  end
end
attempt(tidy)

local watched = {}
for i = 14, #ARGV do
  local pttl = remaining(ARGV[i])
  watched[#watched + 1] = pttl
  watched[#watched + 1] = pttl ~= -2 and session(ARGV[i]) or ''
end
local reply = { verdict, birth, name, number, text(floor), left, version(),
  call('HLEN', p .. '::server:details'), call('SRANDMEMBER', p .. '::vacant', 64), watched, phase }
-- Last, so that a heartbeat in which a command is refused renews nothing: its node
-- does not trust the session, so nobody else should wait for it.
call('SET', p .. '::session:' .. id, birth .. ' ' .. conn, 'PX', ARGV[6])
return reply
