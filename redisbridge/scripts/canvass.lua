-- canvass looks at n elections: who leads, who outranks us, who else stands.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 conn, 5 details, 6 quarantine_ms, 7 n,
--       then n x (election, rank, flags); flags: r register if own is 'ok',
--       l the record only, m list others
-- Returns {status of own, birth, epochName, epochNumber, left, items}; item =
--         {token, holder, holderBirth, remaining_ms, holderRank, appointed,
--          place, {id, rank, birth, ... of the higher},
--          {id, details, numsub, ... of the others},
--          heir and left of a released office that is kept, else '' and 0, evict};
--         where all but token and place would be empty, {token, place}
local id = ARGV[2]
local status, birth = own(id, ARGV[3], ARGV[4])
local now = clock()
local name, number, left = present(tonumber(ARGV[6]), now)
local items = {}
if status == 'taken' or status == 'stale' then
  return { status, '', name, number, left, items }
end

-- higher lists the live candidates that outrank us, the highest first: 4 at most, of three
-- values each. Mostly all live.
local function higher(ranks, place)
  local list, from = {}, 0
  while from < math.min(place, 64) and #list < 12 do
    local to = math.min(place, from == 0 and 8 or 64)
    local order, ids = call('ZREVRANGE', ranks, from, to - 1, 'WITHSCORES'), {}
    for i = 1, #order, 2 do
      ids[#ids + 1] = order[i]
    end
    born(ids)
    for i = 1, #ids do
      local n, birth = #list, births[ids[i]]
      if birth and n < 12 then
        list[n + 1], list[n + 2], list[n + 3] = ids[i], order[2 * i], birth
      end
    end
    from = to
  end
  return list
end

-- led says whether the holder of an office outranks whoever has that place: then it has
-- lost, and there is nobody to ask.
local function led(ranks, holder, place)
  local at = call('ZREVRANK', ranks, holder)
  return at and at < place
end

-- before orders bytewise; '<' on strings would follow the server's locale.
local function before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then
      return x < y
    end
  end
  return #a < #b
end

-- others lists the candidates that are not ours: they have no rank.
local function others(e, ranks)
  local ours = {}
  for _, c in ipairs(call('ZRANGE', ranks, 0, -1)) do
    ours[c] = true
  end
  local ids = {}
  for _, c in ipairs(call('SMEMBERS', p .. '::election:' .. e .. ':candidates')) do
    if not ours[c] then
      ids[#ids + 1] = c
    end
  end
  table.sort(ids, before)
  local list = {}
  for i = 1, math.min(#ids, 256) do
    local n = #list
    list[n + 1], list[n + 2], list[n + 3] = ids[i], details(ids[i]), subscribers(ids[i])
  end
  return list
end

local last = 7 + 3 * ARGV[7]
-- Most elections of a batch of many are new. In these there is nobody to read of.
local leaders, ranks = every(8, last, 3, ':leader'), every(8, last, 3, ':ranks')
local vacant, unknown = absent(leaders), absent(ranks)
local joined, none = {}, {}
for i = 8, last, 3 do
  if status == 'ok' and string.find(ARGV[i + 2], 'r', 1, true) then
    joined[#joined + 1] = ARGV[i]
  end
end
if joined[1] then
  enlist(id, ARGV[5])
  participate(id, joined)
end
for k = 1, #ranks do
  local i = 5 + 3 * k
  local e, flags = ARGV[i], ARGV[i + 2]
  local registers = status == 'ok' and string.find(flags, 'r', 1, true)
  if registers then
    stand(e, ranks[k], id, ARGV[i + 1])
  end
  local r = vacant and {} or recorded(leaders[k])
  local place, above, beside, heir, wait = -1, none, none, '', 0
  local lasts = counts(r, name, now)
  if not lasts then
    wait = kept(r, now)
    heir = wait > 0 and r[6] or ''
  end
  if not string.find(flags, 'l', 1, true) then
    if unknown and registers then
      place = 0
    else
      place = call('ZREVRANK', ranks[k], id) or -1
    end
    if place > 0 and not (lasts and led(ranks[k], r[1], place)) then
      above = higher(ranks[k], place)
    end
    if string.find(flags, 'm', 1, true) then
      beside = others(e, ranks[k])
    end
  end
  local item
  if lasts then
    item = { r[4] or '', r[1], r[2], lasts, rank(e, r[1]), r[5] or '', place, above, beside, '', 0, r[8] or '' }
  elseif above[1] or beside[1] or wait > 0 then
    item = { r[4] or '', '', '', -2, '', '', place, above, beside, heir, wait, '' }
  else
    item = { r[4] or '', place }
  end
  items[k] = item
end
return { status, status == 'ok' and birth or '', name, number, left, items }
