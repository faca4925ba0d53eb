-- A request is not wanted any more. Excludes `complete_request`: the second caller gets the reason.
-- KEYS[1]: prefix of the catalog's keys
-- ARGV: request, its life, seconds to remember it for
-- Returns cancelled, or completed with nothing changed.
local base, life_key = KEYS[1], ARGV[1] .. ':' .. ARGV[2]
if redis.call('EXISTS', base .. ':completed:' .. life_key) == 1 then return 'completed' end
redis.call('SET', base .. ':cancelled:' .. life_key, '1', 'EX', ARGV[3])
redis.call('PUBLISH', base .. ':changed', 'cancel ' .. ARGV[1])
return 'cancelled'
