-- A request completes: its instances are in flight no more. Excludes `cancel_request`: the second caller gets the reason.
-- KEYS[1]: prefix of the catalog's keys
-- ARGV: request, its life, seconds to remember it for, id, …
-- Returns completed, or cancelled with nothing changed.
local base, request, life = KEYS[1], ARGV[1], ARGV[2]
local life_key = request .. ':' .. life
if redis.call('EXISTS', base .. ':cancelled:' .. life_key) == 1 then return 'cancelled' end
for i = 4, #ARGV do
  local id = ARGV[i]
  if redis.call('HGET', base .. ':in-flight', id) == request then
    redis.call('HDEL', base .. ':in-flight', id)
    redis.call('XADD', base .. ':touched', 'MAXLEN', '~', 20000, '*', 'id', id)
  end
end
redis.call('SET', base .. ':completed:' .. life_key, '1', 'EX', ARGV[3])
return 'completed'
