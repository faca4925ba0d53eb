-- Promises bytes, inodes and slots to a request, unless all promises together would then pass the bounds.
-- KEYS: totals, reservations, instances, growth
-- ARGV: request, reservation JSON, bytes, inodes, slots, bounds: bytes, inodes ('' = no limit), slots,
--       settled bytes and inodes as they were before the disk was measured, now, key of an instance without its id
-- Returns {} when it is promised (now or before), else what is short.
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return {} end
expire_growth(KEYS[1], KEYS[4], ARGV[12], ARGV[11])
local function total(field) return tonumber(redis.call('HGET', KEYS[1], field) or '0') end

local bytes, inodes, slots = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
-- What was settled since the disk was measured is on the disk now, but not in the measurement.
local unseenBytes = total('settledBytes') - tonumber(ARGV[9])
local unseenInodes = total('settledInodes') - tonumber(ARGV[10])
local short = {}
if total('bytes') + total('growthBytes') + unseenBytes + bytes > tonumber(ARGV[6]) then short[#short + 1] = 'bytes' end
if ARGV[7] ~= '' and total('inodes') + total('growthInodes') + unseenInodes + inodes > tonumber(ARGV[7]) then
  short[#short + 1] = 'inodes'
end
if redis.call('ZCARD', KEYS[3]) + total('slots') + slots > tonumber(ARGV[8]) then short[#short + 1] = 'slots' end
if #short > 0 then return short end

redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('HINCRBY', KEYS[1], 'bytes', ARGV[3])
redis.call('HINCRBY', KEYS[1], 'inodes', ARGV[4])
redis.call('HINCRBY', KEYS[1], 'slots', ARGV[5])
return {}
