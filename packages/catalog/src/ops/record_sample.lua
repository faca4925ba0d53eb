-- Keeps an instance's newest sample, how its size went, and when it is due again.
-- KEYS[1]: prefix of the catalog's keys
-- ARGV: id, sample JSON, due at, its size history with this one
-- Returns the instance's fields as they are then: a flat list of names and values, empty where there is no such instance.
local base, id = KEYS[1], ARGV[1]
local instance = base .. ':instance:' .. id
if redis.call('EXISTS', instance) == 0 then return {} end
redis.call('HSET', instance, 'sample', ARGV[2], 'sizes', ARGV[4])
redis.call('XADD', base .. ':touched', 'MAXLEN', '~', 20000, '*', 'id', id)
redis.call('ZADD', base .. ':due', ARGV[3], id)
return redis.call('HGETALL', instance)
