-- bit.*: checks arguments and hands them to Python (shard/scripting/bit_operations.py).
local operations = ...
local type, tonumber, select, error, pairs = type, tonumber, select, error, pairs

local NEEDS = { lshift = 2, rshift = 2, arshift = 2, rol = 2, ror = 2 }

local function make(name, f)
  local needs = NEEDS[name] or 1
  local function check(i, ...)
    local v = select(i, ...)
    local n = tonumber(v)
    if not n then
      error("bad argument #" .. i .. " to '" .. name .. "' (number expected, got "
        .. (i > select("#", ...) and "no value" or type(v)) .. ")", 3)
    end
  end
  return function(...)
    local n = select("#", ...)
    for i = 1, n > needs and n or needs do check(i, ...) end
    local a, b = ...
    if n == 1 then return f(tonumber(a)) end
    if n == 2 then return f(tonumber(a), tonumber(b)) end
    local all = { ... }
    for i = 1, n do all[i] = tonumber(all[i]) end
    if NEEDS[name] then return f(all[1], all[2]) end
    return f(unpack(all))
  end
end

local bit = {}
for name, f in pairs(operations) do bit[name] = make(name, f) end
return bit
