-- cmsgpack.pack, unpack, unpack_one, unpack_limit: MessagePack as Redis's library writes it.
-- Source: the MessagePack specification. Strings are raw (str), whole numbers integers, other
-- numbers float32 when that is exact and float64 otherwise; a table whose keys are 1..n is an array.
local helpers = ...
local pack_double, unpack_double = helpers.pack_double, helpers.unpack_double
local type, next, error, select, unpack, tostring, tonumber = type, next, error, select, unpack, tostring, tonumber
local byte, char, sub, concat, floor = string.byte, string.char, string.sub, table.concat, math.floor

local DEPTH_MAX = 16

local function big_endian(value, size)
  local out = {}
  for i = size, 1, -1 do
    local digit = value % 256
    out[i] = digit
    value = (value - digit) / 256
  end
  return char(unpack(out))
end

local function pack_integer(n)
  if n >= 0 then
    if n <= 127 then return char(n) end
    if n <= 0xff then return "\204" .. char(n) end
    if n <= 0xffff then return "\205" .. big_endian(n, 2) end
    if n <= 0xffffffff then return "\206" .. big_endian(n, 4) end
    return "\207" .. big_endian(n, 8)
  end
  if n >= -32 then return char(256 + n) end
  if n >= -128 then return "\208" .. char(256 + n) end
  if n >= -32768 then return "\209" .. big_endian(65536 + n, 2) end
  if n >= -2147483648 then return "\210" .. big_endian(4294967296 + n, 4) end
  return "\211" .. big_endian(n, 8)
end

local function pack_number(n)
  if n == floor(n) and n >= -9223372036854775808 and n < 18446744073709551616 then return pack_integer(n) end
  if n ~= n or n == 1 / 0 or n == -1 / 0 then return "\202" .. pack_double(">f", n) end
  if n > -3.4e38 and n < 3.4e38 then
    local short = pack_double(">f", n)
    if unpack_double(">f", short, 0) == n then return "\202" .. short end
  end
  return "\203" .. pack_double(">d", n)
end

local function pack_string(s)
  local n = #s
  if n < 32 then return char(160 + n) .. s end
  if n <= 0xff then return "\217" .. char(n) .. s end
  if n <= 0xffff then return "\218" .. big_endian(n, 2) .. s end
  return "\219" .. big_endian(n, 4) .. s
end

-- How many elements an array has; nil when the keys are not exactly 1..n.
local function array_size(t)
  local count, max = 0, 0
  for k in next, t do
    if type(k) ~= "number" or k <= 0 or k ~= floor(k) then return nil end
    if k > max then max = k end
    count = count + 1
  end
  if max ~= count then return nil end
  return count
end

local pack_value

local function pack_table(t, out, depth)
  local n = array_size(t)
  if n then
    out[#out + 1] = n < 16 and char(144 + n) or n <= 0xffff and "\220" .. big_endian(n, 2) or "\221" .. big_endian(n, 4)
    for i = 1, n do pack_value(t[i], out, depth + 1) end
    return
  end
  local count = 0
  for _ in next, t do count = count + 1 end
  out[#out + 1] = count < 16 and char(128 + count) or count <= 0xffff and "\222" .. big_endian(count, 2)
    or "\223" .. big_endian(count, 4)
  for k, v in next, t do
    pack_value(k, out, depth + 1)
    pack_value(v, out, depth + 1)
  end
end

function pack_value(v, out, depth)
  local kind = type(v)
  if kind == "table" and depth == DEPTH_MAX then kind = "nil" end
  if kind == "string" then
    out[#out + 1] = pack_string(v)
  elseif kind == "number" then
    out[#out + 1] = pack_number(v)
  elseif kind == "boolean" then
    out[#out + 1] = v and "\195" or "\194"
  elseif kind == "table" then
    pack_table(v, out, depth)
  else
    out[#out + 1] = "\192"
  end
end

local function pack(...)
  local n = select("#", ...)
  if n == 0 then error("bad argument #0 to 'pack' (MessagePack pack needs input.)", 2) end
  local out = {}
  for i = 1, n do pack_value((select(i, ...)), out, 0) end
  return concat(out)
end

local function read_integer(data, at, size)
  local value = 0
  for i = at, at + size - 1 do value = value * 256 + byte(data, i) end
  return value
end

local SHORT, BAD = {}, {} -- raised inside, told outside
local read

local function need(data, at, size)
  if at + size - 1 > #data then error(SHORT) end
end

local function read_array(data, at, count)
  local t = {}
  for i = 1, count do
    t[i], at = read(data, at)
  end
  return t, at
end

local function read_map(data, at, count)
  local t = {}
  for _ = 1, count do
    local k, v
    k, at = read(data, at)
    v, at = read(data, at)
    if k ~= nil then t[k] = v end
  end
  return t, at
end

local function read_bytes(data, at, size)
  need(data, at, size)
  return sub(data, at, at + size - 1), at + size
end

local function head(data, at, size)
  need(data, at, size)
  return read_integer(data, at, size), at + size
end

-- The value that starts at `at`, and where the next one starts.
function read(data, at)
  need(data, at, 1)
  local b = byte(data, at)
  at = at + 1
  if b < 128 then return b, at end
  if b < 144 then return read_map(data, at, b - 128) end
  if b < 160 then return read_array(data, at, b - 144) end
  if b < 192 then return read_bytes(data, at, b - 160) end
  if b >= 224 then return b - 256, at end
  if b == 192 then return nil, at end
  if b == 194 then return false, at end
  if b == 195 then return true, at end
  local size
  if b >= 196 and b <= 198 then -- bin
    size, at = head(data, at, 2 ^ (b - 196))
    return read_bytes(data, at, size)
  end
  if b == 202 then
    need(data, at, 4)
    return unpack_double(">f", data, at - 1), at + 4
  end
  if b == 203 then
    need(data, at, 8)
    return unpack_double(">d", data, at - 1), at + 8
  end
  if b >= 204 and b <= 207 then return head(data, at, 2 ^ (b - 204)) end
  if b >= 208 and b <= 211 then
    size = 2 ^ (b - 208)
    local negative = at <= #data and byte(data, at) >= 128
    local value
    value, at = head(data, at, size)
    return negative and value - 256 ^ size or value, at
  end
  if b >= 217 and b <= 219 then
    size, at = head(data, at, 2 ^ (b - 217))
    return read_bytes(data, at, size)
  end
  if b == 220 or b == 221 then
    size, at = head(data, at, b == 220 and 2 or 4)
    return read_array(data, at, size)
  end
  if b == 222 or b == 223 then
    size, at = head(data, at, b == 222 and 2 or 4)
    return read_map(data, at, size)
  end
  error(BAD)
end

local pcall = pcall

-- `limit` values (0: all) from the offset (counted from 0) on.
local function unpack_from(data, limit, offset, fname, with_offset)
  if type(data) == "number" then data = tostring(data) end
  if type(data) ~= "string" then
    error("bad argument #1 to '" .. fname .. "' (string expected, got " .. (data == nil and "no value" or type(data)) .. ")", 3)
  end
  if offset < 0 or limit < 0 then
    error("Invalid request to unpack with offset of " .. offset .. " and limit of " .. #data .. ".", 3)
  elseif offset > #data then
    error("Start offset " .. offset .. " greater than input length " .. #data .. ".", 3)
  end
  local all = limit == 0 and not with_offset
  local at, found, count = offset + 1, {}, 0
  while at <= #data and (all or count < limit) do
    local ok, value, after = pcall(read, data, at)
    if not ok then
      if value == SHORT then error("Missing bytes in input.", 3) end
      if value == BAD then error("Bad data format in input.", 3) end
      error(value, 3)
    end
    count = count + 1
    found[count] = value
    at = after
  end
  if with_offset then return at > #data and -1 or at - 1, unpack(found, 1, count) end
  return unpack(found, 1, count)
end

return {
  pack = pack,
  unpack = function(data) return unpack_from(data, 0, 0, "unpack", false) end,
  unpack_one = function(data, offset) return unpack_from(data, 1, tonumber(offset) or 0, "unpack_one", true) end,
  unpack_limit = function(data, limit, offset)
    return unpack_from(data, tonumber(limit) or 0, tonumber(offset) or 0, "unpack_limit", true)
  end,
  _NAME = "cmsgpack", _VERSION = "lua-cmsgpack 0.4.0",
}
