-- The request's instances in flight become ready.
-- KEYS: in-flight
-- ARGV: request, id…
local ready = {}
for i = 2, #ARGV do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
    ready[#ready + 1] = ARGV[i]
  end
end
return ready
