-- purge removes what a dead node left behind: up to so many candidacies, and when none is
-- left the node itself. Until then it is to be repeated, by whomever.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 conn, 5 target id, 6 kind ('ours' or
--       'original'), 7 how many elections at most, 8... elections at hand
-- Returns {1 if it is dead, 0 if it may live, 1 if elections are left, else 0}
local target = ARGV[5]
if lives(target) then
  return { 0, 0 }
end
-- An error is not 0: who cannot be counted is not dead. An original may have been started in
-- the place of one of ours.
if (ARGV[6] == 'original' or old(details(target))) and subscribers(target) ~= 0 then
  call('ZREM', p .. '::sessions', target) -- it has none: heartbeats would tell of its death
  return { 0, 0 }
end

local function strike(e)
  call('SREM', p .. '::election:' .. target .. ':participated', e)
  call('SREM', p .. '::election:' .. e .. ':candidates', target)
  call('ZREM', p .. '::election:' .. e .. ':ranks', target)
  deserted(e)
end

for i = 8, #ARGV do
  strike(ARGV[i])
end
local elections = portion(target, ARGV[7])
for i = 1, #elections do
  strike(elections[i])
end
if participates(target) then
  -- It stays in the list: if nobody repeats this, the next look finds it.
  return { 1, 1 }
end
local known = call('SREM', p .. '::server:list', target) + call('HDEL', p .. '::server:details', target)
call('ZREM', p .. '::sessions', target)
if known > 0 then
  change('!', target)
end
return { 1, 0 }
