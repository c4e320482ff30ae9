/** Taking an entry in: known, full, or stored; and of whom how much may be stored. */
import { LAYOUT, type QueueScript, scriptOf } from './prelude.ts';

// The rule of `fullScope` in @watchword/deferred, in the same order of operations, so that it gives the same numbers.
const FULL_SCOPE = `
local function scopeIn(unit, most, adding, queue, issuer, client, issuerShare, clientShare)
  local forIssuer = issuerShare * (most - (queue - issuer[unit]))
  local forClient = clientShare * (forIssuer - (issuer[unit] - client[unit]))
  if queue + adding > most then return 1 end
  if issuer[unit] + adding > forIssuer then return 2 end
  return client[unit] + adding > forClient and 3 or 4
end

local function fullScope(entry, head, limits)
  local issuer, client = holds('issuers', entry.issuer), holds('clients', ownerOf(entry))
  local adding, queue = { 1, entry.bytes }, { tonumber(head[1] or 0), tonumber(head[2] or 0) }
  local first = 4
  for unit = 1, 2 do
    local scope = scopeIn(unit, limits[unit], adding[unit], queue[unit], issuer, client, limits[3], limits[4])
    first = math.min(first, scope)
  end
  return ({ 'queue', 'issuer', 'client' })[first]
end
`;

/**
 * ARGV: 4 id, 5 fingerprint, 6 accepted at, 7 run before, 8 route, 9 issuer, 10 client, 11 idempotency key or '', 12 bytes,
 * 13 payload, 14 to 17 limits (entries, bytes, share of an issuer, of a client).
 */
export const ACCEPT: QueueScript = scriptOf(`${FULL_SCOPE}
local id, key = ARGV[4], ARGV[11] ~= '' and ARGV[11] or nil

-- One that is forgotten makes room for its id and its key.
local function known(other)
  local entry = other and load(other)
  if not entry then return nil end
  if isKept(entry) then return entry end
  drop(other, entry)
end

local first, firstId = known(id), id
if not first and key then
  firstId = redis.call('HGET', base .. 'keys', key)
  first = known(firstId)
end
if first then
  if first.fingerprint == ARGV[5] then return { 'repeated', firstId } end
  return { 'conflict' }
end

local entry = {
  fingerprint = ARGV[5], accepted = tonumber(ARGV[6]), before = tonumber(ARGV[7]), route = ARGV[8], issuer = ARGV[9],
  client = ARGV[10], key = key, bytes = tonumber(ARGV[12]), state = 'ready', attempts = 0,
}
local head = redis.call('HMGET', base .. 'head', 'entries', 'bytes', 'depth')
local scope = fullScope(entry, head, { tonumber(ARGV[14]), tonumber(ARGV[15]), tonumber(ARGV[16]), tonumber(ARGV[17]) })
if scope then return { 'full', scope, head[3] or '0', text(paces().e / 60) } end

-- By the server's time, in microseconds, so that none comes twice.
local last = redis.call('HGET', base .. 'head', 'number')
if not last then redis.call('HSET', base .. 'head', 'layout', '${LAYOUT}') end
entry.number = math.max(tonumber(last or 0) + 1, time[1] * 1000000 + time[2])
redis.call('HSET', base .. 'head', 'number', text(entry.number))
local stream = base .. 'stream'
if redis.call('EXISTS', stream) == 0 then redis.call('XGROUP', 'CREATE', stream, 'workers', '0', 'MKSTREAM') end
redis.call('XADD', stream, text(entry.number) .. '-0', 'id', id, 'p', ARGV[13])
save(id, entry)
if key then redis.call('HSET', base .. 'keys', key, id) end
redis.call('ZADD', base .. 'waiting', entry.number, id)
redis.call('ZADD', readyOf(entry), entry.number, id)
change(entry, { 1, entry.bytes, 1 })
schedule(entry)
add('accepted', 1)
count('a')
forget(4)
return { 'accepted', id }
`);
