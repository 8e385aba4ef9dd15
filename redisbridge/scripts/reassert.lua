-- reassert moves leaderships that are still trusted into the present tenancy.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 conn, 5 epoch, 6 quarantine_ms, 7 n,
--       then n x (election, token, flags); flag d<ms>: evict
-- Returns {'ok', 'stale', 'taken', 'replaced' or 'none', birth, epochName, epochNumber,
--          {'ok' | 'refused' | 'superseded', ...}}
local id, inc = ARGV[2], ARGV[3]
local status, birth = own(id, inc, ARGV[4])
local name, number, left = present(tonumber(ARGV[6]), clock())
local items = {}
if status ~= 'ok' then
  return { status, '', name, number, items }
end
if name == '' or name ~= ARGV[5] then
  return { 'stale', birth, name, number, items }
end
for i = 8, 7 + 3 * ARGV[7], 3 do
  local e, token = ARGV[i], ARGV[i + 1]
  local word = 'superseded'
  if not candidate(e, id) then
    word = 'refused'
  else
    local r = record(e)
    local key = p .. '::election:' .. e .. ':leader'
    if mine(r, id, inc) and r[4] == token then
      call('HSET', key, 'birth', birth, 'epoch', name)
      word = 'ok'
    elseif left > 0 and not r.torn and tonumber(token) > tonumber(r[4] or 0) then
      -- Only within the quarantine: once tokens may have gone back with the
      -- clock of a new primary, a higher token proves nothing (C10).
      call('HSET', key, 'id', id, 'birth', birth, 'epoch', name, 'token', token)
      call('HDEL', key, 'appointed', 'heir', 'until')
      evictable(key, ARGV[i + 2], r[8])
      word = 'ok'
    end
    if word == 'ok' then
      call('SREM', p .. '::vacant', e)
    end
  end
  items[#items + 1] = word
end
return { 'ok', birth, name, number, items }
