-- Takes an instance into the catalog that no reservation stood for, and which may still grow.
-- KEYS: instances, instance, ttls, due, totals, growth
-- ARGV: id, spawnedAt, growth bytes, growth inodes, growth ends, own bytes, field, value, …
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZADD', KEYS[4], ARGV[2], ARGV[1])
redis.call('HSET', KEYS[2], unpack(ARGV, 7))
if redis.call('HEXISTS', KEYS[2], 'ttl') == 1 then redis.call('SADD', KEYS[3], ARGV[1]) end
set_own(KEYS[5], KEYS[2], tonumber(ARGV[6]))
set_growth(KEYS[5], KEYS[6], KEYS[2], ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5])
return 1
