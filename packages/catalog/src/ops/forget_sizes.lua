-- Forgets what instances became, and does not record them again.
-- KEYS[1]: prefix of the catalog's keys
-- ARGV: whose (template:…, experiment:…, replica:…), id ('' = all), seconds to remember what was forgotten
-- Returns how many there were.
local base, of = KEYS[1], ARGV[1]
local finished, ages, forgotten = base .. ':finished:' .. of, base .. ':finished-at:' .. of, base .. ':forgotten:' .. of
local ids = ARGV[2] == '' and redis.call('HKEYS', finished) or { ARGV[2] }
local count = 0
for _, id in ipairs(ids) do
  count = count + redis.call('HDEL', finished, id)
  redis.call('ZREM', ages, id)
  redis.call('SADD', forgotten, id)
end
redis.call('EXPIRE', forgotten, ARGV[3])
return count
