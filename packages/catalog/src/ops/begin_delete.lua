-- Claims an instance for deletion, unless something protects it. Excludes `lease`: whoever comes second is told.
-- KEYS: in-flight, instance, reconciled
-- ARGV: id, request ('' = nobody's), now
-- Returns { outcome, … }: begun, absent, deleting, unreconciled, grace (until), in-flight (request),
--         pinned (pin JSON), leased (owner, until)
if redis.call('EXISTS', KEYS[2]) == 0 then return { 'absent' } end
if redis.call('HEXISTS', KEYS[2], 'deleting') == 1 then return { 'deleting' } end
local now = tonumber(ARGV[3])
local owner = redis.call('HGET', KEYS[1], ARGV[1])
if owner and owner ~= ARGV[2] then return { 'in-flight', owner } end
if not owner then
  local grace = redis.call('HGET', KEYS[3], 'graceUntil')
  if not grace then return { 'unreconciled' } end
  if tonumber(grace) > now then return { 'grace', grace } end
  local protection = redis.call('HMGET', KEYS[2], 'pin', 'leaseUntil', 'leaseOwner')
  if protection[1] then return { 'pinned', protection[1] } end
  if protection[2] and tonumber(protection[2]) > now then return { 'leased', protection[3], protection[2] } end
end
redis.call('HSET', KEYS[2], 'deleting', '1')
return { 'begun' }
