-- struct.pack, struct.unpack, struct.size: binary data by format strings.
-- Source of the formats: Roberto Ierusalimschy's struct library 0.2, as Redis documents it.
local helpers = ...
local pack_double, unpack_double = helpers.pack_double, helpers.unpack_double
local type, tonumber, tostring, error, unpack = type, tonumber, tostring, error, unpack
local byte, char, sub, find, rep, concat, floor = string.byte, string.char, string.sub, string.find, string.rep, table.concat, math.floor

local SIZES = { b = 1, B = 1, h = 2, H = 2, i = 4, I = 4, l = 8, L = 8, T = 8, f = 4, d = 8, x = 1, c = 1 }

-- Walks a format: calls on(option, size, place) with alignment done through `pad(count)`.
local function reader(format)
  local state = { at = 1, little = true, align = 1 }

  local function number(default)
    local from, to = find(format, "^%d+", state.at)
    if not from then return default end
    state.at = to + 1
    local n = tonumber(sub(format, from, to))
    if n > 2147483647 then error("integral size overflow", 4) end
    return n
  end

  -- The next option that handles data: option, its size, whether it is to be aligned.
  function state.next(fname)
    while state.at <= #format do
      local option = sub(format, state.at, state.at)
      state.at = state.at + 1
      if option == "<" then
        state.little = true
      elseif option == ">" then
        state.little = false
      elseif option == "!" then
        local align = number(8)
        local power = 1
        while power < align do power = power * 2 end
        if align == 0 or power ~= align then error("alignment " .. align .. " is not a power of 2", 3) end
        state.align = align
      elseif option ~= " " then
        local size = SIZES[option]
        if option == "i" or option == "I" then
          size = number(4)
          if size > 32 then error("integral size " .. size .. " is larger than limit of 32", 3) end
        elseif option == "c" then
          size = number(1)
        elseif option == "s" then
          size = 0
        elseif not size then
          error("bad argument #1 to '" .. fname .. "' (invalid format option '" .. option .. "')", 3)
        end
        return option, size
      end
    end
    return nil
  end

  -- Bytes of padding before an option of `size` at offset `place`.
  function state.padding(option, size, place)
    if size == 0 or option == "c" or option == "x" then return 0 end
    local align = size < state.align and size or state.align
    if align <= 1 then return 0 end
    return (align - place % align) % align
  end
  return state
end

local function integer_bytes(value, size, little)
  local negative = value < 0
  value = negative and -floor(-value) or floor(value)
  local out = {}
  for i = 1, size do
    -- A double holds 53 bits: below that, what is left is all sign.
    local digit = value % 256
    value = (value - digit) / 256
    out[little and i or size + 1 - i] = digit
  end
  return char(unpack(out))
end

local function bad(index, fname, expected, value)
  error("bad argument #" .. index .. " to '" .. fname .. "' (" .. expected .. " expected, got " .. type(value) .. ")", 3)
end

local function pack(format, ...)
  if type(format) ~= "string" and type(format) ~= "number" then bad(1, "pack", "string", format) end
  local state = reader(format)
  local out, place, arg = {}, 0, 0
  local argv = { ... }
  while true do
    local option, size = state.next("pack")
    if not option then break end
    local padding = state.padding(option, size, place)
    if padding > 0 then
      out[#out + 1] = rep("\0", padding)
      place = place + padding
    end
    local piece
    if option == "x" then
      piece = "\0"
    elseif option == "s" or option == "c" then
      arg = arg + 1
      local value = argv[arg]
      if type(value) == "number" then value = tostring(value) end
      if type(value) ~= "string" then bad(arg + 1, "pack", "string", value) end
      if option == "s" then
        piece = value .. "\0"
      else
        if size == 0 then size = #value end
        if #value < size then error("bad argument #" .. arg + 2 .. " to 'pack' (string too short)", 2) end
        piece = sub(value, 1, size)
      end
    else
      arg = arg + 1
      local value = tonumber(argv[arg])
      if not value then bad(arg + 1, "pack", "number", argv[arg]) end
      if option == "f" or option == "d" then
        piece = pack_double((state.little and "<" or ">") .. option, value)
      else
        piece = integer_bytes(value, size, state.little)
      end
    end
    out[#out + 1] = piece
    place = place + #piece
  end
  return concat(out)
end

local function read_integer(data, at, size, little, signed)
  local value = 0
  for i = 0, size - 1 do
    local digit = byte(data, little and at + size - 1 - i or at + i)
    value = value * 256 + digit
  end
  if signed and byte(data, little and at + size - 1 or at) >= 128 then value = value - 256 ^ size end
  return value
end

local function unpack_data(format, data, start)
  if type(format) ~= "string" then bad(1, "unpack", "string", format) end
  if type(data) == "number" then data = tostring(data) end
  if type(data) ~= "string" then bad(2, "unpack", "string", data) end
  start = start == nil and 1 or tonumber(start)
  if start < 1 then error("bad argument #3 to 'unpack' (offset must be 1 or greater)", 2) end
  local state = reader(format)
  local place, found, count = start - 1, {}, 0
  while true do
    local option, size = state.next("unpack")
    if not option then break end
    place = place + state.padding(option, size, place)
    if place + size > #data then error("bad argument #2 to 'unpack' (data string too short)", 2) end
    if option == "s" then
      local stop = find(data, "\0", place + 1, true)
      if not stop then error("unfinished string in data", 2) end
      count = count + 1
      found[count] = sub(data, place + 1, stop - 1)
      place = stop
    elseif option == "c" then
      if size == 0 then
        if count == 0 or type(found[count]) ~= "number" then error("format 'c0' needs a previous size", 2) end
        size = found[count]
        found[count] = nil
        count = count - 1
        if size < 0 or place + size > #data then error("bad argument #2 to 'unpack' (data string too short)", 2) end
      end
      count = count + 1
      found[count] = sub(data, place + 1, place + size)
      place = place + size
    elseif option == "x" then
      place = place + 1
    else
      count = count + 1
      if option == "f" or option == "d" then
        found[count] = unpack_double((state.little and "<" or ">") .. option, data, place)
      else
        found[count] = read_integer(data, place + 1, size, state.little, find("bhil", option, 1, true) ~= nil)
      end
      place = place + size
    end
  end
  found[count + 1] = place + 1
  return unpack(found, 1, count + 1)
end

local function size_of(format)
  local state = reader(format)
  local place = 0
  while true do
    local option, size = state.next("size")
    if not option then return place end
    if option == "s" or (option == "c" and size == 0) then
      error("bad argument #1 to 'size' (option '" .. option .. (option == "c" and "0" or "") .. "' has no fixed size)", 2)
    end
    place = place + state.padding(option, size, place) + size
  end
end

return { pack = pack, unpack = unpack_data, size = size_of }
