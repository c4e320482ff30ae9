/**
 * What a queue keeps in Redis, and the Lua that all its scripts share. A script runs alone and wholly: it is the transaction.
 *
 * Behind `{prefix}:`, so that all of a queue lies in one slot of a cluster:
 *   stream          stream  all entries: `id` and `p`ayload; the id of a message is the number of the entry. What is claimed, or has
 *                           been, is pending in the group `workers` until it has ended
 *   ready:<owner>   zset    what can be claimed of one client, by number: whose turn it is cannot be told by the order of a stream
 *   turns           zset    issuers that have something to claim, by turn; turns:<issuer>: their clients
 *   leases, delays  zset    entries that are claimed, until when; and those that were given back, not before when
 *   entries         hash    what is known of an entry besides its payload, until its outcome is forgotten
 *   waiting         zset    entries that have not ended, by number
 *   ended, refused, unverified, dead
 *                   zset    entries that have, by time: done; refused; refused and never verified; dead letters
 *   results         hash    what the upstream answered
 *   keys            hash    idempotency keys, each with the id of its entry
 *   issuers,clients hash    how much they hold: entries, bytes, depth
 *   head, paces     hash    the totals; and what was accepted and ended in each second of the last minute
 *
 * Commands say what is to be there, never by how much it changes, and no message has a number that another one may have had. A server
 * that was killed in the middle of writing down a script forgets what there is of it when it starts, but may come to it once more when
 * it starts the next time (valkey-io/valkey#4342): then what came after it must put everything right.
 */

import { LEDGER } from './ledger.ts';

/** The version of all this, kept in `head`. */
export const LAYOUT = '1';

/** A script, as it is sent. */
export interface QueueScript {
  readonly lua: string;
}

/**
 * ARGV: 1 last moment for the script by the server's clock, 2 now, 3 how long outcomes are kept, how many, and how many of what was
 * never verified; then those of the script.
 */
const PRELUDE = `
local base = KEYS[1] .. ':'
local time = redis.call('TIME')
-- Who asked has given up meanwhile, and has told others so.
if time[1] * 1000 + time[2] / 1000 > tonumber(ARGV[1]) then return redis.error_reply('LATE asked too long ago') end
local now, limits = tonumber(ARGV[2]), cjson.decode(ARGV[3])
local kept = limits[1]

-- As redis.call does it for numbers, but for names.
local function text(number) return string.format('%.17g', number) end

-- What somebody has spoilt is nothing: it must not stop what comes after it.
local function unpacked(packed)
  local isGood, value = pcall(cmsgpack.unpack, packed)
  return isGood and type(value) == 'table' and value or nil
end

local function load(id)
  local packed = redis.call('HGET', base .. 'entries', id)
  return packed and unpacked(packed)
end

local function save(id, entry) redis.call('HSET', base .. 'entries', id, cmsgpack.pack(entry)) end

local function ownerOf(entry) return #entry.client .. ':' .. entry.client .. entry.issuer end
local function readyOf(entry) return base .. 'ready:' .. ownerOf(entry) end

${LEDGER}-- Its message leaves the group and the stream in one go.
local function dropMessage(entry)
  redis.call('XACK', base .. 'stream', 'workers', text(entry.number) .. '-0')
  redis.call('XDEL', base .. 'stream', text(entry.number) .. '-0')
end

-- The state unverified is a refusal, too.
local function finish(id, entry, state, word)
  local pool = state == 'done' and 'ended' or state
  if state == 'unverified' then state = 'refused' end
  entry.state, entry.token, entry.ended = state, nil, now
  if state == 'done' then entry.status = tonumber(word) else entry.reason = word end
  save(id, entry)
  redis.call('ZREM', base .. 'waiting', id)
  if state == 'dead' then
    -- A dead letter keeps its message, and so its room.
    redis.call('ZADD', base .. 'dead', ARGV[2], string.format('%016.0f', entry.number) .. id)
    change(entry, { 0, 0, -1 })
  else
    redis.call('ZADD', base .. pool, ARGV[2], id)
    change(entry, { -1, -entry.bytes, -1 })
  end
  schedule(entry)
  add(state, 1)
  count('e')
  if state ~= 'dead' then dropMessage(entry) end
end

local POOLS = { 'ended', 'refused', 'unverified' }

local function drop(id, entry)
  for _, pool in ipairs(POOLS) do redis.call('ZREM', base .. pool, id) end
  redis.call('HDEL', base .. 'entries', id)
  redis.call('HDEL', base .. 'results', id)
  if entry.key and redis.call('HGET', base .. 'keys', entry.key) == id then redis.call('HDEL', base .. 'keys', entry.key) end
end

local function isKept(entry)
  if entry.state ~= 'done' and entry.state ~= 'refused' then return true end
  return entry.ended + kept > now
end

local function dropAll(ids)
  for _, id in ipairs(ids) do drop(id, load(id) or {}) end
end

local function forgetOldest(pool, excess, most)
  local count = math.min(excess, most)
  if count > 0 then dropAll(redis.call('ZRANGE', base .. pool, 0, count - 1)) end
end

local function forget(most)
  for _, pool in ipairs(POOLS) do
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', base .. pool, '-inf', text(now - kept), 'LIMIT', 0, most)) do
      redis.call('ZREM', base .. pool, id)
      local entry = load(id)
      if entry and not isKept(entry) then drop(id, entry) end
    end
  end
  local function size(pool) return redis.call('ZCARD', base .. pool) end
  forgetOldest('unverified', size('unverified') - limits[3], most)
  -- What was done goes last.
  forgetOldest('refused', math.min(size('refused'), size('ended') + size('refused') - limits[2]), most)
  forgetOldest('ended', size('ended') + size('refused') - limits[2], most)
end
`;

/** A script with what all share in front. */
export function scriptOf(lua: string): QueueScript {
  return { lua: PRELUDE + lua };
}
