-- Growth: what live instances are still expected to add. Summed in `totals`, so that no decision has to read them all.
local function add_total(totals, field, amount)
  if amount ~= 0 then redis.call('HINCRBY', totals, field, string.format('%.0f', amount)) end
end

local function drop_growth(totals, growth, instance, id)
  local amount = redis.call('HMGET', instance, 'growthBytes', 'growthInodes')
  if amount[1] then
    add_total(totals, 'growthBytes', -tonumber(amount[1]))
    add_total(totals, 'growthInodes', -tonumber(amount[2]))
    redis.call('HDEL', instance, 'growthBytes', 'growthInodes')
  end
  redis.call('ZREM', growth, id)
end

local function set_growth(totals, growth, instance, id, bytes, inodes, ends)
  drop_growth(totals, growth, instance, id)
  if bytes <= 0 and inodes <= 0 then return end
  add_total(totals, 'growthBytes', bytes)
  add_total(totals, 'growthInodes', inodes)
  redis.call('HSET', instance, 'growthBytes', string.format('%.0f', bytes), 'growthInodes', string.format('%.0f', inodes))
  redis.call('ZADD', growth, ends, id)
end

-- Ends the growth whose time has come; `prefix` is the key of an instance without its id.
local function expire_growth(totals, growth, prefix, now)
  local ended = redis.call('ZRANGEBYSCORE', growth, '-inf', now, 'LIMIT', 0, 1000)
  for _, id in ipairs(ended) do drop_growth(totals, growth, prefix .. id, id) end
end

-- What instances take by themselves, summed up: as last measured, or as cloned.
local function set_own(totals, instance, bytes)
  add_total(totals, 'ownBytes', bytes - tonumber(redis.call('HGET', instance, 'ownBytes') or '0'))
  redis.call('HSET', instance, 'ownBytes', string.format('%.0f', bytes))
end

local function drop_own(totals, instance)
  add_total(totals, 'ownBytes', -tonumber(redis.call('HGET', instance, 'ownBytes') or '0'))
  redis.call('HDEL', instance, 'ownBytes')
end
