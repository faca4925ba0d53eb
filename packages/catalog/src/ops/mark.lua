-- Sets, or with '' removes, one field of an instance: pin, ttl, score.
-- KEYS: instance, dirty, ttls
-- ARGV: id, field, value, channel
if redis.call('EXISTS', KEYS[1]) == 0 then return 'absent' end
if redis.call('HEXISTS', KEYS[1], 'deleting') == 1 then return 'deleting' end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[2]) else redis.call('HSET', KEYS[1], ARGV[2], ARGV[3]) end
if ARGV[2] == 'ttl' then redis.call(ARGV[3] == '' and 'SREM' or 'SADD', KEYS[3], ARGV[1]) end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('PUBLISH', ARGV[4], ARGV[1])
return 'marked'
