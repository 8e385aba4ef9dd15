-- bid looks at n elections as canvass does, and claims in the same breath those offices
-- that nobody disputes, in the tenancy in which it was composed.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 conn, 5 info, 6 newName, 7 knownNumber,
--       8 knownName, 9 tokenSeen, 10 quarantine_ms, 11 birth, 12 epoch, 13 details,
--       14 n, then n x (election, rank, flags); flags: those of canvass; t claim;
--       d<ms> evict
-- Returns {status of own, birth, epochName, epochNumber, floor, left, items, claims};
--         items as of canvass; claims as the items of claim, or {'outranked'}, for
--         those with flag t, {} for the others; none at all in another tenancy
local id, inc = ARGV[2], ARGV[3]
local status, birth = own(id, inc, ARGV[4])
local now = clock()
local name, number, floor, left = epoch(5, now)
local items, claims = {}, {}
if status == 'taken' or status == 'stale' then
  return { status, '', name, number, text(floor), left, items, claims }
end
local last = 14 + 3 * ARGV[14]
local leaders, ranks, candidates = every(15, last, 3, ':leader'), every(15, last, 3, ':ranks'), every(15, last, 3, ':candidates')
-- Most elections of a batch of many are new: nobody leads them, and nobody stands but us.
local vacant = absent(leaders)
local alone = absent(ranks) and absent(candidates)
if status == 'ok' then
  register(id, ARGV[13], 15, candidates, ranks)
end
local t = { id = id, inc = inc, birth = birth, name = name, left = left, floor = floor, now = now,
  vacancies = #leaders == 1 or call('EXISTS', p .. '::vacant') == 1 }
local claiming = status == 'ok' and birth == ARGV[11] and name == ARGV[12]
local seen, written = sound(ARGV[9]) or 0, {}

-- opposed says whether somebody is to be asked first: a live candidate that outranks us,
-- or one that has no rank, an original. More than 64 above us are not looked at. all is the
-- third value of looked.
local function opposed(k, place, above, all)
  if above[1] or place > 64 then
    return true
  end
  if alone then
    return false
  elseif all then
    return all.candidates > #all.ours
  end
  return call('SCARD', candidates[k]) > call('ZCARD', ranks[k])
end

for k = 1, #ranks do
  local i = 12 + 3 * k
  local e, f = ARGV[i], flagged(ARGV[i + 2])
  local r = vacant and not written[e] and nothing or recorded(leaders[k])
  local place = -1
  if not f.l then
    place = alone and f.r and status == 'ok' and 0 or call('ZREVRANK', ranks[k], id) or -1
  end
  local item, above, all = looked(e, ranks[k], r, name, now, place, f, alone)
  items[k] = item
  if claiming then
    if not f.t then
      claims[k] = nothing
    elseif not f.r then
      claims[k] = { 'refused' }
    elseif opposed(k, place, above, all) then
      claims[k] = { 'outranked' }
    else
      claims[k] = award(t, e, leaders[k], r, seen, ARGV[i + 2], alone and nothing or all and all.ours)
      written[e] = true
    end
  end
end
announce(t, floor)
return { status, status == 'ok' and birth or '', name, number, text(t.floor), left, items, claims }
