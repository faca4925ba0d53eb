-- An instance of a request has come up: it is in flight until the request completes.
-- KEYS[1]: prefix of the catalog's keys
-- ARGV: request, its life, id, spawnedAt, field, value, …
-- Returns committed, already (it is known), or cancelled (the request is not wanted any more).
local base, request, life, id = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local instance = base .. ':instance:' .. id
if redis.call('EXISTS', instance) == 1 then return 'already' end
if redis.call('EXISTS', base .. ':cancelled:' .. request .. ':' .. life) == 1 then return 'cancelled' end
redis.call('ZADD', base .. ':instances', ARGV[4], id)
redis.call('ZADD', base .. ':due', ARGV[4], id)
redis.call('HSET', base .. ':in-flight', id, request)
redis.call('HSET', instance, unpack(ARGV, 5))
if redis.call('HEXISTS', instance, 'ttl') == 1 or redis.call('HEXISTS', instance, 'discarded') == 1 then
  redis.call('SADD', base .. ':early', id)
end
redis.call('XADD', base .. ':touched', 'MAXLEN', '~', 20000, '*', 'id', id)
return 'committed'
