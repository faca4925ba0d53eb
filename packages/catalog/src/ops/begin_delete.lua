-- Claims an instance for deletion. One in flight goes only on behalf of its own request.
-- KEYS: in-flight, instance
-- ARGV: id, request ('' = nobody's)
if redis.call('EXISTS', KEYS[2]) == 0 then return 'absent' end
if redis.call('HEXISTS', KEYS[2], 'deleting') == 1 then return 'deleting' end
local owner = redis.call('HGET', KEYS[1], ARGV[1])
if owner and owner ~= ARGV[2] then return 'in-flight' end
redis.call('HSET', KEYS[2], 'deleting', '1')
return 'begun'
