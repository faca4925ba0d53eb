-- Forgets what a process has reserved on a filesystem, unless it has published again since that was read.
-- KEYS[1]: the filesystem's hash of reservations by process
-- ARGV: process, its reservations as they were read
-- Returns 1, or 0 with nothing changed.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
