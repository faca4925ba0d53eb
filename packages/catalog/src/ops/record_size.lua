-- Keeps what an instance became among the newest of its template, its experiment, or their replicas.
-- KEYS[1]: prefix of the catalog's keys
-- ARGV: whose (template:…, experiment:…, replica:…), id, at, finished JSON, most to keep, seconds to keep them ('' = for good)
local finished, ages = KEYS[1] .. ':finished:' .. ARGV[1], KEYS[1] .. ':finished-at:' .. ARGV[1]
if redis.call('SISMEMBER', KEYS[1] .. ':forgotten:' .. ARGV[1], ARGV[2]) == 1 then return 0 end
redis.call('HSET', finished, ARGV[2], ARGV[4])
redis.call('ZADD', ages, ARGV[3], ARGV[2])
local over = redis.call('ZCARD', ages) - tonumber(ARGV[5])
if over > 0 then
  for _, id in ipairs(redis.call('ZRANGE', ages, 0, over - 1)) do
    redis.call('ZREM', ages, id)
    redis.call('HDEL', finished, id)
  end
end
if string.sub(ARGV[1], 1, 8) ~= 'replica:' then
  redis.call('ZADD', KEYS[1] .. ':profiled', 'GT', ARGV[3], ARGV[1])
  redis.call('ZREMRANGEBYRANK', KEYS[1] .. ':profiled', 0, -1001)
end
if ARGV[6] ~= '' then
  redis.call('EXPIRE', finished, ARGV[6])
  redis.call('EXPIRE', ages, ARGV[6])
end
return 1
