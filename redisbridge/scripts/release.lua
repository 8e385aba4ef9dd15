-- release gives n offices back. It is not fenced: only the record that carries
-- this very token can be released, however late the request is.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 n, then n x (election, token, heir or '')
-- Returns {{'released', heir or ''} | {'not', ''}, ...}
local id, inc = ARGV[2], ARGV[3]
local items = {}
for i = 5, 4 + 3 * ARGV[4], 3 do
  local r = record(ARGV[i])
  if mine(r, id, inc) and r[4] == ARGV[i + 1] then
    items[#items + 1] = { 'released', vacate(ARGV[i], id, r[4], ARGV[i + 2]) }
  else
    items[#items + 1] = { 'not', '' }
  end
end
deliver()
return items
