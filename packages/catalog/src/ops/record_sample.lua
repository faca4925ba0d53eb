-- Keeps an instance's newest sample, what it is still expected to add, and when it is due again.
-- KEYS: instance, totals, growth, due
-- ARGV: id, sample JSON, growth bytes, growth inodes, growth ends, due at, own bytes,
--       lease's end and when it was last leased, as the growth was computed from ('' = never)
-- Returns kept, absent, or changed: leased or released since, so that the growth is not what it would be now.
if redis.call('EXISTS', KEYS[1]) == 0 then return 'absent' end
local now = redis.call('HMGET', KEYS[1], 'leaseUntil', 'lastLeasedAt')
if tonumber(now[1] or '') ~= tonumber(ARGV[8]) or tonumber(now[2] or '') ~= tonumber(ARGV[9]) then return 'changed' end
redis.call('HSET', KEYS[1], 'sample', ARGV[2])
set_own(KEYS[2], KEYS[1], tonumber(ARGV[7]))
set_growth(KEYS[2], KEYS[3], KEYS[1], ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5])
redis.call('ZADD', KEYS[4], ARGV[6], ARGV[1])
return 'kept'
