-- The sums as they are now.
-- KEYS: totals, growth, instances
-- ARGV: now, key of an instance without its id
-- Returns totals as a flat list of fields and values, and the number of instances.
expire_growth(KEYS[1], KEYS[2], ARGV[2], ARGV[1])
return { redis.call('HGETALL', KEYS[1]), redis.call('ZCARD', KEYS[3]) }
