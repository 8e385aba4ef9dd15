-- peer looks at one node, in one election if named.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 election or '', 3 id
-- Returns {candidate (1 or 0), rank or '', details or '', pttl (-2: no
--          session), birth or '', numsub (-1: cannot be had), in how many
--          elections it took part, in how many of these it is a candidate};
--          the last two are -1 if an election is named: to count them takes as
--          long as they are many, and each of its elections may ask
local e, id = ARGV[2], ARGV[3]
local stands, score = 0, ''
local took, stood = -1, -1
if e ~= '' then
  stands = candidate(e, id) and 1 or 0
  score = rank(e, id)
else
  local elections = call('SMEMBERS', p .. '::election:' .. id .. ':participated')
  took, stood = #elections, 0
  for i = 1, took do
    if candidate(elections[i], id) then
      stood = stood + 1
    end
  end
end
return { stands, score, details(id), remaining(id), (session(id)) or '', subscribers(id), took, stood }
