-- Gives back what is left of a request's reservation.
-- KEYS: totals, reservations
-- ARGV: request
local raw = redis.call('HGET', KEYS[2], ARGV[1])
if not raw then return 0 end
local reservation = cjson.decode(raw)
local function add(field, sign, amount)
  if amount == 0 then return end -- HINCRBY takes no '-0'
  redis.call('HINCRBY', KEYS[1], field, sign .. string.format('%.0f', amount))
end
local bytes, inodes = reservation.bytes * reservation.slots, reservation.inodes * reservation.slots
add('bytes', '-', bytes)
add('settledBytes', '', bytes)
add('inodes', '-', inodes)
add('settledInodes', '', inodes)
add('slots', '-', reservation.slots)
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
