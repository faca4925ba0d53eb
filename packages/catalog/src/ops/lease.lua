-- Grants a lease, or renews it for whoever has its token. Excludes `begin_delete`: the second caller gets the reason.
-- KEYS[1]: prefix of the catalog's keys
-- ARGV: id, now, owner, token hash, until, '1' = take it whoever holds it
-- Returns { outcome, … }: granted, renewed, absent, deleting, oversize, leased (owner, until)
local base, id, now, force = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[6] == '1'
local instance = base .. ':instance:' .. id
if redis.call('EXISTS', instance) == 0 then return { 'absent' } end
if redis.call('HEXISTS', instance, 'deleting') == 1 then return { 'deleting' } end
if redis.call('HGET', instance, 'oversize') == 'end_lease' and not force then return { 'oversize' } end
local current = redis.call('HMGET', instance, 'leaseOwner', 'leaseHash', 'leaseUntil')
local in_force = current[3] and tonumber(current[3]) > now
local is_mine = current[2] == ARGV[4]
if in_force and not is_mine and not force then return { 'leased', current[1], current[3] } end
local renews = in_force and is_mine
redis.call('HSET', instance, 'leaseOwner', ARGV[3], 'leaseHash', ARGV[4], 'leaseUntil', ARGV[5], 'lastLeasedAt', ARGV[2])
if not renews then redis.call('HSET', instance, 'leaseSince', ARGV[2]) end
redis.call('HDEL', instance, 'releasedAt')
if redis.call('HDEL', instance, 'discarded') == 1 and redis.call('HEXISTS', instance, 'ttl') == 0 then
  redis.call('SREM', base .. ':early', id)
end
redis.call('XADD', base .. ':touched', 'MAXLEN', '~', 20000, '*', 'id', id)
redis.call('SADD', base .. ':dirty', id)
redis.call('INCR', base .. ':changes')
redis.call('PUBLISH', base .. ':changed', 'lease ' .. id)
return { renews and 'renewed' or 'granted' }
