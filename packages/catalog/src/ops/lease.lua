-- Grants a lease, or renews it for whoever has its token. Excludes `begin_delete`: whoever comes second is told.
-- KEYS: instance, growth, dirty
-- ARGV: id, now, owner, token hash, until, '1' = take it whoever holds it, channel
-- Returns { outcome, … }: granted, renewed, absent, deleting, oversize, leased (owner, until)
if redis.call('EXISTS', KEYS[1]) == 0 then return { 'absent' } end
if redis.call('HEXISTS', KEYS[1], 'deleting') == 1 then return { 'deleting' } end
local current = redis.call('HMGET', KEYS[1], 'leaseOwner', 'leaseHash', 'leaseUntil')
local inForce = current[3] and tonumber(current[3]) > tonumber(ARGV[2])
if redis.call('HGET', KEYS[1], 'oversize') == 'end_lease' and ARGV[6] ~= '1' then return { 'oversize' } end
local mine = current[2] == ARGV[4]
if inForce and not mine and ARGV[6] ~= '1' then return { 'leased', current[1], current[3] } end
redis.call('HSET', KEYS[1], 'leaseOwner', ARGV[3], 'leaseHash', ARGV[4], 'leaseUntil', ARGV[5], 'lastLeasedAt', ARGV[2])
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then redis.call('ZADD', KEYS[2], ARGV[5], ARGV[1]) end
redis.call('SADD', KEYS[3], ARGV[1])
redis.call('PUBLISH', ARGV[7], ARGV[1])
return { inForce and mine and 'renewed' or 'granted' }
