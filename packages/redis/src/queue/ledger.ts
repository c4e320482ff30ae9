/** Lua that all scripts of a queue share: who holds how much, whose turn it is, and the pace of the last minute. */

/** Needs `unpacked`, `base`, `now`, `text`, `ownerOf` and `readyOf`. */
export const LEDGER = `
-- Always the new value, never a difference: see the prelude.
local function add(name, by)
  local sum = math.max(0, tonumber(redis.call('HGET', base .. 'head', name) or 0) + by)
  redis.call('HSET', base .. 'head', name, sum)
  return sum
end

local function holds(kind, name)
  local packed = redis.call('HGET', base .. kind, name)
  return packed and unpacked(packed) or { 0, 0, 0 }
end

local function changeOne(kind, name, by)
  local own = holds(kind, name)
  for index = 1, 3 do own[index] = math.max(0, own[index] + by[index]) end
  if own[1] == 0 then redis.call('HDEL', base .. kind, name)
  else redis.call('HSET', base .. kind, name, cmsgpack.pack(own)) end
end

-- by: entries, bytes, depth
local function change(entry, by)
  for index, name in ipairs({ 'entries', 'bytes', 'depth' }) do
    if by[index] ~= 0 then add(name, by[index]) end
  end
  changeOne('issuers', entry.issuer, by)
  changeOne('clients', ownerOf(entry), by)
end

local function scheduleOne(turns, member, work)
  if redis.call('EXISTS', work) == 0 then redis.call('ZREM', turns, member)
  -- Whoever had nothing waiting joins at the end of the round.
  elseif not redis.call('ZSCORE', turns, member) then redis.call('ZADD', turns, add('turn', 1), member) end
end

-- After each change of what is ready: whether its client, and its issuer, take part in the round.
local function schedule(entry)
  local turns = base .. 'turns:' .. entry.issuer
  scheduleOne(turns, entry.client, readyOf(entry))
  scheduleOne(base .. 'turns', entry.issuer, turns)
end

local function count(event)
  local second = math.floor(now / 1000)
  if redis.call('HINCRBY', base .. 'paces', event .. text(second), 1) > 1 then return end
  -- A new second: old ones go, also what a clock that was ahead has left.
  for _, name in ipairs(redis.call('HKEYS', base .. 'paces')) do
    local other = tonumber(string.sub(name, 2))
    if other <= second - 60 or other > second + 60 then redis.call('HDEL', base .. 'paces', name) end
  end
end

local function paces()
  local second = math.floor(now / 1000)
  local sums = { a = 0, e = 0 }
  local all = redis.call('HGETALL', base .. 'paces')
  for index = 1, #all, 2 do
    local event, other = string.sub(all[index], 1, 1), tonumber(string.sub(all[index], 2))
    if other > second - 60 and other <= second then sums[event] = sums[event] + tonumber(all[index + 1]) end
  end
  return sums
end
`;
