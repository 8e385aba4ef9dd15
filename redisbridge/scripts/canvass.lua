-- canvass looks at n elections: who leads, who outranks us, who else stands.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 conn, 5 details, 6 quarantine_ms, 7 n,
--       then n x (election, rank, flags); flags: r register if own is 'ok',
--       l the record only, m list others
-- Returns {status of own, birth, epochName, epochNumber, left, items}; item =
--         {token, holder, holderBirth, remaining_ms, holderRank, appointed,
--          place, {id, rank, birth, ... of the higher},
--          {id, details, numsub, ... of the others},
--          heir and left of a released office that is kept, else '' and 0, evict};
--         where all but token and place would be empty, {token, place}
local id = ARGV[2]
local status, birth = own(id, ARGV[3], ARGV[4])
local now = clock()
local name, number, left = present(tonumber(ARGV[6]), now)
local items = {}
if status == 'taken' or status == 'stale' then
  return { status, '', name, number, left, items }
end
local last = 7 + 3 * ARGV[7]
local leaders, ranks = every(8, last, 3, ':leader'), every(8, last, 3, ':ranks')
-- Most elections of a batch of many are new. In these there is nobody to read of.
local vacant = absent(leaders)
if status == 'ok' then
  register(id, ARGV[5], 8, every(8, last, 3, ':candidates'), ranks)
end
for k = 1, #ranks do
  local i = 5 + 3 * k
  local f = flagged(ARGV[i + 2])
  local place = f.l and -1 or call('ZREVRANK', ranks[k], id) or -1
  items[k] = looked(ARGV[i], ranks[k], vacant and nothing or recorded(leaders[k]), name, now, place, f)
end
return { status, status == 'ok' and birth or '', name, number, left, items }
