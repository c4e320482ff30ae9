/** Looking at a queue, and what becomes of its dead letters. */
import { type QueueScript, scriptOf } from './prelude.ts';

/**
 * ARGV: 4 id. Gives state, attempts, accepted at, route, client, ended at, status or reason, and the result if there is one; nothing
 * for an unknown id.
 */
export const STATUS: QueueScript = scriptOf(`
local entry = load(ARGV[4])
if not entry or not isKept(entry) then return {} end
local state = entry.state
if not entry.ended then
  local lease = redis.call('ZSCORE', base .. 'leases', ARGV[4])
  state = lease and tonumber(lease) > now and 'claimed' or 'accepted'
end
local facts = {
  state, text(entry.attempts), text(entry.accepted), entry.route, entry.client, text(entry.ended or 0),
  entry.status and text(entry.status) or entry.reason or '',
}
local result = redis.call('HGET', base .. 'results', ARGV[4])
if result then facts[8] = result end
return facts
`);

/** Gives the totals, claimed, when the oldest was accepted or '', accepted and ended in the last minute, and issuers with depths. */
export const STATS: QueueScript = scriptOf(`
local totals = redis.call('HMGET', base .. 'head', 'entries', 'depth', 'accepted', 'done', 'refused', 'dead', 'replayed', 'purged')
for index = 1, 8 do totals[index] = totals[index] or '0' end
local oldest = redis.call('ZRANGE', base .. 'waiting', 0, 0)[1]
local sums, issuers, all = paces(), {}, redis.call('HGETALL', base .. 'issuers')
for index = 1, #all, 2 do
  local depth = (unpacked(all[index + 1]) or { 0, 0, 0 })[3]
  if depth > 0 then
    issuers[#issuers + 1] = all[index]
    issuers[#issuers + 1] = text(depth)
  end
end
return {
  totals, text(redis.call('ZCOUNT', base .. 'leases', '(' .. ARGV[2], '+inf')), oldest and text((load(oldest) or { accepted = now }).accepted) or '',
  text(sums.a), text(sums.e), issuers,
}
`);

/** ARGV: 4 id to begin behind or '', 5 how many. Gives for each: id, route, issuer, accepted at, ended at, attempts, reason. */
export const DEAD: QueueScript = scriptOf(`
local from = 0
local last = load(ARGV[4])
if last and last.state == 'dead' then
  local rank = redis.call('ZRANK', base .. 'dead', string.format('%016.0f', last.number) .. ARGV[4])
  from = rank and rank + 1 or 0
end
local letters = {}
for _, member in ipairs(redis.call('ZRANGE', base .. 'dead', from, from + tonumber(ARGV[5]) - 1)) do
  local id = string.sub(member, 17)
  local entry = load(id)
  if entry and entry.state == 'dead' then
    letters[#letters + 1] = {
      id, entry.route, entry.issuer, text(entry.accepted), text(entry.ended), text(entry.attempts), entry.reason,
    }
  end
end
return letters
`);

const LETTER = `
local function letter(id)
  local entry = load(id)
  return entry and entry.state == 'dead' and entry
end

local function leave(id, entry) redis.call('ZREM', base .. 'dead', string.format('%016.0f', entry.number) .. id) end
`;

/** ARGV: ids. Gives those that were put back. */
export const REPLAY: QueueScript = scriptOf(`${LETTER}
local replayed = {}
for index = 4, #ARGV do
  local id = ARGV[index]
  local entry = letter(id)
  if entry and entry.before > now then
    leave(id, entry)
    entry.state, entry.attempts, entry.ended, entry.reason = 'ready', 0, nil, nil
    save(id, entry)
    redis.call('ZADD', base .. 'waiting', entry.number, id)
    redis.call('ZADD', readyOf(entry), entry.number, id)
    change(entry, { 0, 0, 1 })
    schedule(entry)
    add('replayed', 1)
    replayed[#replayed + 1] = id
  end
end
return replayed
`);

/** ARGV: ids. Gives those that are gone. */
export const PURGE: QueueScript = scriptOf(`${LETTER}
local purged = {}
for index = 4, #ARGV do
  local id = ARGV[index]
  local entry = letter(id)
  if entry then
    leave(id, entry)
    dropMessage(entry)
    drop(id, entry)
    change(entry, { -1, -entry.bytes, 0 })
    add('purged', 1)
    purged[#purged + 1] = id
  end
end
return purged
`);
