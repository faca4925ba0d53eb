-- Ends a lease, for whoever has its token; what has none in force may be discarded by anybody.
-- KEYS[1]: prefix of the catalog's keys
-- ARGV: id, now, token hash, '1' = end it whoever holds it, '1' = and discard the instance: nobody needs it any more
-- Returns { outcome, … }: released, discarded (without a lease), absent, none, leased (owner, until)
local base, id, discard = KEYS[1], ARGV[1], ARGV[5] == '1'
local instance = base .. ':instance:' .. id
if redis.call('EXISTS', instance) == 0 then return { 'absent' } end
local current = redis.call('HMGET', instance, 'leaseOwner', 'leaseHash', 'leaseUntil')
local in_force = current[3] and tonumber(current[3]) > tonumber(ARGV[2])
if in_force and current[2] ~= ARGV[3] and ARGV[4] ~= '1' then return { 'leased', current[1], current[3] } end
if not in_force and not discard then return { 'none' } end
if in_force then
  redis.call('HDEL', instance, 'leaseOwner', 'leaseHash', 'leaseUntil', 'leaseSince')
  redis.call('HSET', instance, 'releasedAt', ARGV[2])
end
if discard then
  redis.call('HSET', instance, 'discarded', '1')
  redis.call('SADD', base .. ':early', id)
end
redis.call('XADD', base .. ':touched', 'MAXLEN', '~', 20000, '*', 'id', id)
redis.call('SADD', base .. ':dirty', id)
redis.call('INCR', base .. ':changes')
redis.call('PUBLISH', base .. ':changed', (in_force and 'release ' or 'discard ') .. id)
return { in_force and 'released' or 'discarded', current[1] }
