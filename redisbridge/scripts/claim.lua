-- claim asks for n offices in the tenancy in which it was composed.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 conn, 5 info, 6 newName, 7 knownNumber,
--       8 knownName, 9 tokenSeen, 10 quarantine_ms, 11 birth, 12 epoch, 13 n,
--       then n x (election, tokenSeen, flags); flag d<ms>: evict
-- Returns {'ok' or 'stale', birth, epochName, epochNumber, floor, left, items};
--         item = {'granted', token, appointed} | {'quarantine', left} | {'refused'} |
--         {'spent', the key that leaves no token above it} |
--         {'kept', left, heir} | {'held', holder, token, remaining_ms, holderBirth, holderRank, appointed,
--          evict}
local id, inc = ARGV[2], ARGV[3]
local status, birth = own(id, inc, ARGV[4])
local now = clock()
local name, number, floor, left = epoch(5, now)
local items = {}
if status ~= 'ok' or birth ~= ARGV[11] or name ~= ARGV[12] then
  return { 'stale', status == 'ok' and birth or '', name, number, text(floor), left, items }
end
local last = 13 + 3 * ARGV[13]
local leaders, candidates = every(14, last, 3, ':leader'), every(14, last, 3, ':candidates')
-- One look saves a call for each of many offices.
local t = { id = id, inc = inc, birth = birth, name = name, left = left, floor = floor, now = now,
  vacancies = #leaders == 1 or call('EXISTS', p .. '::vacant') == 1 }
for k = 1, #leaders do
  local i = 11 + 3 * k
  local e = ARGV[i]
  if call('SISMEMBER', candidates[k], id) == 1 then
    items[k] = award(t, e, leaders[k], recorded(leaders[k]), sound(ARGV[i + 1]) or 0, ARGV[i + 2])
  else
    items[k] = { 'refused' }
  end
end
announce(t, floor)
return { 'ok', birth, name, number, text(t.floor), left, items }
