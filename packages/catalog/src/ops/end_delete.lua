-- A deletion ended: the instance is gone from sight, or it stays.
-- KEYS[1]: prefix of the catalog's keys
-- ARGV: id, gone | kept, owner of the mark ('' = whoever has it)
-- Returns 1, or 0 with nothing changed where the mark is another's.
local base, id, owner = KEYS[1], ARGV[1], ARGV[3]
local instance = base .. ':instance:' .. id
local mark = redis.call('HGET', instance, 'deleting')
if owner ~= '' and mark ~= owner then return 0 end
redis.call('XADD', base .. ':touched', 'MAXLEN', '~', 20000, '*', 'id', id)
if ARGV[2] == 'kept' then
  redis.call('HDEL', instance, 'deleting')
  return 1
end
redis.call('ZREM', base .. ':instances', id)
redis.call('ZREM', base .. ':due', id)
redis.call('HDEL', base .. ':in-flight', id)
redis.call('SREM', base .. ':dirty', id)
redis.call('SREM', base .. ':early', id)
redis.call('SREM', base .. ':uncollected', id)
redis.call('SREM', base .. ':oversize', id)
redis.call('DEL', instance)
return 1
