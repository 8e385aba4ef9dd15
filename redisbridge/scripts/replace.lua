-- replace marks the session of another process with our id: it is renewed no
-- more, and its owner is told why. It lives on for as long as that one may trust
-- it; nothing else of it changes.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 incarnation to be replaced, 5 our details
-- Returns {1} if the session is marked, by whomever, {0} if there is none of
-- that incarnation
local id, inc = ARGV[2], ARGV[3]
local birth, conn, successor = session(id)
if not birth or of(birth, inc) or not of(birth, ARGV[4]) then
  return { 0 }
end
if successor == '' then
  call('SET', p .. '::session:' .. id, birth .. ' ' .. text(conn) .. ' ' .. ARGV[5], 'KEEPTTL')
end
return { 1 }
