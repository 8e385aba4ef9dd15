-- restore puts an original back that was taken for dead while it lives: it
-- votes on, but nobody votes to it any more.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 election, 3 its id, 4 its details, if there are none
-- Returns {1} if something was put back, {0} if not
local e, id = ARGV[2], ARGV[3]
if lives(id) or subscribers(id) < 1 or (candidate(e, id) and details(id) ~= '') then
  return { 0 }
end
call('SADD', p .. '::server:list', id)
if details(id) == '' then
  call('HSET', p .. '::server:details', id, ARGV[4])
  change('+', id)
end
call('SADD', p .. '::election:' .. id .. ':participated', e)
call('SADD', p .. '::election:' .. e .. ':candidates', id)
return { 1 }
