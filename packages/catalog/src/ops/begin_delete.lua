-- Marks an instance for deletion, unless something protects it. Only the owner of the mark may go on. Excludes `lease`:
-- the second caller gets the reason.
-- KEYS[1]: prefix of the catalog's keys
-- ARGV: id, owner of the mark, request on whose behalf ('' = nobody's), now, changes that the caller has seen
-- Returns { outcome, … }: begun, absent, deleting, unreconciled, rolled-back, grace (until), in-flight (request),
--         pinned (pin JSON), leased (owner, until)
local base, id, owner, now = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[4])
local instance = base .. ':instance:' .. id
if redis.call('EXISTS', instance) == 0 then return { 'absent' } end
local mark = redis.call('HGET', instance, 'deleting')
if mark and mark ~= owner then return { 'deleting' } end
local request = redis.call('HGET', base .. ':in-flight', id)
if request and request ~= ARGV[3] then return { 'in-flight', request } end
if not request then
  local grace = redis.call('HGET', base .. ':reconciled', 'graceUntil')
  if not grace then return { 'unreconciled' } end
  if tonumber(redis.call('GET', base .. ':changes') or '0') < tonumber(ARGV[5]) then return { 'rolled-back' } end
  if tonumber(grace) > now then return { 'grace', grace } end
  local protection = redis.call('HMGET', instance, 'pin', 'leaseUntil', 'leaseOwner')
  if protection[1] then return { 'pinned', protection[1] } end
  if protection[2] and tonumber(protection[2]) > now then return { 'leased', protection[3], protection[2] } end
end
redis.call('HSET', instance, 'deleting', owner)
redis.call('XADD', base .. ':touched', 'MAXLEN', '~', 20000, '*', 'id', id)
return { 'begun' }
