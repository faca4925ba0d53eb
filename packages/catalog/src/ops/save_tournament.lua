-- Keeps the record of a tournament, and drops the oldest of others where there are too many or they take too much.
-- KEYS[1]: prefix of the catalog's keys
-- ARGV: id, when it ended, its head JSON, its record JSON, most records, most bytes of all records
-- Returns how many were dropped.
local ends, heads = KEYS[1] .. ':tournaments', KEYS[1] .. ':tournament-heads'
local records, bytes = KEYS[1] .. ':tournament-records', KEYS[1] .. ':tournament-bytes'
local id = ARGV[1]
redis.call('INCRBY', bytes, #ARGV[4] - redis.call('HSTRLEN', records, id))
redis.call('ZADD', ends, ARGV[2], id)
redis.call('HSET', heads, id, ARGV[3])
redis.call('HSET', records, id, ARGV[4])
local dropped = 0
for _, oldest in ipairs(redis.call('ZRANGE', ends, 0, -1)) do
  local fits = redis.call('ZCARD', ends) <= tonumber(ARGV[5])
    and tonumber(redis.call('GET', bytes)) <= tonumber(ARGV[6])
  if fits then break end
  if oldest ~= id then
    redis.call('DECRBY', bytes, redis.call('HSTRLEN', records, oldest))
    redis.call('ZREM', ends, oldest)
    redis.call('HDEL', heads, oldest)
    redis.call('HDEL', records, oldest)
    dropped = dropped + 1
  end
end
return dropped
