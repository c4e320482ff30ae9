/**
 * What is stored, and the scripts that alone change it. Three keys in one cluster slot:
 *   head  hash    epoch, sequence and link of the last entry, and how many members the set has
 *   log   stream  the last entries: `r` revocation, `p` link of the entry before, `l` own link, `t` time; its id is the sequence
 *   set   zset    every revocation in force, by expiry: the snapshot
 * A link is a random name. Entries that name their predecessor show a gap or another history at once, however it came about.
 */

/** Key names below a prefix; the braces keep them in one slot of a cluster. */
export function keysOf(prefix: string): readonly [head: string, log: string, set: string] {
  return [`{${prefix}}:head`, `{${prefix}}:log`, `{${prefix}}:set`];
}

// A set that has another size than the head says was partly lost: evicted, deleted, restored. That is a new history, too.
const FIND_HEAD = `
  local head = redis.call('HMGET', KEYS[1], 'epoch', 'sequence', 'link', 'count')
  local count = redis.call('ZCARD', KEYS[3])
  if not (head[1] and head[2] and head[3]) or tonumber(head[4]) ~= count then
    redis.call('DEL', KEYS[2])
    head = { ARGV[1], '0', ARGV[1] .. ':0' }
    redis.call('HSET', KEYS[1], 'epoch', head[1], 'sequence', head[2], 'link', head[3], 'count', count)
  end
`;

/** ARGV: a random name. Gives epoch, sequence and link of the last entry. */
export const READ_HEAD: string = `${FIND_HEAD}
  return { head[1], head[2], head[3] }
`;

/** ARGV: a random name, revocation, its expiry, entries to keep in the stream, milliseconds to keep what expired. */
export const APPEND: string = `${FIND_HEAD}
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', string.format('(%.0f', now - ARGV[5]))
  if redis.call('ZADD', KEYS[3], 'NX', ARGV[3], ARGV[2]) == 1 then
    local sequence = string.format('%.0f', head[2] + 1)
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], sequence .. '-0',
      'r', ARGV[2], 'p', head[3], 'l', ARGV[1], 't', string.format('%.0f', now))
    redis.call('HSET', KEYS[1], 'sequence', sequence, 'link', ARGV[1])
  end
  redis.call('HSET', KEYS[1], 'count', redis.call('ZCARD', KEYS[3]))
`;
