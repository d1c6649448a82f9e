-- Requests for wrk, each with ids of its own. Constant parts are made once; a request is one copy of a buffer in which
-- ids, a token and three digits are put in their places, so that wrk is not what is measured.
--
--   wrk … -s wrk.lua URL -- REQUESTS TOKENS TAG SECONDS
--
-- After so many seconds a connection asks for something that stores nothing. So when wrk breaks off, no event is under
-- way, and what both sides counted can be equal.

local ffi = require "ffi"
ffi.cdef [[
typedef struct { long seconds, nanoseconds; } moment;
int clock_gettime(int clock, moment *now);
]]

local moment = ffi.new("moment")
local function now()
    ffi.C.clock_gettime(1, moment)
    return tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
end

local threads = {}

function setup(thread)
    threads[#threads + 1] = thread
    thread:set("number", #threads)
end

local kinds, tokens, token_length, events = {}, {}, 0, 0
local count, turn, digits, over, seconds = 0, 0, nil, nil, nil
local rest = "GET /.well-known/gpc.json HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
local copy, text = ffi.copy, ffi.string

-- Offsets of all places of a mark, from 0.
local function places(bytes, mark)
    local found, at = {}, 1
    while true do
        local first, last = bytes:find(mark, at, true)
        if not first then return found end
        found[#found + 1], at = first - 1, last + 1
    end
end

function init(arguments)
    local file = assert(io.open(arguments[1], "rb"))
    while true do
        local length = file:read("*n")
        if not length then break end
        file:read(1)
        local bytes = file:read(length)
        local buffer = ffi.new("uint8_t[?]", length)
        copy(buffer, bytes, length)
        local ids = places(bytes, ("#"):rep(16))
        for _, place in ipairs(ids) do copy(buffer + place, arguments[3] .. number, 6) end
        kinds[#kinds + 1] = {
            buffer = buffer, length = length, ids = ids, digits = places(bytes, "^^^"),
            token = bytes:find("~", 1, true) - 1,
        }
        events = #ids
    end
    file:close()
    for line in io.lines(arguments[2]) do
        token_length = #line
        local token = ffi.new("uint8_t[?]", token_length)
        copy(token, line, token_length)
        tokens[#tokens + 1] = token
    end
    digits = ffi.new("uint8_t[10]", 48, 48, 48, 48, 48, 48, 48, 48, 48, 48)
    seconds = tonumber(arguments[4])
end

local function advance()
    local place = 9
    while digits[place] == 57 do
        digits[place] = 48
        place = place - 1
    end
    digits[place] = digits[place] + 1
end

function request()
    -- wrk looks at one request of the first thread before it begins.
    if number == 1 and not verified then
        verified = true
        return rest
    end
    local time = now()
    over = over or time + seconds
    if time >= over then return rest end
    count = count + 1
    advance()
    local kind = kinds[count % #kinds + 1]
    local buffer, ids, three = kind.buffer, kind.ids, kind.digits
    copy(buffer + kind.token, tokens[count % #tokens + 1], token_length)
    for index = 1, #ids do copy(buffer + ids[index] + 6, digits, 10) end
    for index = 1, #three do copy(buffer + three[index], digits + 7, 3) end
    made = count
    return text(buffer, kind.length)
end

function done(summary)
    local all = 0
    for _, thread in ipairs(threads) do all = all + (thread:get("made") or 0) end
    local errors = summary.errors
    io.write(string.format(
        '\n{"made":%d,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
        all, errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
