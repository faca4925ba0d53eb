-- Gives back what is left of a request's reservation.
-- KEYS: totals, reservations
-- ARGV: request
local raw = redis.call('HGET', KEYS[2], ARGV[1])
if not raw then return 0 end
local reservation = cjson.decode(raw)
local bytes, inodes = reservation.bytes * reservation.slots, reservation.inodes * reservation.slots
add_total(KEYS[1], 'slots', -reservation.slots)
add_total(KEYS[1], 'bytes', -bytes)
add_total(KEYS[1], 'inodes', -inodes)
add_total(KEYS[1], 'settledBytes', bytes)
add_total(KEYS[1], 'settledInodes', inodes)
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
