-- Keeps an instance's newest sample, what it is still expected to add, and when it is due again.
-- KEYS: instance, totals, growth, due
-- ARGV: id, sample JSON, growth bytes, growth inodes, growth ends, due at, own bytes
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'sample', ARGV[2])
set_own(KEYS[2], KEYS[1], tonumber(ARGV[7]))
set_growth(KEYS[2], KEYS[3], KEYS[1], ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5])
redis.call('ZADD', KEYS[4], ARGV[6], ARGV[1])
return 1
