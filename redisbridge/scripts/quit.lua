-- quit takes us out of n elections and releases what we hold of them.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 conn, 5 n, then n x (election)
-- Returns {status of own, n done}; nothing is done when 'taken' or 'stale'
local id, inc = ARGV[2], ARGV[3]
local status = own(id, inc, ARGV[4])
if status == 'taken' or status == 'stale' then
  return { status, 0 }
end
for i = 6, 5 + ARGV[5] do
  attempt(stepback, ARGV[i], id, inc)
end
finish()
return { status, tonumber(ARGV[5]) }
