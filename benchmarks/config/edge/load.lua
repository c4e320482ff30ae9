-- The clients of `npm run bench:edge`: every request with the token of another user, made before the time starts.
local requests, position, count = {}, 0, 0
function init(args)
  local path, file = args[1], args[2]
  for token in io.lines(file) do
    count = count + 1
    requests[count] = wrk.format("GET", path, {
      ["User-Agent"] = "shop-web/1.0", ["Accept"] = "application/json", ["Accept-Encoding"] = "gzip, deflate, br",
      ["Traceparent"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      ["Authorization"] = "Bearer " .. token })
  end
end
function request()
  position = position % count + 1
  return requests[position]
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('RESULT {"requests":%d,"durationUs":%d,"refused":%d,"broken":%d,"p50Us":%d,"p99Us":%d}\n',
    summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
