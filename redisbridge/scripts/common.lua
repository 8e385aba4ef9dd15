-- Shared by every script: put in front of each when it is loaded.
-- docs/protocol.md is the contract; the words here are the same.
--
-- KEYS[1]  <p>::epoch, for routing only
-- ARGV[1]  prefix
--
-- A script computes every key from the prefix. Errors of redis.call surface as
-- the reply; what a server may refuse by ACL goes through redis.pcall and is
-- said so. Numbers above 14 digits leave as text: Lua prints no more of them.
local call = redis.call
local p = ARGV[1]

local function text(n)
  return string.format('%.0f', n)
end

-- Tokens are below this. No clock made one that is not: it is the year 144683. Lua's numbers
-- count on to twice as much, and above that a token would be handed out again.
local LIMIT = 4503599627370496 -- 2^52

-- sound(s) is the number that a script has written, nil for what none writes.
local function sound(s)
  if s and (s == '0' or string.find(s, '^[1-9]%d*$')) then
    local n = tonumber(s)
    return n and n < LIMIT and n or nil
  end
end

-- clock() is Redis TIME in ms, and how many us of the present one have passed. It stands
-- still while a script runs.
local function clock()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000), t[2] % 1000
end

-- parsed(s) cuts the value of a session.
local function parsed(s)
  local at = string.find(s, ' ', 1, true)
  if not at then
    return s, 0, ''
  end
  local to = string.find(s, ' ', at + 1, true)
  if not to then
    return string.sub(s, 1, at - 1), tonumber(string.sub(s, at + 1)) or 0, ''
  end
  return string.sub(s, 1, at - 1), tonumber(string.sub(s, at + 1, to - 1)) or 0, string.sub(s, to + 1)
end

-- session(id) returns birth and conn of a live session, and the details of the
-- process that is to replace its owner, '' if none is; or nil.
local function session(id)
  local s = call('GET', p .. '::session:' .. id)
  if not s then
    return nil
  end
  return parsed(s)
end

local births = {}

-- born(ids) fills births with the birth of each one's session, false where there is none.
-- The elections of a batch have much the same candidates: each is looked up once.
local function born(ids)
  local keys, asked = {}, {}
  for i = 1, #ids do
    if births[ids[i]] == nil then
      asked[#asked + 1] = ids[i]
      keys[#asked] = p .. '::session:' .. ids[i]
    end
  end
  for from = 1, #asked, 1000 do
    local found = call('MGET', unpack(keys, from, math.min(from + 999, #asked)))
    for i = 1, #found do
      births[asked[from + i - 1]] = found[i] and (parsed(found[i]))
    end
  end
end

local function lives(id)
  return call('EXISTS', p .. '::session:' .. id) == 1
end

local function remaining(id)
  return call('PTTL', p .. '::session:' .. id)
end

local function of(birth, inc)
  return string.sub(birth, 1, #inc + 1) == inc .. '-'
end

-- own(id, inc, conn) fences: what was sent on a connection that its node gave
-- up must not take effect after the first script of the next one.
-- It returns the verdict and, when there is a session, its birth; for 'replaced'
-- also who replaces us.
local function own(id, inc, conn)
  local birth, seen, successor = session(id)
  if not birth then
    return 'none', ''
  end
  if not of(birth, inc) then
    return 'taken', birth
  end
  conn = tonumber(conn)
  if conn < seen then
    return 'stale', birth
  end
  if conn > seen then
    local value = birth .. ' ' .. text(conn)
    if successor ~= '' then
      value = value .. ' ' .. successor
    end
    call('SET', p .. '::session:' .. id, value, 'KEEPTTL')
  end
  if successor ~= '' then
    return 'replaced', birth, successor
  end
  return 'ok', birth
end

local function quarantined(since, ms, now)
  if ms == 0 then
    return 0
  end
  if since > now then
    since = now
  end
  return math.max(0, since + ms - now)
end

-- replid() is the server's master_replid, '-' where INFO is refused.
local function replid()
  local info = redis.pcall('INFO', 'replication')
  if type(info) ~= 'string' then
    return '-'
  end
  local _, at = string.find(info, 'master_replid:', 1, true)
  return at and string.match(info, '^%w+', at + 1) or '-'
end

-- standing(e) is name, number, since and floor of an epoch. Where one of these is not what a
-- script writes, tokens may have been handed out that it does not tell of: there is no
-- epoch then, and what can be read of the others counts.
local function standing(e)
  local number, since, floor = sound(e[2]), sound(e[3]), sound(e[4])
  return number and since and floor and e[1], number or 0, since or 0, floor or 0
end

-- epoch(at, now) looks for a new dataset; ARGV[at] is info, then newName,
-- knownNumber, knownName, tokenSeen and quarantine_ms.
-- It returns name, number, floor and left.
local function epoch(at, now)
  local read = '-'
  if ARGV[at] == '1' then
    read = replid()
  end
  local known, seen = sound(ARGV[at + 2]) or 0, sound(ARGV[at + 4]) or 0
  if known == LIMIT - 1 then
    known = 0 -- there is none above it
  end
  local key = p .. '::epoch'
  local e = call('HMGET', key, 'name', 'number', 'since', 'floor', 'replid')
  local name, number, since, floor = standing(e)
  local stored = e[5] or '-'
  local raised = math.max(floor, seen)
  if not name or (read ~= '-' and stored ~= '-' and read ~= stored) or number < known
    or (known > 0 and number == known and name ~= ARGV[at + 3]) then
    name, number, since = ARGV[at + 1], math.min(math.max(number, known) + 1, LIMIT - 1), now
    call('HSET', key, 'name', name, 'number', text(number), 'replid', read,
      'since', text(since), 'floor', text(raised))
  else
    if stored == '-' and read ~= '-' then
      call('HSET', key, 'replid', read)
    end
    if since > now then
      since = now
      call('HSET', key, 'since', text(since))
    end
    if raised > floor then
      call('HSET', key, 'floor', text(raised))
    end
  end
  return name, number, raised, quarantined(since, tonumber(ARGV[at + 5]) or 0, now)
end

-- present(ms, now) reads the epoch and changes nothing: name, number, left.
-- Without one the name is '' and the quarantine is still to begin.
local function present(ms, now)
  local name, number, since = standing(call('HMGET', p .. '::epoch', 'name', 'number', 'since', 'floor'))
  if not name then
    return '', 0, ms
  end
  return name, number, quarantined(since, ms, now)
end

-- legible(r) strikes a token that no script writes. Such a record is torn, as is one that has
-- a holder and no token: it keeps others out, but nobody can say of which term it is. A
-- holder's grace that none writes is '': there is none, and it is to be removed.
local function legible(r)
  if not sound(r[4]) then
    r.torn = r[4] or r[1]
    r[4] = false
  end
  if r[8] and not sound(r[8]) then
    r[8] = ''
  end
  return r
end

-- recorded(key) returns id, birth, epoch, token, appointed, heir, until, evict; false
-- where missing.
local function recorded(key)
  return legible(call('HMGET', key, 'id', 'birth', 'epoch', 'token', 'appointed', 'heir', 'until', 'evict'))
end

local function record(e)
  return recorded(p .. '::election:' .. e .. ':leader')
end

-- named returns the first of these, which say whose term it is.
local function named(e)
  return legible(call('HMGET', p .. '::election:' .. e .. ':leader', 'id', 'birth', 'epoch', 'token'))
end

-- The time that a resigner's successor has before all may claim, in ms.
local KEPT = 1000

-- kept(r, now) is how long a released office is kept for its heir yet. One that ends
-- later than it may is of a clock that has stepped back since, and void.
local function kept(r, now)
  local left = r[6] and (sound(r[7]) or 0) - now or 0
  if left < 0 or left > KEPT then
    return 0
  end
  return left
end

-- Of a batch many may have one holder, which is looked up once: nothing about it changes
-- while counts is in use.
local holders = {}

-- lasting(id) is the birth of a holder's session, and what is left of it.
local function lasting(id)
  local held = holders[id]
  if not held then
    held = {}
    held.birth = session(id)
    held.left = held.birth and remaining(id)
    holders[id] = held
  end
  return held
end

local endings = {}

-- evicted(birth) is what would be left of a session that was ended before its time, and
-- since when nobody was subscribed, nil if that is not what a script writes.
local function evicted(birth)
  local lost = endings[birth]
  if not lost then
    lost = {}
    local key = p .. '::evicted:' .. birth
    local since = call('GET', key)
    lost.since = sound(since)
    lost.left = since and call('PTTL', key)
    endings[birth] = lost
  end
  return lost
end

-- counts(r, name, now) returns for how many ms a record counts if nothing renews
-- it, and nil if it names no holder in the epoch. Where the holder was evicted, an
-- office that was not taken under that policy is its own for as long as the
-- session would have lived.
local function counts(r, name, now)
  if not (r[1] and r[2]) or name == '' or r[3] ~= name then
    return nil
  end
  local held = lasting(r[1])
  if held.birth == r[2] then
    return held.left
  end
  local lost = evicted(r[2])
  local left, grace = lost.left, lost.since and tonumber(r[8])
  if not (left and grace) then
    return left
  end
  if lost.since + grace <= now then
    return nil
  end
  return math.min(left, lost.since + grace - now)
end

-- mine(r, id, inc) says whether a record carries our id and incarnation.
local function mine(r, id, inc)
  return r[1] == id and r[2] and of(r[2], inc)
end

-- The flags of a batch are mostly the same: each text is read once.
local readings = {}

-- flagged(flags) is what the flags of an item say: a letter each, and d<ms>, a holder's grace.
local function flagged(flags)
  local f = readings[flags]
  if not f then
    f = { d = string.match(flags, 'd(%d+)') }
    for letter in string.gmatch(flags, '[^%dd]') do
      f[letter] = true
    end
    readings[flags] = f
  end
  return f
end

-- evictable(key, flags, was) writes the holder's grace, of flag d<ms>, or removes it.
local function evictable(key, flags, was)
  local grace = flags ~= '' and flagged(flags).d
  if grace then
    call('HSET', key, 'evict', grace)
  elseif was then
    call('HDEL', key, 'evict')
  end
end

local function rank(e, id)
  return call('ZSCORE', p .. '::election:' .. e .. ':ranks', id) or ''
end

local function candidate(e, id)
  return call('SISMEMBER', p .. '::election:' .. e .. ':candidates', id) == 1
end

local function details(id)
  return call('HGET', p .. '::server:details', id) or ''
end

-- old(text) says whether a details entry is an original's: ours all have a version.
local function old(text_)
  return text_ ~= '' and not string.find(text_, '"v":', 1, true)
end

-- subscribers(id) is NUMSUB of a bully channel, -1 where it cannot be had.
local function subscribers(id)
  local r = redis.pcall('PUBSUB', 'NUMSUB', p .. '::bully:' .. id)
  if type(r) ~= 'table' or r.err or not r[2] then
    return -1
  end
  return tonumber(r[2]) or -1
end

-- version() is that of the last change of membership. Where it is none that a script writes, or
-- the last one, the log begins anew, with a line about nobody: at a version that nobody knows
-- and that is above none of its own, so that everybody reads the whole list.
local function version()
  local key = p .. '::members'
  local top = call('ZREVRANGE', key, 0, 0, 'WITHSCORES')
  if not top[2] then
    return 0
  end
  local v = sound(top[2])
  if not v or v == LIMIT - 1 then
    v = clock()
    call('DEL', key)
    call('ZADD', key, text(v), '-')
  end
  return v
end

-- change(kind, id) logs one. An id has one entry, so the log is as long as the
-- fleet ever was, up to the bound.
local function change(kind, id)
  local key = p .. '::members'
  local v = version() + 1
  for _, k in ipairs({ '+', '-', '!' }) do
    if k ~= kind then
      call('ZREM', key, k .. id)
    end
  end
  call('ZADD', key, text(v), kind .. id)
  local n = call('ZCARD', key)
  if n > 4096 then
    call('ZREMRANGEBYRANK', key, 0, n - 2048 - 1)
  end
end

-- present in the fleet: list, details, and a line in the log if they are new.
local function enlist(id, text_)
  call('SADD', p .. '::server:list', id)
  if details(id) ~= text_ then
    call('HSET', p .. '::server:details', id, text_)
    change('+', id)
  end
end

-- participate notes elections in which we take part, for quit, leave and purge.
local function participate(id, list)
  for i = 1, #list, 1000 do
    call('SADD', p .. '::election:' .. id .. ':participated', unpack(list, i, math.min(i + 999, #list)))
  end
end

local function stand(candidates, ranks, id, score)
  call('SADD', candidates, id)
  call('ZADD', ranks, score, id)
end

-- every(first, last, step, what) lists the keys of the elections at ARGV[first],
-- ARGV[first + step] and so on. To put a key together costs as much as to look it up.
local function every(first, last, step, what)
  local keys = {}
  for i = first, last, step do
    keys[#keys + 1] = p .. '::election:' .. ARGV[i] .. what
  end
  return keys
end

-- absent(keys) says whether none of many exists. Few are looked at one by one, and very many
-- are more than unpack takes.
local function absent(keys)
  return #keys >= 4 and #keys <= 1000 and call('EXISTS', unpack(keys)) == 0
end

-- Messages wait in the outbox until the end of a script, so that several to
-- one destination travel as one batch.
local outbox = {}

local function post(id, message)
  local list = outbox[id]
  if list then
    list[#list + 1] = message
  else
    outbox[id] = { message }
    outbox[#outbox + 1] = id
  end
end

local function deliver()
  for i = 1, #outbox do
    local list = outbox[outbox[i]]
    local m = list[1]
    if #list > 1 then
      m = '{"type":"batch","messages":[' .. table.concat(list, ',') .. ']}'
    end
    call('PUBLISH', p .. '::bully:' .. outbox[i], m)
  end
end

-- refused is the first error of a batch, nil if there was none.
local refused

-- attempt does something for one election of a batch. Where Redis refuses it the others go
-- on: nobody else tells of what they have given up.
local function attempt(what, ...)
  local done, err = pcall(what, ...)
  if not done then
    refused = refused or err
  end
end

-- finish ends a batch: what was done is told of, and what was refused is the reply.
local function finish()
  deliver()
  if refused then
    error(refused, 0)
  end
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

-- others lists the candidates that are not ours, those with the highest numbers first, so
-- that where they are too many all that outrank us are among them. Ours have a rank. One
-- that has a rank, no session, and an original's details is an original that was started in
-- the place of one of ours that died: the rank is struck. The second value is who has a rank,
-- and how many candidates there are.
local function others(e, ranks)
  local ours, seated, all = {}, {}, call('ZRANGE', ranks, 0, -1)
  born(all)
  for i = 1, #all do
    if not births[all[i]] and old(details(all[i])) then
      call('ZREM', ranks, all[i])
    else
      ours[all[i]] = true
      seated[#seated + 1] = all[i]
    end
  end
  local ids, candidates = {}, call('SMEMBERS', p .. '::election:' .. e .. ':candidates')
  for _, c in ipairs(candidates) do
    if not ours[c] then
      ids[#ids + 1] = c
    end
  end
  local texts, numbers = {}, {}
  for from = 1, #ids, 1000 do
    local found = call('HMGET', p .. '::server:details', unpack(ids, from, math.min(from + 999, #ids)))
    for i = 1, #found do
      local id = ids[from + i - 1]
      texts[id] = found[i] or ''
      local number = string.match(texts[id], '"process":(%d+%.?%d*)')
      numbers[id] = number and tonumber(number) or -1
    end
  end
  table.sort(ids, function(a, b)
    if numbers[a] ~= numbers[b] then
      return numbers[a] > numbers[b]
    end
    return before(a, b)
  end)
  local list = {}
  for i = 1, math.min(#ids, 256) do
    local n = #list
    list[n + 1], list[n + 2], list[n + 3] = ids[i], texts[ids[i]], subscribers(ids[i])
  end
  return list, { ours = seated, candidates = #candidates }
end

local nothing = {}

-- looked is what a canvass says of an election whose record is r, which live candidates
-- it names that outrank us, who have that place, and the second value of others, if they
-- were asked for. Where we are alone there are none.
local function looked(e, ranks, r, name, now, place, f, alone)
  local above, beside, heir, wait, all = nothing, nothing, '', 0, nil
  local lasts = counts(r, name, now)
  if not lasts then
    wait = kept(r, now)
    heir = wait > 0 and r[6] or ''
  end
  if place > 0 and not (lasts and led(ranks, r[1], place)) then
    above = higher(ranks, place)
  end
  if f.m and not f.l and not alone then
    beside, all = others(e, ranks)
  end
  if lasts then
    return { r[4] or '', r[1], r[2], lasts, rank(e, r[1]), r[5] or '', place, above, beside, '', 0, r[8] or '' }, above, all
  elseif above[1] or beside[1] or wait > 0 then
    return { r[4] or '', '', '', -2, '', '', place, above, beside, heir, wait, '' }, above, all
  end
  return { r[4] or '', place }, above, all
end

-- register puts us into the fleet, and into the candidates of those elections of a batch
-- that say so (flag r), at ARGV[first] and so on: election, rank, flags.
local function register(id, text_, first, candidates, ranks)
  local joined = {}
  for k = 1, #ranks do
    local i = first + 3 * (k - 1)
    if flagged(ARGV[i + 2]).r then
      joined[#joined + 1] = ARGV[i]
    end
  end
  if not joined[1] then
    return
  end
  enlist(id, text_)
  participate(id, joined)
  for k = 1, #ranks do
    local i = first + 3 * (k - 1)
    if flagged(ARGV[i + 2]).r then
      stand(candidates[k], ranks[k], id, ARGV[i + 1])
    end
  end
end

-- grant writes the record with a token above every one that anybody saw, and tells the
-- other candidates, who are all, if that is known. Whom a resigner named is appointed. t is who
-- claims, in which tenancy: id, inc, birth, name of the epoch, left of its quarantine, floor, now, and
-- whether there is any vacancy to take off the list.
local function grant(t, e, key, r, seen, flags, all)
  local stored = tonumber(r[4] or 0)
  local token = math.max(stored + 1, seen + 1, t.floor + 1, t.now)
  if token >= LIMIT then
    return { 'spent', stored + 1 < LIMIT and p .. '::epoch' or key }
  end
  t.floor = token
  token = text(token)
  call('HSET', key, 'id', t.id, 'birth', t.birth, 'epoch', t.name, 'token', token)
  local appointed = r[6] == t.id and '1' or ''
  if appointed ~= '' then
    call('HSET', key, 'appointed', appointed)
  elseif r[5] then
    call('HDEL', key, 'appointed')
  end
  if r[6] or r[7] then
    call('HDEL', key, 'heir', 'until')
  end
  evictable(key, flags, r[8])
  if t.vacancies then
    call('SREM', p .. '::vacant', e)
  end
  all = all or call('ZRANGE', p .. '::election:' .. e .. ':ranks', 0, -1)
  local message
  for i = 1, #all do
    if all[i] ~= t.id then
      if not message then
        t.who = t.who or ',"id":' .. cjson.encode(t.id) .. ',"inc":' .. cjson.encode(t.inc) .. ',"token":"'
        message = '{"type":"leader","election":' .. cjson.encode(e) .. t.who .. token .. '"}'
      end
      post(all[i], message)
    end
  end
  return { 'granted', token, appointed }
end

-- award answers a candidate's claim.
local function award(t, e, key, r, seen, flags, all)
  -- A record under our id and another incarnation can count only if that one was
  -- evicted: it may live.
  local lasts = not mine(r, t.id, t.inc) and counts(r, t.name, t.now)
  if lasts then
    return { 'held', r[1], r[4] or '', lasts, r[2], rank(e, r[1]), r[5] or '', r[8] or '' }
  elseif t.left > 0 then
    return { 'quarantine', t.left }
  elseif r[6] ~= t.id and kept(r, t.now) > 0 then
    return { 'kept', kept(r, t.now), r[6] }
  end
  return grant(t, e, key, r, seen, flags, all)
end

-- announce ends a script that has claimed: it keeps the floor, and tells who is to be told.
local function announce(t, before)
  if t.floor > before then
    call('HSET', p .. '::epoch', 'floor', text(t.floor))
  end
  deliver()
end

-- vacate(e, id, token, want) takes the holder out of the record, keeps the
-- token, chooses the heir and tells it and the one after it. It returns the heir.
local function vacate(e, id, token, want)
  local ranks = p .. '::election:' .. e .. ':ranks'
  local order = call('ZREVRANGE', ranks, 0, 63)
  local alone = #order == 0 or order[1] == id and #order == 1 -- nobody else is to look for it
  if not alone then
    -- First: if the server refuses what follows, somebody looks at the office all the same.
    call('SADD', p .. '::vacant', e)
  end
  call('HDEL', p .. '::election:' .. e .. ':leader', 'id', 'birth', 'epoch', 'appointed', 'evict')
  if alone then
    return ''
  end
  local heir, second = '', ''
  if want ~= '' and want ~= id and rank(e, want) ~= '' and lives(want) then
    heir = want
  end
  for i = 1, #order do
    local c = order[i]
    if c ~= id and c ~= heir and lives(c) then
      if heir ~= '' then
        second = c
        break
      end
      heir = c
    end
  end
  if heir ~= '' then
    local m = '{"type":"vacant","election":' .. cjson.encode(e) .. ',"id":' .. cjson.encode(id)
      .. ',"token":"' .. token .. '","heir":' .. cjson.encode(heir) .. '}'
    -- The server writes last to whom it has published first: the heir is not to wait.
    if second ~= '' then
      post(second, m)
    end
    post(heir, m)
  end
  return heir
end

local lowest

-- postpone(command, e) puts an election on the list of those that a heartbeat is to look at, or
-- takes it off. What is only to be tidied up is never refused for it.
local function postpone(command, e)
  redis.pcall(command, p .. '::deserted', e)
end

-- deserted(e) leaves nothing of an election once nobody stands for it: names may come and go
-- without end. A record goes only if nobody who may be trusted with the office is in it, and
-- the next token will be above its own all the same, by the floor. Where it has to stay for
-- one that was evicted, or since originals stand, which leave without a word, or until the
-- floor of a new epoch has risen, it goes later. r is the record, if it was read.
local function deserted(e, r)
  local candidates = p .. '::election:' .. e .. ':candidates'
  local there = call('EXISTS', candidates, p .. '::election:' .. e .. ':ranks')
  if there == 2 then
    return
  end
  if there == 1 and call('EXISTS', candidates) == 1 then
    postpone('SADD', e)
    return
  end
  call('SREM', p .. '::vacant', e)
  r = r or named(e)
  if r[1] and r[2] and call('EXISTS', p .. '::evicted:' .. r[2]) == 1 then
    postpone('SADD', e)
    return
  end
  postpone('SREM', e)
  if not r[4] or r[1] and (not r[2] or session(r[1]) == r[2]) then
    return
  end
  lowest = lowest or sound(call('HGET', p .. '::epoch', 'floor')) or 0
  if tonumber(r[4]) <= lowest then
    call('DEL', p .. '::election:' .. e .. ':leader')
  else
    postpone('SADD', e)
  end
end

-- stepback(e, id, inc) is quit for one election.
local function stepback(e, id, inc)
  call('SREM', p .. '::election:' .. id .. ':participated', e)
  call('SREM', p .. '::election:' .. e .. ':candidates', id)
  call('ZREM', p .. '::election:' .. e .. ':ranks', id)
  local r = named(e)
  if mine(r, id, inc) then
    vacate(e, id, r[4] or '0', '')
    r[1] = false
  end
  deserted(e, r)
end

-- portion(id, most) is up to that many of the elections in which a node takes part. It may
-- be in very many, and nobody else is served while a script runs.
local function portion(id, most)
  return call('SRANDMEMBER', p .. '::election:' .. id .. ':participated', most)
end

local function participates(id)
  return call('EXISTS', p .. '::election:' .. id .. ':participated') == 1
end
