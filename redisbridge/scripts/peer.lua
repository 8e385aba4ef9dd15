-- peer looks at one node, in one election if named.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 election or '', 3 id
-- Returns {candidate (1 or 0), rank or '', details or '', pttl (-2: no
--          session), birth or '', numsub (-1: cannot be had)}
local e, id = ARGV[2], ARGV[3]
local stands, score = 0, ''
if e ~= '' then
  stands = candidate(e, id) and 1 or 0
  score = rank(e, id)
end
return { stands, score, details(id), remaining(id), (session(id)) or '', subscribers(id) }
