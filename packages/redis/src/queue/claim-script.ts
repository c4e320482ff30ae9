/** Handing entries to a worker, in turns. */
import { type QueueScript, scriptOf } from './prelude.ts';

/**
 * ARGV: 4 worker, 5 how many, 6 token, 7 until when, 8 how many bytes. Gives for each: id, number of the attempt, accepted at, run
 * before, route, issuer, client, idempotency key or '', fingerprint, payload.
 *
 * Who has claimed last is written down here and decides; that is why entries are delivered, and taken over, by XCLAIM at once: not in
 * the order of the stream, and not when Redis finds that they have been idle, since its clock has no part in it. A write that needs no memory comes first each time, so that a server
 * without any left can still be worked off.
 */
export const CLAIM: QueueScript = scriptOf(`
local function makeReady(id, entry, token)
  entry.state, entry.token = 'ready', token
  save(id, entry)
  redis.call('ZADD', readyOf(entry), entry.number, id)
  schedule(entry)
end

-- Who let a lease run out may still settle until somebody else claims the entry: the token stays.
local function returned(from, state, keepsToken)
  local most = math.max(tonumber(ARGV[5]), 1000)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', base .. from, '-inf', ARGV[2], 'LIMIT', 0, most)) do
    redis.call('ZREM', base .. from, id)
    local entry = load(id)
    if entry and entry.state == state then makeReady(id, entry, keepsToken and entry.token or nil) end
  end
end

-- Whose turn it is. Afterwards it is last in the round.
local function taken(turns)
  local first = redis.call('ZRANGE', turns, 0, 0)[1]
  if not first then return nil end
  redis.call('ZREM', turns, first)
  redis.call('ZADD', turns, add('turn', 1), first)
  return first
end

-- Whatever of a client has waited longest: new, given back, or left by somebody whose lease ran out.
local function payloadOf(entry)
  local function ask()
    return redis.pcall('XCLAIM', base .. 'stream', 'workers', ARGV[4], 0, text(entry.number) .. '-0', 'FORCE')
  end
  local messages = ask()
  -- Somebody has deleted the group: the messages are still there, unless the stream is gone, too.
  if messages.err and redis.call('EXISTS', base .. 'stream') == 1 then
    redis.pcall('XGROUP', 'CREATE', base .. 'stream', 'workers', '0')
    messages = ask()
    -- Not known to be lost, so nothing is said about it.
    if messages.err then error(messages.err) end
  end
  return messages[1] and messages[1][2][4]
end

local function claim(id, entry, payload)
  entry.state, entry.token, entry.attempts = 'claimed', ARGV[6], entry.attempts + 1
  save(id, entry)
  redis.call('ZADD', base .. 'leases', ARGV[7], id)
  schedule(entry)
  return {
    id, text(entry.attempts), text(entry.accepted), text(entry.before), entry.route, entry.issuer, entry.client,
    entry.key or '', entry.fingerprint, payload,
  }
end

-- Entries that are in none of the sets in which they would be found, because the server was killed in the middle of a script, twice.
-- When there is nothing to claim, all that waits is claimed or delayed: so it costs nothing to know that there are none.
local function findLost()
  local function size(name) return redis.call('ZCARD', base .. name) end
  if size('waiting') <= size('leases') + size('delays') then return end
  for _, id in ipairs(redis.call('ZRANGE', base .. 'waiting', 0, -1)) do
    local entry = load(id)
    if not entry or entry.ended then redis.call('ZREM', base .. 'waiting', id)
    elseif not redis.call('ZSCORE', base .. 'leases', id) and not redis.call('ZSCORE', base .. 'delays', id) then
      makeReady(id, entry, entry.token)
    end
  end
end

returned('leases', 'claimed', true)
returned('delays', 'delayed', false)
local claims, bytes = {}, 0
while #claims < tonumber(ARGV[5]) and bytes < tonumber(ARGV[8]) do
  local issuer = taken(base .. 'turns')
  if not issuer then break end
  local owner = { issuer = issuer, client = taken(base .. 'turns:' .. issuer) or '' }
  local id = redis.call('ZRANGE', readyOf(owner), 0, 0)[1]
  local entry = id and load(id)
  if id then redis.call('ZREM', readyOf(owner), id) end
  if entry and entry.state ~= 'ready' then entry = nil end
  local payload = entry and payloadOf(entry)
  if payload then
    claims[#claims + 1] = claim(id, entry, payload)
    bytes = bytes + entry.bytes
  elseif entry then
    -- Somebody has deleted it: there is nothing to run, and that is told to whoever asks.
    finish(id, entry, 'refused', 'payload_lost')
  else
    schedule(owner)
  end
end
if #claims == 0 then findLost() end
forget(64)
return claims
`);
