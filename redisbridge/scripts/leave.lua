-- leave quits up to so many elections, and goes offline when none is left: until then it
-- is to be repeated.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 conn, 5 end ('1' ends the session too, or '0'; 'f0' or
--       'f1': as '0', before we register for the first time, and how many subscribers
--       of our bully channel are ours), 6 how many elections at most
-- Returns {status of own, 1 if elections are left, else 0}; nothing is done when 'taken'
--         or 'stale', nor with f unless 'ok'. {'original', its details} if an original
--         lives under our id when we start: our session is ended, and nothing else is done
local id, inc = ARGV[2], ARGV[3]
local status = own(id, inc, ARGV[4])
if status == 'taken' or status == 'stale' then
  return { status, 0 }
end
local ours = string.match(ARGV[5], '^f(%d)$')
if ours and status ~= 'ok' then
  -- It has ended meanwhile, and who has our id since is not asked below.
  return { status, 0 }
end
if ours and old(details(id)) and subscribers(id) > tonumber(ours) then
  call('DEL', p .. '::session:' .. id)
  call('ZREM', p .. '::sessions', id)
  return { 'original', details(id) }
end
local elections = portion(id, ARGV[6])
for i = 1, #elections do
  attempt(stepback, elections[i], id, inc)
end
finish()
if participates(id) then
  -- Whoever purges us, if we die now, finds us by our details.
  return { status, 1 }
end
call('SREM', p .. '::server:list', id)
if call('HDEL', p .. '::server:details', id) == 1 then
  change('-', id)
end
if ARGV[5] == '1' then
  call('DEL', p .. '::session:' .. id)
  call('ZREM', p .. '::sessions', id)
end
return { status, 0 }
