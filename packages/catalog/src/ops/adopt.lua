-- Takes an instance into the catalog that no request brought up in this life of Redis.
-- KEYS[1]: prefix of the catalog's keys
-- ARGV: id, spawnedAt, field, value, …
-- Returns 1, or 0 where it is known.
local base, id = KEYS[1], ARGV[1]
local instance = base .. ':instance:' .. id
if redis.call('EXISTS', instance) == 1 then return 0 end
redis.call('ZADD', base .. ':instances', ARGV[2], id)
redis.call('ZADD', base .. ':due', ARGV[2], id)
redis.call('HSET', instance, unpack(ARGV, 3))
if redis.call('HEXISTS', instance, 'ttl') == 1 or redis.call('HEXISTS', instance, 'discarded') == 1 then
  redis.call('SADD', base .. ':early', id)
end
redis.call('XADD', base .. ':touched', 'MAXLEN', '~', 20000, '*', 'id', id)
if redis.call('HEXISTS', instance, 'oversize') == 1 then redis.call('SADD', base .. ':oversize', id) end
return 1
