/** Handing entries to a worker, in turns. */
import { type QueueScript, scriptOf } from './prelude.ts';

/**
 * ARGV: 4 worker, 5 how many, 6 token, 7 until when, 8 how many bytes. Gives for each: id, number of the attempt, accepted at, run
 * before, route, issuer, client, idempotency key or '', fingerprint, payload.
 *
 * Who has claimed last is written down here and decides; that is why entries are taken over by XCLAIM at once, and not when Redis
 * finds that they have been idle: its clock has no part in it. A write that needs no memory comes first each time, so that a server
 * without any left can still be worked off.
 */
export const CLAIM: QueueScript = scriptOf(`
-- Who let a lease run out may still settle until somebody else claims the entry: the token stays.
local function returned(from, keepsToken)
  local most = math.max(tonumber(ARGV[5]), 1000)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', base .. from, '-inf', ARGV[2], 'LIMIT', 0, most)) do
    redis.call('ZREM', base .. from, id)
    local entry = load(id)
    entry.state = 'ready'
    if not keepsToken then entry.token = nil end
    save(id, entry)
    redis.call('ZADD', backOf(entry), entry.number, id)
    change(entry, { 0, 0, 0, 1 })
  end
end

-- Whose turn it is. Afterwards it is last in the round.
local function taken(turns)
  local first = redis.call('ZPOPMIN', turns)[1]
  if first then redis.call('ZADD', turns, turn(), first) end
  return first
end

local function nextMessage(owner)
  local stream = streamOf(owner)
  local back = redis.call('ZRANGE', backOf(owner), 0, 0, 'WITHSCORES')
  if back[1] then
    local again = redis.pcall('XCLAIM', stream, 'workers', ARGV[4], 0, back[2] .. '-0')
    if again[1] then redis.call('ZREM', backOf(owner), back[1]) end
    return again[1]
  end
  local fresh = redis.pcall('XREADGROUP', 'GROUP', 'workers', ARGV[4], 'COUNT', 1, 'STREAMS', stream, '>')
  return fresh and fresh[1] and fresh[1][2][1]
end

returned('leases', true)
returned('delays', false)
local claims, bytes = {}, 0
while #claims < tonumber(ARGV[5]) and bytes < tonumber(ARGV[8]) do
  local issuer = taken(base .. 'turns')
  if not issuer then break end
  local message = nextMessage({ issuer = issuer, client = taken(base .. 'turns:' .. issuer) })
  if not message then
    -- Somebody has deleted or evicted it. Others go on: the turn has passed.
    if #claims > 0 then break end
    return redis.error_reply('DAMAGED an entry has lost its message')
  end
  local id, payload = message[2][2], message[2][4]
  local entry = load(id)
  entry.state, entry.token, entry.attempts = 'claimed', ARGV[6], entry.attempts + 1
  save(id, entry)
  redis.call('ZADD', base .. 'leases', ARGV[7], id)
  change(entry, { 0, 0, 0, -1 })
  bytes = bytes + entry.bytes
  claims[#claims + 1] = {
    id, text(entry.attempts), text(entry.accepted), text(entry.before), entry.route, entry.issuer, entry.client,
    entry.key or '', entry.fingerprint, payload,
  }
end
forget(64)
return claims
`);
