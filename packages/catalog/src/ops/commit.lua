-- One slot of a request's reservation becomes an instance in flight, which may still grow.
-- KEYS: totals, reservations, instances, in-flight, instance, growth, ttls, due
-- ARGV: request, id, spawnedAt, growth bytes, growth inodes, growth ends, own bytes, field, value, …
if redis.call('EXISTS', KEYS[5]) == 1 then return 'already' end
local raw = redis.call('HGET', KEYS[2], ARGV[1])
if not raw then return 'no-reservation' end
local reservation = cjson.decode(raw)
if reservation.slots < 1 then return 'no-reservation' end

reservation.slots = reservation.slots - 1
redis.call('HSET', KEYS[2], ARGV[1], cjson.encode(reservation))
add_total(KEYS[1], 'slots', -1)
add_total(KEYS[1], 'bytes', -reservation.bytes)
add_total(KEYS[1], 'inodes', -reservation.inodes)
add_total(KEYS[1], 'settledBytes', reservation.bytes)
add_total(KEYS[1], 'settledInodes', reservation.inodes)
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[2])
redis.call('ZADD', KEYS[8], ARGV[3], ARGV[2])
redis.call('HSET', KEYS[4], ARGV[2], ARGV[1])
redis.call('HSET', KEYS[5], unpack(ARGV, 8))
if redis.call('HEXISTS', KEYS[5], 'ttl') == 1 then redis.call('SADD', KEYS[7], ARGV[2]) end
set_own(KEYS[1], KEYS[5], tonumber(ARGV[7]))
set_growth(KEYS[1], KEYS[6], KEYS[5], ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6])
return 'committed'
