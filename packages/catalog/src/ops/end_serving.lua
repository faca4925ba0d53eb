-- Gives back the right to serve the pool, unless another server has it.
-- KEYS[1]: prefix of the catalog's keys
-- ARGV: the server's token
local server = KEYS[1] .. ':server'
local serving = redis.call('GET', server)
if serving and cjson.decode(serving).token == ARGV[1] then redis.call('DEL', server) end
