-- Ends a lease, for whoever has its token.
-- KEYS[1]: prefix of the catalog's keys
-- ARGV: id, now, token hash, '1' = end it whoever holds it
-- Returns { outcome, … }: released, absent, none, leased (owner, until)
local base, id = KEYS[1], ARGV[1]
local instance = base .. ':instance:' .. id
if redis.call('EXISTS', instance) == 0 then return { 'absent' } end
local current = redis.call('HMGET', instance, 'leaseOwner', 'leaseHash', 'leaseUntil')
if not current[3] or tonumber(current[3]) <= tonumber(ARGV[2]) then return { 'none' } end
if current[2] ~= ARGV[3] and ARGV[4] ~= '1' then return { 'leased', current[1], current[3] } end
redis.call('HDEL', instance, 'leaseOwner', 'leaseHash', 'leaseUntil', 'leaseSince')
redis.call('SADD', base .. ':dirty', id)
redis.call('INCR', base .. ':changes')
redis.call('PUBLISH', base .. ':changed', 'release ' .. id)
return { 'released', current[1] }
