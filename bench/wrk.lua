-- Sends requests that were made and signed before the clock started: a file of records of one length, each a request
-- up to the end of what differs, and one tail that all share. Each thread reads a slice of its own.
local threads = {}

function setup(thread)
  thread:set("index", #threads)
  table.insert(threads, thread)
end

function init(args)
  local count = math.floor(tonumber(args[4]) / tonumber(args[5]))
  recordBytes = tonumber(args[2])
  sliceStart = (tonumber(args[3]) + index * count) * recordBytes
  sliceCount = count
  isWrapping = args[6] == "wrap"
  exhausted = 0
  sent = 0
  file = assert(io.open(args[1], "rb"))
  file:setvbuf("full", 1048576)
  file:seek("set", sliceStart)
  local tailFile = assert(io.open(args[7], "rb"))
  tail = tailFile:read("*a")
  tailFile:close()
end

function request()
  if sent == sliceCount then
    if not isWrapping then
      -- A second copy would be a duplicate, which is cheaper than an accept: the round must fail instead.
      exhausted = 1
      return "GET /the-deliveries-ran-out HTTP/1.1\r\nHost: localhost\r\n\r\n"
    end
    sent = 0
    file:seek("set", sliceStart)
  end
  sent = sent + 1
  return file:read(recordBytes) .. tail
end

function done(summary, latency, requests)
  local ranOut = 0
  for _, thread in ipairs(threads) do
    ranOut = ranOut + thread:get("exhausted")
  end
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"refused":%d,"broken":%d,"ranOut":%s,"p50Ms":%.4f,"p99Ms":%.4f}\n',
    summary.requests,
    summary.duration / 1e6,
    errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    ranOut > 0 and "true" or "false",
    latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3
  ))
end
