-- A deletion ended: the instance is gone from sight, or it stays.
-- KEYS: instances, in-flight, instance, totals, growth, dirty, ttls, due
-- ARGV: id, 'gone' | 'kept'
if ARGV[2] == 'kept' then
  redis.call('HDEL', KEYS[3], 'deleting')
else
  drop_own(KEYS[4], KEYS[3])
  drop_growth(KEYS[4], KEYS[5], KEYS[3], ARGV[1])
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('ZREM', KEYS[8], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('SREM', KEYS[6], ARGV[1])
  redis.call('SREM', KEYS[7], ARGV[1])
  redis.call('DEL', KEYS[3])
end
return 1
