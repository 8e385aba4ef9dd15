-- evict ends the session of a holder that has been without a subscriber for its
-- grace, so that the offices it took under OnDisconnect are free.
--
-- KEYS  1 <p>::epoch
-- ARGV  1 prefix, 2 id, 3 inc, 4 conn, 5 quarantine_ms, 6 n,
--       then n x (id, birth, grace_ms)
-- Returns {status of own, {{word, ms}, ...}}; no items unless it is 'ok'; word =
--         'gone' | 'unknown' | 'heard' | 'quarantine', left | 'doubted', ms until
--         it is evicted | 'evicted', ms that the session would have lived
local id = ARGV[2]
local status = own(id, ARGV[3], ARGV[4])
local items = {}
if status ~= 'ok' then
  return { status, items }
end
local now = clock()
local _, _, left = present(tonumber(ARGV[5]), now)

-- reprieve says why a holder cannot be doubted, or nil.
local function reprieve(target, birth)
  if target == id or session(target) ~= birth then
    return { 'gone', 0 }
  end
  -- An error is not 0: who cannot be counted is not gone.
  local heard = subscribers(target)
  if heard > 0 then
    return { 'heard', 0 }
  end
  if heard < 0 or remaining(target) < 0 then
    return { 'unknown', 0 }
  end
  if left > 0 then
    return { 'quarantine', left }
  end
end

local function judge(target, birth, grace)
  local mark = p .. '::doubt:' .. target
  local why = reprieve(target, birth)
  local score = not why and call('ZSCORE', p .. '::sessions', target)
  if not why and not score then
    why = { 'unknown', 0 }
  end
  if why then
    call('DEL', mark)
    return why
  end
  -- Every heartbeat gives the session another score, so a mark of this birth and
  -- score is younger than the last of them.
  local seen = birth .. ' ' .. score .. ' '
  local stands = call('GET', mark) or ''
  local since = now
  if string.sub(stands, 1, #seen) == seen then
    since = math.min(tonumber(string.sub(stands, #seen + 1)) or now, now)
  end
  local lives = remaining(target)
  if now - since < grace then
    call('SET', mark, seen .. text(since), 'PX', 5000)
    return { 'doubted', since + grace - now }
  end
  call('SET', p .. '::evicted:' .. birth, text(since), 'PX', text(math.max(lives, 1)))
  call('DEL', p .. '::session:' .. target, mark)
  return { 'evicted', lives }
end

for i = 7, 6 + 3 * ARGV[6], 3 do
  items[#items + 1] = judge(ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]))
end
return { status, items }
