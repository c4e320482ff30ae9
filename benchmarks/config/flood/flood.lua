-- The flood of `npm run bench:flood`: so many requests a second, however fast the answers are, each of which is to be refused.
local ffi = require("ffi")
ffi.cdef("struct flood_time { long seconds; long nanoseconds; }; int clock_gettime(int clock, struct flood_time *now);")
local CLOCK_MONOTONIC = 1
local now = ffi.new("struct flood_time")
local function milliseconds()
  ffi.C.clock_gettime(CLOCK_MONOTONIC, now)
  return tonumber(now.seconds) * 1000 + tonumber(now.nanoseconds) / 1e6
end

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
local function digit(value) return DIGITS:sub(value + 1, value + 1) end
-- base64url of a text whose length is a multiple of three.
local function encode(text)
  local parts = {}
  for at = 1, #text, 3 do
    local a, b, c = text:byte(at, at + 2)
    local bits = a * 65536 + b * 256 + c
    parts[#parts + 1] = digit(math.floor(bits / 262144)) .. digit(math.floor(bits / 4096) % 64)
      .. digit(math.floor(bits / 64) % 64) .. digit(bits % 64)
  end
  return table.concat(parts)
end

local function bearer(token) return "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " .. token .. "\r\n\r\n" end
local NO_TOKEN = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

local rate, write, beganAt, sent = 0, nil, nil, 0
function init(args)
  local kind, algorithm, header, payload, signature = args[1], args[3], args[4], args[5], args[6]
  rate = tonumber(args[2])
  math.randomseed(tonumber(args[7]))
  local before = '{"alg":"' .. algorithm .. '","typ":"at+jwt","kid":"'
  before = before .. string.rep("k", (3 - #before % 3) % 3)
  local opening, rest = encode(before), "." .. payload .. "." .. signature
  local kinds = {
    -- Another one each time: 19 characters and the two that close the JSON.
    ["unknown key id"] = function()
      return bearer(opening .. encode(string.format("%010d%09d", math.random(0, 2147483646), math.random(0, 999999999)) .. '"}') .. rest)
    end,
    ["bad signature"] = function()
      local digits = {}
      for at = 1, #signature - 1 do digits[at] = digit(math.random(0, 63)) end
      return bearer(header .. "." .. payload .. "." .. table.concat(digits) .. signature:sub(-1))
    end,
    ["no token"] = function() return NO_TOKEN end,
  }
  write = kinds[kind]
end

-- Each request has its time, whichever connection is free by then.
function delay()
  beganAt = beganAt or milliseconds()
  local due = beganAt + sent * 1000 / rate
  sent = sent + 1
  return math.max(0, math.floor(due - milliseconds()))
end

function request() return write() end

function done(summary)
  local errors = summary.errors
  io.write(string.format('RESULT {"answers":%d,"durationUs":%d,"refused":%d,"broken":%d}\n', summary.requests, summary.duration,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
