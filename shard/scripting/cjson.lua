-- cjson.encode, decode and their settings, with the texts and limits of lua-cjson 2.1.
local type, tonumber, tostring, next, error, select = type, tonumber, tostring, next, error, select
local pcall, newproxy, getmetatable = pcall, newproxy, getmetatable
local byte, char, sub, find, gsub, format, concat, floor = string.byte, string.char, string.sub, string.find, string.gsub,
  string.format, table.concat, math.floor

local null = newproxy(true)
getmetatable(null).__tostring = function() return "userdata: (nil)" end
getmetatable(null).__metatable = false

local function new_library()
  local encode_depth, decode_depth, precision = 1000, 1000, 14
  local number_format = "%.14g"
  local sparse_convert, sparse_ratio, sparse_safe = false, 2, 10
  local encode_invalid, decode_invalid, keep_buffer = false, true, true

  -- Encoding ----------------------------------------------------------------------------

  local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["/"] = "\\/", ["\b"] = "\\b", ["\t"] = "\\t", ["\n"] = "\\n",
    ["\f"] = "\\f", ["\r"] = "\\r", ["\127"] = "\\u007f" }
  for i = 0, 31 do
    local c = char(i)
    ESCAPES[c] = ESCAPES[c] or format("\\u%04x", i)
  end

  local function quote(s)
    if find(s, '[%c"\\/\127%z]') then s = gsub(s, '[%c"\\/\127%z]', ESCAPES) end
    return '"' .. s .. '"'
  end

  -- Raised inside with the text; `encode` tells it with the caller's line.
  local function refuse(text)
    error({ text }, 0)
  end

  local function number_text(n)
    if n ~= n or n == 1 / 0 or n == -1 / 0 then
      if encode_invalid == true then return n ~= n and "nan" or n > 0 and "inf" or "-inf" end
      if encode_invalid == "null" then return "null" end
      refuse("Cannot serialise number: must not be NaN or Inf")
    end
    return format(number_format, n)
  end

  -- The length of an array; nil for an object. Holes are null up to a ratio.
  local function array_length(t)
    local max, items = 0, 0
    for k in next, t do
      if type(k) ~= "number" or k < 1 or k ~= floor(k) then return nil end
      if k > max then max = k end
      items = items + 1
    end
    if items == 0 then return nil end
    if sparse_ratio > 0 and max > items * sparse_ratio and max > sparse_safe then
      if not sparse_convert then refuse("Cannot serialise table: excessively sparse array") end
      return nil
    end
    return max
  end

  local put

  local function put_table(t, out, depth)
    if depth > encode_depth then refuse("Cannot serialise, excessive nesting (" .. depth .. ")") end
    local n = array_length(t)
    if n then
      out[#out + 1] = "["
      for i = 1, n do
        if i > 1 then out[#out + 1] = "," end
        put(t[i], out, depth)
      end
      out[#out + 1] = "]"
      return
    end
    out[#out + 1] = "{"
    local first = true
    for k, v in next, t do
      local kind = type(k)
      if not first then out[#out + 1] = "," end
      first = false
      if kind == "string" then
        out[#out + 1] = quote(k)
      elseif kind == "number" then
        out[#out + 1] = '"' .. number_text(k) .. '"'
      else
        refuse("Cannot serialise " .. kind .. ": table key must be a number or string")
      end
      out[#out + 1] = ":"
      put(v, out, depth)
    end
    out[#out + 1] = "}"
  end

  function put(v, out, depth)
    local kind = type(v)
    if kind == "string" then
      out[#out + 1] = quote(v)
    elseif kind == "number" then
      out[#out + 1] = number_text(v)
    elseif kind == "boolean" then
      out[#out + 1] = v and "true" or "false"
    elseif kind == "table" then
      put_table(v, out, depth + 1)
    elseif kind == "nil" or v == null then
      out[#out + 1] = "null"
    else
      refuse("Cannot serialise " .. kind .. ": type not supported")
    end
  end

  local function encode(...)
    if select("#", ...) ~= 1 then error("bad argument #1 to 'encode' (expected 1 argument)", 2) end
    local out = {}
    local ok, problem = pcall(put, (...), out, 0)
    if not ok then
      if type(problem) == "table" and problem[1] then problem = problem[1] end
      error(problem, 2)
    end
    return concat(out)
  end

  -- Decoding ----------------------------------------------------------------------------

  local NAMES = { ["{"] = "T_OBJ_BEGIN", ["}"] = "T_OBJ_END", ["["] = "T_ARR_BEGIN", ["]"] = "T_ARR_END",
    [","] = "T_COMMA", [":"] = "T_COLON", ['"'] = "T_STRING" }
  local SIMPLE = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

  local function utf8(point)
    if point < 0x80 then return char(point) end
    if point < 0x800 then return char(192 + floor(point / 64), 128 + point % 64) end
    if point < 0x10000 then
      return char(224 + floor(point / 4096), 128 + floor(point / 64) % 64, 128 + point % 64)
    end
    return char(240 + floor(point / 262144), 128 + floor(point / 4096) % 64, 128 + floor(point / 64) % 64, 128 + point % 64)
  end

  local function expected(what, token, at)
    refuse("Expected " .. what .. " but found " .. token .. " at character " .. at)
  end

  local function unescape(text, what, at)
    local stop, parts = at, {}
    local from = at
    while true do
      local i = find(text, '["\\%z]', stop)
      if not i then
        expected(what, "unexpected end of string", #text + 1)
      end
      local c = byte(text, i)
      parts[#parts + 1] = sub(text, from, i - 1)
      if c == 34 then return concat(parts), i + 1 end
      if c == 0 then
        parts[#parts + 1] = "\0"
        from, stop = i + 1, i + 1
      else
        local e = sub(text, i + 1, i + 1)
        if e == "u" then
          local hex = sub(text, i + 2, i + 5)
          if not find(hex, "^%x%x%x%x$") then expected(what, "invalid unicode escape code", i) end
          local point = tonumber(hex, 16)
          local after = i + 6
          if point >= 0xDC00 and point <= 0xDFFF then expected(what, "invalid unicode escape code", i) end
          if point >= 0xD800 and point <= 0xDBFF then
            local low = sub(text, after, after + 5)
            local digits = find(low, "^\\u%x%x%x%x$") and tonumber(sub(low, 3), 16)
            if not digits or digits < 0xDC00 or digits > 0xDFFF then
              expected(what, "invalid unicode escape code", i)
            end
            point = 0x10000 + (point - 0xD800) * 1024 + (digits - 0xDC00)
            after = after + 6
          end
          parts[#parts + 1] = utf8(point)
          from, stop = after, after
        else
          local simple = SIMPLE[e]
          if not simple then expected(what, "invalid escape code", i) end
          parts[#parts + 1] = simple
          from, stop = i + 2, i + 2
        end
      end
    end
  end

  -- A string whose opening quote stands before `at`.
  local function read_string(text, what, at)
    local i = find(text, '["\\%z]', at)
    if i and byte(text, i) == 34 then return sub(text, at, i - 1), i + 1 end
    return unescape(text, what, at)
  end

  local function skip(text, at)
    local c = byte(text, at)
    if c == 32 or c == 10 or c == 13 or c == 9 then return find(text, "[^ \t\r\n]", at) or #text + 1 end
    return at
  end

  -- The number that starts at `at` as strtod would take it: number, end; nil when there is none.
  local function read_number(text, at)
    local from, to = find(text, "^-?0[xX]%x+", at)
    if not from then
      from, to = find(text, "^-?%d+%.?%d*[eE][+-]?%d+", at)
      if not from then from, to = find(text, "^-?%d+%.?%d*", at) end
    elseif not decode_invalid then
      return nil
    end
    if not from then
      from, to = find(text, "^-?[iI][nN][fF]", at)
      if from then
        local _, long = find(text, "^-?[iI][nN][fF][iI][nN][iI][tT][yY]", at)
        if not decode_invalid then return nil end
        return byte(text, at) == 45 and -1 / 0 or 1 / 0, (long or to) + 1
      end
      from, to = find(text, "^-?[nN][aA][nN]", at)
      if from and decode_invalid then return 0 / 0, to + 1 end
      return nil
    end
    if not decode_invalid and find(text, "^-?0%d", at) then return nil end
    local digits = sub(text, from, to)
    local n = tonumber(digits)
    if not n and byte(digits) == 45 then n = -tonumber(sub(digits, 2)) end
    return n, to + 1
  end

  -- What stands at `at`, in the words of the error texts.
  local function token_name(text, at)
    local c = sub(text, at, at)
    if c == "" then return "T_END" end
    if NAMES[c] then
      if c == '"' then read_string(text, "token", at + 1) end
      return NAMES[c]
    end
    if read_number(text, at) then return "T_NUMBER" end
    if sub(text, at, at + 3) == "true" or sub(text, at, at + 4) == "false" then return "T_BOOLEAN" end
    if sub(text, at, at + 3) == "null" then return "T_NULL" end
    return "invalid token"
  end

  local read

  local function deeper(depth, at)
    if depth > decode_depth then
      refuse("Found too many nested data structures (" .. depth .. ") at character " .. at)
    end
  end

  local function read_array(text, at, depth)
    deeper(depth, at - 1)
    local t, n = {}, 0
    at = skip(text, at)
    if byte(text, at) == 93 then return t, at + 1 end
    while true do
      n = n + 1
      t[n], at = read(text, at, depth)
      at = skip(text, at)
      local c = byte(text, at)
      if c == 93 then return t, at + 1 end
      if c ~= 44 then expected("comma or array end", token_name(text, at), at) end
      at = at + 1
    end
  end

  local function read_object(text, at, depth)
    deeper(depth, at - 1)
    local t = {}
    at = skip(text, at)
    if byte(text, at) == 125 then return t, at + 1 end
    while true do
      at = skip(text, at)
      if byte(text, at) ~= 34 then expected("object key string", token_name(text, at), at) end
      local key
      key, at = read_string(text, "object key string", at + 1)
      at = skip(text, at)
      if byte(text, at) ~= 58 then expected("colon", token_name(text, at), at) end
      t[key], at = read(text, at + 1, depth)
      at = skip(text, at)
      local c = byte(text, at)
      if c == 125 then return t, at + 1 end
      if c ~= 44 then expected("comma or object end", token_name(text, at), at) end
      at = at + 1
    end
  end

  function read(text, at, depth)
    at = skip(text, at)
    local c = byte(text, at)
    if c == 34 then return read_string(text, "value", at + 1) end
    if c == 123 then return read_object(text, at + 1, depth + 1) end
    if c == 91 then return read_array(text, at + 1, depth + 1) end
    if c == 116 and sub(text, at, at + 3) == "true" then return true, at + 4 end
    if c == 102 and sub(text, at, at + 4) == "false" then return false, at + 5 end
    if c == 110 and sub(text, at, at + 3) == "null" then return null, at + 4 end
    if c then
      local n, after = read_number(text, at)
      if n then return n, after end
    end
    expected("value", token_name(text, at), at)
  end

  local function read_all(text)
    if byte(text, 1) == 0 or byte(text, 2) == 0 then refuse("JSON parser does not support UTF-16 or UTF-32") end
    local value, at = read(text, 1, 0)
    at = skip(text, at)
    if at <= #text then expected("the end", token_name(text, at), at) end
    return value
  end

  local function decode(...)
    if select("#", ...) ~= 1 then error("bad argument #1 to 'decode' (expected 1 argument)", 2) end
    local text = ...
    if type(text) == "number" then text = tostring(text) end
    if type(text) ~= "string" then
      error("bad argument #1 to 'decode' (string expected, got " .. type(text) .. ")", 2)
    end
    local ok, value = pcall(read_all, text)
    if not ok then
      if type(value) == "table" and value[1] then value = value[1] end
      error(value, 2)
    end
    return value
  end

  -- Settings ----------------------------------------------------------------------------

  local function integer(value, low, high, name)
    local n = tonumber(value)
    if not n then error("bad argument #1 to '" .. name .. "' (number expected, got " .. type(value) .. ")", 3) end
    if n < low or n > high then
      error("bad argument #1 to '" .. name .. "' (expected integer between " .. low .. " and " .. format("%d", high) .. ")", 3)
    end
    return n
  end

  return {
    encode = encode,
    decode = decode,
    null = null,
    encode_max_depth = function(n)
      if n ~= nil then encode_depth = integer(n, 1, 2147483647, "encode_max_depth") end
      return encode_depth
    end,
    decode_max_depth = function(n)
      if n ~= nil then decode_depth = integer(n, 1, 2147483647, "decode_max_depth") end
      return decode_depth
    end,
    encode_number_precision = function(n)
      if n ~= nil then
        precision = integer(n, 1, 16, "encode_number_precision")
        number_format = "%." .. precision .. "g"
      end
      return precision
    end,
    encode_keep_buffer = function(on)
      if on ~= nil then keep_buffer = on and true or false end
      return keep_buffer
    end,
    encode_invalid_numbers = function(on)
      if on ~= nil then encode_invalid = on end
      return encode_invalid
    end,
    decode_invalid_numbers = function(on)
      if on ~= nil then decode_invalid = on end
      return decode_invalid
    end,
    encode_sparse_array = function(convert, ratio, safe)
      if convert ~= nil then sparse_convert = convert and true or false end
      if ratio ~= nil then sparse_ratio = integer(ratio, 0, 2147483647, "encode_sparse_array") end
      if safe ~= nil then sparse_safe = integer(safe, 0, 2147483647, "encode_sparse_array") end
      return sparse_convert, sparse_ratio, sparse_safe
    end,
    new = new_library,
    _NAME = "cjson", _VERSION = "2.1.0",
  }
end

return new_library()
