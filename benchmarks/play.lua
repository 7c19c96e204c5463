-- For wrk: plays requests from a file and prints what came of it as one JSON object.
--
--   wrk … -s play.lua URL -- FILE STATUS
--
-- FILE holds texts that end with a zero byte: what each request begins with, what each ends with, then one text for
-- each request. With a STATUS other than 200 each answer's status is compared, which costs the loader some speed;
-- otherwise wrk's own count of 4xx and 5xx serves. `played_out` says that the file held too few and was begun anew.

local threads = {}

function setup(thread)
   table.insert(threads, thread)
end

function init(arguments)
   local file = assert(io.open(arguments[1], "rb"))
   local texts = file:read("*a"):gmatch("(%Z*)%z")
   file:close()
   before, after = texts(), texts()
   parts, position, played_out, unexpected = {}, 0, 0, 0
   for text in texts do
      parts[#parts + 1] = text
   end
   local status = tonumber(arguments[2])
   if status ~= 200 then
      response = function(answered)
         if answered ~= status then unexpected = unexpected + 1 end
      end
   end
end

function request()
   position = position + 1
   if position > #parts then
      position, played_out = 1, 1
   end
   return before .. parts[position] .. after
end

function done(summary, latency)
   local errors, unexpected, played_out = summary.errors, 0, 0
   for _, thread in ipairs(threads) do
      unexpected = unexpected + thread:get("unexpected")
      played_out = played_out + thread:get("played_out")
   end
   io.write(string.format(
      '{"requests":%d,"seconds":%f,"p50_ms":%f,"p99_ms":%f,"unexpected":%d,"broken":%d,"played_out":%d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.status + unexpected, errors.connect + errors.read + errors.write + errors.timeout, played_out))
end
