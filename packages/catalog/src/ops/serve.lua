-- Takes the right to serve the pool under its name, or keeps it for longer. Excludes other servers, and pools of another id.
-- KEYS[1]: prefix of the catalog's keys
-- ARGV: the pool's id, its clone method, its root; the server as JSON, its token; milliseconds to keep it for; the token of
--   a server that is known to be dead, or ''
-- Returns serving, or refused with nothing changed: another server has it, or the name is another pool's.
local identity, server = KEYS[1] .. ':identity', KEYS[1] .. ':server'
local known, serving = redis.call('HGET', identity, 'id'), redis.call('GET', server)
if serving then
  local token = cjson.decode(serving).token
  if token ~= ARGV[5] and token ~= ARGV[7] then return 'refused' end
end
if known and known ~= ARGV[1] then return 'refused' end
redis.call('HSET', identity, 'id', ARGV[1], 'method', ARGV[2], 'root', ARGV[3])
redis.call('SET', server, ARGV[4], 'PX', ARGV[6])
return 'serving'
