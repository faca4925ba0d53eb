-- One slot of a request's reservation becomes an instance in flight.
-- KEYS: totals, reservations, instances, in-flight, instance
-- ARGV: request, id, record JSON, spawnedAt
if redis.call('EXISTS', KEYS[5]) == 1 then return 'already' end
local raw = redis.call('HGET', KEYS[2], ARGV[1])
if not raw then return 'no-reservation' end
local reservation = cjson.decode(raw)
if reservation.slots < 1 then return 'no-reservation' end

local function settle(field, settled, amount)
  if amount == 0 then return end -- HINCRBY takes no '-0'
  redis.call('HINCRBY', KEYS[1], field, string.format('-%.0f', amount))
  redis.call('HINCRBY', KEYS[1], settled, string.format('%.0f', amount))
end
reservation.slots = reservation.slots - 1
redis.call('HSET', KEYS[2], ARGV[1], cjson.encode(reservation))
redis.call('HINCRBY', KEYS[1], 'slots', -1)
settle('bytes', 'settledBytes', reservation.bytes)
settle('inodes', 'settledInodes', reservation.inodes)
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[2])
redis.call('HSET', KEYS[4], ARGV[2], ARGV[1])
redis.call('HSET', KEYS[5], 'record', ARGV[3])
return 'committed'
