/** What the holder of a claim does with it, and nobody else: each of these asks for the token of the claim first. */
import { type QueueScript, scriptOf } from './prelude.ts';

const HOLDING = `
local function holding(id, token)
  local entry = load(id)
  if not entry or entry.token ~= token then return nil end
  -- Needs no memory, and so lets the writes that follow through when there is none left.
  redis.call('ZREM', base .. 'leases', id)
  redis.call('ZREM', base .. 'delays', id)
  redis.call('ZREM', readyOf(entry), id)
  return entry
end
`;

/** ARGV: 4 until when; then id and token of each. Gives for each whether it was held. */
export const EXTEND: QueueScript = scriptOf(`${HOLDING}
local answers = {}
for index = 5, #ARGV, 2 do
  local entry = holding(ARGV[index], ARGV[index + 1])
  if entry then
    entry.state = 'claimed'
    save(ARGV[index], entry)
    redis.call('ZADD', base .. 'leases', ARGV[4], ARGV[index])
    schedule(entry)
  end
  answers[#answers + 1] = entry and 1 or 0
end
return answers
`);

/** ARGV: id, token, state, status or reason, 'yes' for a result, and it, of each. Gives for each whether this has ended it. */
export const SETTLE: QueueScript = scriptOf(`${HOLDING}
local function settle(id, token, state, word, hasResult, result)
  local entry = holding(id, token)
  if not entry then return 0 end
  finish(id, entry, state, word)
  if hasResult == 'yes' then redis.call('HSET', base .. 'results', id, result) end
  return 1
end

local answers = {}
for index = 4, #ARGV, 6 do
  answers[#answers + 1] =
    settle(ARGV[index], ARGV[index + 1], ARGV[index + 2], ARGV[index + 3], ARGV[index + 4], ARGV[index + 5])
end
forget(2 + 2 * #answers)
return answers
`);

const RELEASING = `${HOLDING}
local function release(id, token, notBefore, untouched)
  local entry = holding(id, token)
  if not entry then return 0 end
  local isReady = tonumber(notBefore) <= now
  entry.state, entry.token, entry.attempts = isReady and 'ready' or 'delayed', nil, entry.attempts - untouched
  save(id, entry)
  if isReady then
    redis.call('ZADD', readyOf(entry), entry.number, id)
  else
    redis.call('ZADD', base .. 'delays', notBefore, id)
  end
  schedule(entry)
  return 1
end
`;

/** ARGV: id, token, not before when, 1 if nothing was done, of each. Gives for each whether it was held. */
export const RELEASE: QueueScript = scriptOf(`${RELEASING}
local answers = {}
for index = 4, #ARGV, 4 do
  answers[#answers + 1] = release(ARGV[index], ARGV[index + 1], ARGV[index + 2], tonumber(ARGV[index + 3]))
end
return answers
`);

/** ARGV: tokens of claims whose answer did not arrive. What was claimed by them is given back untouched: nobody knows of it. */
export const GIVE_BACK: QueueScript = scriptOf(`${RELEASING}
local unheard = {}
for index = 4, #ARGV do unheard[ARGV[index]] = true end
for _, id in ipairs(redis.call('ZRANGE', base .. 'leases', 0, -1)) do
  local entry = load(id)
  if entry and entry.token and unheard[entry.token] then release(id, entry.token, ARGV[2], 1) end
end
return 0
`);
