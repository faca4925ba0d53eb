-- Keeps an instance's size among the newest ones of its template, or of its experiment.
-- KEYS: size ages, size bytes, size inodes
-- ARGV: id, at, own bytes, inodes, most sizes to keep
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
local over = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[5])
if over > 0 then
  for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, over - 1)) do
    for i = 1, 3 do redis.call('ZREM', KEYS[i], id) end
  end
end
return 1
