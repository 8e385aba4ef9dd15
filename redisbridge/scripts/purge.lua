-- purge removes what a dead node left behind.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 conn, 5 target id, 6 kind ('ours' or
--       'original'), 7... elections at hand
-- Returns {1} if it was purged, {0} if it may live
local target = ARGV[5]
if lives(target) then
  return { 0 }
end
-- An error is not 0: who cannot be counted is not dead.
if ARGV[6] == 'original' and subscribers(target) ~= 0 then
  return { 0 }
end
local known = call('SREM', p .. '::server:list', target) + call('HDEL', p .. '::server:details', target)

local function strike(e)
  call('SREM', p .. '::election:' .. e .. ':candidates', target)
  call('ZREM', p .. '::election:' .. e .. ':ranks', target)
end

local participated = p .. '::election:' .. target .. ':participated'
local elections = call('SMEMBERS', participated)
for i = 1, #elections do
  strike(elections[i])
end
for i = 7, #ARGV do
  strike(ARGV[i])
end
call('DEL', participated)
call('ZREM', p .. '::sessions', target)
if known > 0 then
  change('!', target)
end
return { 1 }
