-- join registers us, and as a candidate of n elections.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 conn, 5 details, 6 n, then n x (election, rank),
--       then '1' if it is the first of a start
-- Returns {status of own, version}; nothing is done unless it is 'ok'. The first is
--         'early' while a former life of the id is a candidate still: see leave
local id = ARGV[2]
local status = own(id, ARGV[3], ARGV[4])
if status == 'ok' and ARGV[7 + 2 * ARGV[6]] == '1' and participates(id) then
  status = 'early'
end
if status == 'ok' then
  enlist(id, ARGV[5])
  local list = {}
  for i = 7, 6 + 2 * ARGV[6], 2 do
    list[#list + 1] = ARGV[i]
  end
  participate(id, list)
  for i = 7, 6 + 2 * ARGV[6], 2 do
    local key = p .. '::election:' .. ARGV[i]
    stand(key .. ':candidates', key .. ':ranks', id, ARGV[i + 1])
  end
end
return { status, version() }
