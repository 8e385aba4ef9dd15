-- leave quits every election and goes offline.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 conn, 5 end ('1' ends the session too, or '0')
-- Returns {status of own}; nothing is done when 'taken' or 'stale'
local id, inc = ARGV[2], ARGV[3]
local status = own(id, inc, ARGV[4])
if status == 'taken' or status == 'stale' then
  return { status }
end
local elections = call('SMEMBERS', p .. '::election:' .. id .. ':participated')
for i = 1, #elections do
  stepback(elections[i], id, inc)
end
call('SREM', p .. '::server:list', id)
if call('HDEL', p .. '::server:details', id) == 1 then
  change('-', id)
end
if ARGV[5] == '1' then
  call('DEL', p .. '::session:' .. id)
  call('ZREM', p .. '::sessions', id)
end
deliver()
return { status }
