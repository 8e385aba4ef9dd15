-- peer looks at one node, in some elections if any are named.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3... elections
-- Returns {details or '', pttl (-2: no session), birth or '', numsub (-1:
--          cannot be had), in how many elections it took part, in how many of
--          these it is a candidate, {candidate (1 or 0), rank or '', ...}}
-- Where elections are named it took part in -1, and stands in -1: to count them
-- takes as long as they are many. Of more than 500 it looks at 500, by chance.
local id = ARGV[2]
local took, stood, seats = -1, -1, {}
if #ARGV > 2 then
  for i = 3, #ARGV do
    seats[#seats + 1] = candidate(ARGV[i], id) and 1 or 0
    seats[#seats + 1] = rank(ARGV[i], id)
  end
else
  local key = p .. '::election:' .. id .. ':participated'
  took, stood = call('SCARD', key), 0
  local elections = took > 500 and call('SRANDMEMBER', key, 500) or call('SMEMBERS', key)
  for i = 1, #elections do
    if candidate(elections[i], id) then
      stood = stood + 1
    end
  end
end
return { details(id), remaining(id), (session(id)) or '', subscribers(id), took, stood, seats }
