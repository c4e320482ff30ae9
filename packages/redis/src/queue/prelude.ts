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
 *   ended, dead     zset    entries that have, by time; results: what the upstream answered
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
local function readyOf(entry) return base .. 'ready:' .. ownerOf(entry) end

${LEDGER}-- Its message leaves the group and the stream in one go.
local function dropMessage(entry)
  redis.call('XACK', base .. 'stream', 'workers', text(entry.number) .. '-0')
  redis.call('XDEL', base .. 'stream', text(entry.number) .. '-0')
end

local function finish(id, entry, state, word)
  entry.state, entry.token, entry.ended = state, nil, now
  if state == 'done' then entry.status = tonumber(word) else entry.reason = word end
  save(id, entry)
  redis.call('ZREM', base .. 'waiting', id)
  if state == 'dead' then
    -- A dead letter keeps its message, and so its room.
    redis.call('ZADD', base .. 'dead', ARGV[2], string.format('%016.0f', entry.number) .. id)
    change(entry, { 0, 0, -1 })
  else
    redis.call('ZADD', base .. 'ended', ARGV[2], id)
    change(entry, { -1, -entry.bytes, -1 })
  end
  schedule(entry)
  add(state, 1)
  count('e')
  if state ~= 'dead' then dropMessage(entry) end
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
    local entry = load(id)
    if entry and not isKept(entry) then drop(id, entry) end
  end
end
`;

/** A script with what all share in front. */
export function scriptOf(lua: string): QueueScript {
  return { lua: PRELUDE + lua };
}
