-- members reads who came and went since a version, or everybody.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 since (version, '0' for all)
-- Returns {version, full (1 or 0), {id, kind, details or '', pttl, ...}, HLEN details}
local since = tonumber(ARGV[2])
local key = p .. '::members'
local v = version()
local list = {}
local oldest = call('ZRANGE', key, 0, 0, 'WITHSCORES')
-- A version above ours is one of a dataset that is gone.
if since == 0 or not oldest[2] or since < tonumber(oldest[2]) or since > v then
  local all = call('HGETALL', p .. '::server:details')
  for i = 1, #all, 2 do
    local n = #list
    list[n + 1], list[n + 2], list[n + 3], list[n + 4] = all[i], '+', all[i + 1], remaining(all[i])
  end
  return { v, 1, list, #all / 2 }
end
local entries = call('ZRANGEBYSCORE', key, '(' .. text(since), '+inf')
for i = 1, #entries do
  local kind, id = string.sub(entries[i], 1, 1), string.sub(entries[i], 2)
  if id ~= '' then
    local n = #list
    list[n + 1], list[n + 2], list[n + 3], list[n + 4] = id, kind, details(id), remaining(id)
  end
end
return { v, 0, list, call('HLEN', p .. '::server:details') }
