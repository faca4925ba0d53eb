-- Ends a lease, for whoever has its token.
-- KEYS: instance, totals, growth, dirty
-- ARGV: id, now, token hash, '1' = end it whoever holds it, channel
-- Returns { outcome, … }: released, absent, none, leased (owner, until)
if redis.call('EXISTS', KEYS[1]) == 0 then return { 'absent' } end
local current = redis.call('HMGET', KEYS[1], 'leaseOwner', 'leaseHash', 'leaseUntil')
if not current[3] or tonumber(current[3]) <= tonumber(ARGV[2]) then return { 'none' } end
if current[2] ~= ARGV[3] and ARGV[4] ~= '1' then return { 'leased', current[1], current[3] } end
redis.call('HDEL', KEYS[1], 'leaseOwner', 'leaseHash', 'leaseUntil')
-- The work is done: nothing more is expected of it.
drop_growth(KEYS[2], KEYS[3], KEYS[1], ARGV[1])
redis.call('SADD', KEYS[4], ARGV[1])
redis.call('PUBLISH', ARGV[5], ARGV[1])
return { 'released', current[1] }
