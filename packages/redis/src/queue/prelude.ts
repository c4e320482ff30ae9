/**
 * What a queue keeps in Redis, and the Lua that all its scripts share. A script runs alone and wholly: it is the transaction.
 *
 * Behind `{prefix}:`, so that all of a queue lies in one slot of a cluster:
 *   stream:<owner>  stream  the entries of one client: `id` and `p`ayload; the id of a message is the number of the entry. Read through the
 *                           group `workers`; what was delivered stays pending there until it has ended
 *   back:<owner>    zset    entries that were delivered before and may be claimed again, by number: before all that is new
 *   turns           zset    issuers that have something to claim, by turn; turns:<issuer>: their clients
 *   leases, delays  zset    entries that are claimed, until when; and those that were given back, not before when
 *   entries         hash    what is known of an entry besides its payload, until its outcome is forgotten
 *   waiting         zset    entries that have not ended, by number
 *   ended, dead     zset    entries that have, by time; results: what the upstream answered
 *   keys            hash    idempotency keys, each with the id of its entry
 *   issuers,clients hash    how much they hold: entries, bytes, depth, ready
 *   head, paces     hash    the totals; and what was accepted and ended in each second of the last minute
 */

/** A script, as it is sent. */
export interface QueueScript {
  readonly lua: string;
}

/** ARGV: 1 last moment for the script by the server's clock, 2 now, 3 how long outcomes are kept; then those of the script. */
const PRELUDE = `
local base = KEYS[1] .. ':'
local time = redis.call('TIME')
-- Who asked has given up meanwhile, and has told others so.
if time[1] * 1000 + time[2] / 1000 > tonumber(ARGV[1]) then return redis.error_reply('LATE asked too long ago') end
local now, kept = tonumber(ARGV[2]), tonumber(ARGV[3])

-- As redis.call does it for numbers, but for names.
local function text(number) return string.format('%.17g', number) end

local function load(id)
  local packed = redis.call('HGET', base .. 'entries', id)
  return packed and cmsgpack.unpack(packed)
end

local function save(id, entry) redis.call('HSET', base .. 'entries', id, cmsgpack.pack(entry)) end

local function ownerOf(entry) return #entry.client .. ':' .. entry.client .. entry.issuer end
local function streamOf(entry) return base .. 'stream:' .. ownerOf(entry) end
local function backOf(entry) return base .. 'back:' .. ownerOf(entry) end

local function turn() return redis.call('HINCRBY', base .. 'head', 'turn', 1) end

local function holds(kind, name)
  local packed = redis.call('HGET', base .. kind, name)
  return packed and cmsgpack.unpack(packed) or { 0, 0, 0, 0 }
end

local function changeOne(kind, name, turns, member, by)
  local own = holds(kind, name)
  -- Whoever had nothing waiting joins at the end of the round.
  if own[4] == 0 and by[4] > 0 then redis.call('ZADD', turns, turn(), member) end
  for index = 1, 4 do own[index] = own[index] + by[index] end
  if own[4] == 0 then redis.call('ZREM', turns, member) end
  if own[1] == 0 then redis.call('HDEL', base .. kind, name)
  else redis.call('HSET', base .. kind, name, cmsgpack.pack(own)) end
  return own
end

-- by: entries, bytes, depth, ready
local function change(entry, by)
  for index, name in ipairs({ 'entries', 'bytes', 'depth', 'ready' }) do
    if by[index] ~= 0 then redis.call('HINCRBY', base .. 'head', name, by[index]) end
  end
  changeOne('issuers', entry.issuer, base .. 'turns', entry.issuer, by)
  local own = changeOne('clients', ownerOf(entry), base .. 'turns:' .. entry.issuer, entry.client, by)
  if own[1] == 0 then redis.call('DEL', streamOf(entry), backOf(entry)) end
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

-- Its message leaves the group and the stream in one go.
local function dropMessage(entry)
  local stream, number = streamOf(entry), text(entry.number) .. '-0'
  redis.call('XACK', stream, 'workers', number)
  redis.call('XDEL', stream, number)
end

local function drop(id, entry)
  redis.call('HDEL', base .. 'entries', id)
  redis.call('HDEL', base .. 'results', id)
  if entry.key and redis.call('HGET', base .. 'keys', entry.key) == id then redis.call('HDEL', base .. 'keys', entry.key) end
end

local function isKept(entry)
  if entry.state ~= 'done' and entry.state ~= 'refused' then return true end
  return entry.ended + kept > now
end

local function forget(most)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', base .. 'ended', '-inf', text(now - kept), 'LIMIT', 0, most)) do
    redis.call('ZREM', base .. 'ended', id)
    drop(id, load(id))
  end
end
`;

/** A script with what all share in front. */
export function scriptOf(lua: string): QueueScript {
  return { lua: PRELUDE + lua };
}
