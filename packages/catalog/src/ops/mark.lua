-- Sets, or with '' removes, one field of an instance: pin, ttl, score, oversize, failure, collect, collected,
-- collectFailure, unsaved.
-- KEYS[1]: prefix of the catalog's keys
-- ARGV: id, field, value
-- Returns marked, absent, or deleting.
local base, id, field, value = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local instance = base .. ':instance:' .. id
if redis.call('EXISTS', instance) == 0 then return 'absent' end
if redis.call('HEXISTS', instance, 'deleting') == 1 then return 'deleting' end
if value == '' then redis.call('HDEL', instance, field) else redis.call('HSET', instance, field, value) end
if field == 'ttl' then
  local early = value ~= '' or redis.call('HEXISTS', instance, 'discarded') == 1
  redis.call(early and 'SADD' or 'SREM', base .. ':early', id)
end
if field == 'collectFailure' then redis.call(value == '' and 'SREM' or 'SADD', base .. ':uncollected', id) end
redis.call('XADD', base .. ':touched', 'MAXLEN', '~', 20000, '*', 'id', id)
if field == 'oversize' then redis.call(value == '' and 'SREM' or 'SADD', base .. ':oversize', id) end
redis.call('SADD', base .. ':dirty', id)
redis.call('INCR', base .. ':changes')
redis.call('PUBLISH', base .. ':changed', (value == '' and 'un' or '') .. field .. ' ' .. id)
return 'marked'
