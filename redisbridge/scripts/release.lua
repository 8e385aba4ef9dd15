-- release gives n offices back. It is not fenced: only the record that carries
-- this very token can be released, however late the request is.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 n, then n x (election, token, heir or '', flags); an
--       empty token: that of a torn record; flag k: keep the office for the heir, if it is
--       the one that was named
-- Returns {{'released', heir or ''} | {'not', ''}, ...}
local id, inc = ARGV[2], ARGV[3]
local items = {}

local function give(i)
  local r = named(ARGV[i])
  if mine(r, id, inc) and (r[4] or '') == ARGV[i + 1] then
    local heir = vacate(ARGV[i], id, r[4] or '0', ARGV[i + 2])
    if heir ~= '' and heir == ARGV[i + 2] and string.find(ARGV[i + 3], 'k', 1, true) then
      call('HSET', p .. '::election:' .. ARGV[i] .. ':leader', 'heir', heir, 'until', text(clock() + KEPT))
    end
    items[#items + 1] = { 'released', heir }
  else
    items[#items + 1] = { 'not', '' }
  end
end

for i = 5, 4 + 4 * ARGV[4], 4 do
  attempt(give, i)
end
finish()
return items
