-- In front of every script behind a fence: refuses what an older token writes.
--
-- KEYS  1 the newest token, 2 the resource, 3... the caller's
-- ARGV  1 the writer's token, 2 the resource, for the error, 3... the caller's
-- Tokens are compared as decimal text: Lua's numbers are exact to 2^53 only.
local function rest(list, n)
  local out = {}
  for i = n + 1, #list do
    out[#out + 1] = list[i]
  end
  return out
end

local function older(a, b)
  if #a ~= #b then
    return #a < #b
  end
  -- In two halves, each exact as a number; '<' on text follows the locale.
  local x, y = tonumber(string.sub(a, 1, -11)) or 0, tonumber(string.sub(b, 1, -11)) or 0
  if x ~= y then
    return x < y
  end
  return tonumber(string.sub(a, -10)) < tonumber(string.sub(b, -10))
end

local newest = redis.call('GET', KEYS[1])
if newest and not string.match(newest, '^[1-9]%d*$') then
  return redis.error_reply('ERR the fence ' .. KEYS[1] .. ' holds no token')
end
if newest and older(ARGV[1], newest) then
  return redis.error_reply('FENCED ' .. ARGV[1] .. ' ' .. newest .. ' ' .. ARGV[2])
end
if newest ~= ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1])
end
