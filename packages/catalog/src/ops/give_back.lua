-- Gives back what is left of a request's reservation.
-- KEYS: totals, reservations
-- ARGV: request
local raw = redis.call('HGET', KEYS[2], ARGV[1])
if not raw then return 0 end
local reservation = cjson.decode(raw)
local function less(field, settled, each)
  local amount = string.format('%.0f', each * reservation.slots)
  redis.call('HINCRBY', KEYS[1], field, '-' .. amount)
  if settled then redis.call('HINCRBY', KEYS[1], settled, amount) end
end
less('bytes', 'settledBytes', reservation.bytes)
less('inodes', 'settledInodes', reservation.inodes)
less('slots', nil, 1)
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
