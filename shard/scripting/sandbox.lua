-- The world that scripts see, made of stock Lua 5.1. Called once for each shard:
--
--   sandbox(bridge, names) -> run, run_table, compile_eval, compile_library, load_library, stop
--
-- Stock Lua has no read-only tables, so what a script gets as `_G`, `redis`, `string`, ... are
-- empty proxies: reads fall through to the real table, writes raise. Whatever could get behind a
-- proxy (rawset, table.insert, getmetatable, next, ...) is wrapped. The real tables, `debug`
-- and the Python callables are upvalues of this chunk and cannot be reached from a script.
local bridge, lua_version = ...

local py_call, py_load, py_log, py_sha1, py_setresp = bridge.call, bridge.load, bridge.log, bridge.sha1hex, bridge.setresp
local py_poll, py_random, py_seed, py_acl = bridge.poll, bridge.random, bridge.seed, bridge.acl

local type, tostring, tonumber, select, unpack = type, tostring, tonumber, select, unpack
local error, pcall, xpcall, assert, rawget, rawset, rawequal = error, pcall, xpcall, assert, rawget, rawset, rawequal
local setmetatable, getmetatable, next, pairs, ipairs = setmetatable, getmetatable, next, pairs, ipairs
local loadstring, setfenv = loadstring, setfenv
local getinfo, sethook = debug.getinfo, debug.sethook
local concat, sub, floor = table.concat, string.sub, math.floor
local co_create = coroutine.create

-- Protection ---------------------------------------------------------------------------

local real_of = setmetatable({}, { __mode = "k" }) -- proxy -> the table behind it
local READONLY = "Attempt to modify a readonly table"

local function refuse_write()
  error(READONLY, 2)
end

local function protect(real)
  local proxy = {}
  real_of[proxy] = real
  setmetatable(proxy, { __index = real, __newindex = refuse_write, __metatable = false })
  return proxy
end

-- A library function that must not change a protected table through its first argument.
local function guarded(f)
  return function(t, ...)
    if real_of[t] then error(READONLY, 0) end
    return f(t, ...)
  end
end

local safe = {}
for _, name in ipairs { "assert", "error", "gcinfo", "collectgarbage", "ipairs", "pcall", "rawequal", "select",
  "tonumber", "tostring", "type", "unpack", "xpcall", "_VERSION" } do
  safe[name] = _G[name]
end

-- An error table is caught as its text, as Redis's pcall gives it.
local function caught(ok, ...)
  if ok then return true, ... end
  local problem = ...
  if type(problem) == "table" and type(rawget(problem, "err")) == "string" then return false, problem.err end
  return false, ...
end

function safe.pcall(...)
  return caught(pcall(...))
end

function safe.next(t, k)
  return next(t ~= nil and real_of[t] or t, k)
end

function safe.pairs(...)
  local t = ...
  local real = t ~= nil and real_of[t]
  if real then return next, real, nil end
  if type(t) ~= "table" then
    local found = select("#", ...) == 0 and "no value" or type(t)
    error("bad argument #1 to 'pairs' (table expected, got " .. found .. ")", 2)
  end
  return next, t, nil
end

function safe.rawget(t, k)
  return rawget(t ~= nil and real_of[t] or t, k)
end

safe.rawset = guarded(rawset)
safe.setmetatable = guarded(setmetatable)

local string_meta
local worlds = setmetatable({}, { __mode = "k" }) -- what scripts have as _G
local globals_meta = protect({}) -- _G has a metatable, but what that does is not to be changed

function safe.getmetatable(v)
  if type(v) == "string" then return string_meta end
  if v ~= nil and worlds[v] then return globals_meta end
  return getmetatable(v) or nil
end

-- Lua compiled from text only: bytecode can break out of the virtual machine.
local function load_text(text, chunk, env)
  if sub(text, 1, 1) == "\27" then return nil, "[string \"" .. sub(text, 2, 4) .. "\"]:1: unexpected symbol near 'char(27)'" end
  local f, problem = loadstring(text, chunk or text)
  if f then setfenv(f, env) end
  return f, problem
end

local strings = {}
for k, v in pairs(string) do strings[k] = v end
local tables = {}
for k, v in pairs(table) do tables[k] = v end
for _, name in ipairs { "insert", "remove", "sort", "setn" } do
  if tables[name] then tables[name] = guarded(tables[name]) end
end
local maths = {}
for k, v in pairs(math) do maths[k] = v end

-- The generator is Redis's own (drand48's, seeded alike for every script), so results are equal.
function maths.random(...)
  local n, r = select("#", ...), py_random()
  if n == 0 then return r end
  local low, high = 1, ...
  if n == 2 then low, high = ... elseif n > 2 then error("wrong number of arguments", 2) end
  if type(low) ~= "number" or type(high) ~= "number" then
    low, high = tonumber(low), tonumber(high)
    if not low or not high then error("bad argument #1 to 'random' (number expected)", 2) end
  end
  if low > high then error("bad argument #" .. n .. " to 'random' (interval is empty)", 2) end
  return floor(r * (high - low + 1)) + low
end

function maths.randomseed(seed)
  py_seed(seed)
end

-- Long scripts -----------------------------------------------------------------------------

local POLL_EVERY = 100000 -- instructions, about a millisecond
local interrupted = false
local hook

local function arm(thread)
  if thread then sethook(thread, hook, "", POLL_EVERY) else sethook(hook, "", POLL_EVERY) end
end

function hook()
  local reason = interrupted or py_poll()
  if reason and reason ~= "" then
    -- A script may pcall() this: from now on every line raises it again. Only in code of the
    -- script's own: the runner below must come to its end.
    if not interrupted then
      interrupted = reason
      sethook(hook, "l", 1)
    end
    if getinfo(2, "S").source ~= "=[elixircache]" then error({ err = reason }, 0) end
  end
end

local coroutines = {}
for k, v in pairs(coroutine) do coroutines[k] = v end

function coroutines.create(f)
  local thread = co_create(f)
  arm(thread)
  return thread
end

local resume, status = coroutine.resume, coroutine.status
function coroutines.wrap(f)
  local thread = co_create(f)
  arm(thread)
  local function give(ok, ...)
    if not ok then error((...), 0) end
    return ...
  end
  return function(...)
    return give(resume(thread, ...))
  end
end

-- redis.* ----------------------------------------------------------------------------------

local function special(value, tag, raise)
  if tag == 1 then return { ok = value } end
  if tag == 2 then
    local failure = { err = value, ignore_error_stats_update = true }
    if raise then error(failure, 0) end
    return failure
  end
  if tag == 3 then return { double = value } end
  if tag == 4 then return { map = value } end
  if tag == 5 then return { set = value } end
  if tag == 6 then return { verbatim_string = { string = value, format = "txt" } } end
  return nil
end

-- py_call gives one value (string, number, boolean, array) or a value and a tag.
local function call(...)
  local value, tag = py_call(...)
  if tag == nil then return value end
  return special(value, tag, true)
end

local function protected_call(...)
  local value, tag = py_call(...)
  if tag == nil then return value end
  return special(value, tag, false)
end

local function fail(text)
  error({ err = "ERR " .. text }, 0)
end

local api = {
  LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
  REPL_NONE = 0, REPL_AOF = 1, REPL_SLAVE = 2, REPL_REPLICA = 2, REPL_ALL = 3,
  REDIS_VERSION = lua_version.text, REDIS_VERSION_NUM = lua_version.number,
}

function api.error_reply(text)
  if type(text) ~= "string" then return { err = "ERR wrong number or type of arguments" } end
  if sub(text, 1, 1) == "-" then text = sub(text, 2) end
  if not string.find(text, " ", 1, true) then text = "ERR " .. text end
  return { err = text }
end

function api.status_reply(text)
  if type(text) ~= "string" then return { err = "ERR wrong number or type of arguments" } end
  return { ok = text }
end

function api.sha1hex(...)
  if select("#", ...) ~= 1 then fail("wrong number of arguments") end
  local text = ...
  if type(text) ~= "string" and type(text) ~= "number" then text = "" end
  return py_sha1(tostring(text))
end

function api.log(level, ...)
  if select("#", ...) < 1 then fail("redis.log() requires two arguments or more.") end
  if type(level) ~= "number" then fail("First argument must be a number (log level).") end
  if level < 0 or level > 3 then fail("Invalid debug level.") end
  local parts = {}
  for i = 1, select("#", ...) do
    local part = select(i, ...)
    if type(part) == "string" or type(part) == "number" then parts[#parts + 1] = tostring(part) end
  end
  py_log(level, concat(parts, " "))
end

function api.setresp(...)
  if select("#", ...) ~= 1 then fail("redis.setresp() requires one argument.") end
  local version = ...
  if version ~= 2 and version ~= 3 then fail("RESP version must be 2 or 3.") end
  py_setresp(version)
end

-- Effects are always replicated, one by one: the flags are checked and change nothing.
function api.set_repl(...)
  if select("#", ...) ~= 1 then fail("redis.set_repl() requires two arguments.") end
  local flags = tonumber((...))
  if not flags or flags < 0 or flags > 3 then
    fail("Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
  end
end

function api.acl_check_cmd(...)
  if select("#", ...) == 0 then fail("Please specify at least one argument for this redis lib call") end
  local known, allowed = py_acl(...)
  if not known then fail("Invalid command passed to redis.acl_check_cmd()") end
  return allowed
end

api.call, api.pcall = call, protected_call

local eval_api = {}
for k, v in pairs(api) do eval_api[k] = v end
function eval_api.replicate_commands() return true end
-- There is no step debugger: what the debugger's functions do when it is off.
function eval_api.breakpoint() return false end
function eval_api.debug() end

-- Globals ------------------------------------------------------------------------------------

local function no_such_global(_, name)
  error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end

local shared = {
  string = protect(strings), table = protect(tables), math = protect(maths), coroutine = protect(coroutines),
}
string_meta = protect({ __index = shared.string })
getmetatable("").__index = strings

local function make_globals(redis)
  local globals = {}
  for k, v in pairs(safe) do globals[k] = v end
  for k, v in pairs(shared) do globals[k] = v end
  globals.redis = redis
  local proxy = protect(globals)
  globals._G = proxy
  worlds[proxy] = true
  setmetatable(globals, { __index = no_such_global })
  function globals.loadstring(text, chunk)
    if type(text) ~= "string" then error("bad argument #1 to 'loadstring' (string expected)", 2) end
    return load_text(text, chunk, proxy)
  end
  function globals.load(reader, chunk)
    if type(reader) ~= "function" then
      error("bad argument #1 to 'load' (function expected, got " .. (reader == nil and "no value" or type(reader)) .. ")", 2)
    end
    local parts = {}
    while true do
      local part = reader()
      if part == nil or part == "" then break end
      parts[#parts + 1] = part
    end
    return load_text(concat(parts), chunk or "=(load)", proxy)
  end
  return globals, proxy
end

local eval_globals, eval_proxy = make_globals(protect(eval_api))
local run_redis = protect(api)
local library_globals, library_proxy = make_globals(run_redis)

-- Libraries written in Lua: name -> table, given to scripts read-only.
local function install(name, library)
  local proxy = protect(library)
  eval_globals[name], library_globals[name] = proxy, proxy
end

-- Running ------------------------------------------------------------------------------------

-- Where an error was raised: the nearest frame that is a script's own.
local function handler(problem)
  local failure = problem
  if type(problem) ~= "table" then
    failure = { err = "ERR " .. tostring(problem) }
  elseif type(rawget(problem, "err")) ~= "string" then
    failure = { err = "ERR unknown error" }
  end
  local level, info = 2, nil
  while true do
    info = getinfo(level, "Sl")
    if not info then break end
    if info.what ~= "C" and info.currentline >= 0 and info.source ~= "=[elixircache]" then
      failure.source, failure.line = info.source, info.currentline
      break
    end
    level = level + 1
  end
  return failure
end

local DEPTH_MAX = 1000

-- A reply as RESP, piece by piece. `resp` is the client's protocol, `own` the script's.
local encode

local function integer(n)
  if n ~= n or n >= 9223372036854775808 or n <= -9223372036854775808 then return ":-9223372036854775808\r\n" end
  return string.format(":%.0f\r\n", n < 0 and math.ceil(n) or floor(n))
end

local function line(text)
  return (string.gsub(text, "[\r\n]", " ")) .. "\r\n"
end

local function bulk(text)
  return "$" .. #text .. "\r\n" .. text .. "\r\n"
end

local function encode_table(v, out, resp, own, depth)
  if depth > DEPTH_MAX then
    out[#out + 1] = "-ERR reached lua stack limit\r\n"
    return
  end
  local field = rawget(v, "err")
  if type(field) == "string" then out[#out + 1] = "-" .. line(field) return end
  field = rawget(v, "ok")
  if type(field) == "string" then out[#out + 1] = "+" .. line(field) return end
  field = rawget(v, "double")
  if type(field) == "number" then
    local text = field == 1 / 0 and "inf" or field == -1 / 0 and "-inf" or field ~= field and "nan" or string.format("%.17g", field)
    out[#out + 1] = resp >= 3 and "," .. text .. "\r\n" or bulk(text)
    return
  end
  field = rawget(v, "map")
  if type(field) == "table" then
    local at, count = #out + 1, 0
    out[at] = ""
    for key, value in next, field do
      count = count + 1
      encode(key, out, resp, own, depth + 1)
      encode(value, out, resp, own, depth + 1)
    end
    out[at] = resp >= 3 and "%" .. count .. "\r\n" or "*" .. 2 * count .. "\r\n"
    return
  end
  field = rawget(v, "set")
  if type(field) == "table" then
    local at, count = #out + 1, 0
    out[at] = ""
    for key in next, field do
      count = count + 1
      encode(key, out, resp, own, depth + 1)
    end
    out[at] = (resp >= 3 and "~" or "*") .. count .. "\r\n"
    return
  end
  field = rawget(v, "big_number")
  if type(field) == "string" then
    out[#out + 1] = resp >= 3 and "(" .. line(field) or bulk(field)
    return
  end
  field = rawget(v, "verbatim_string")
  if type(field) == "table" then
    local text, format = rawget(field, "string"), rawget(field, "format")
    if type(text) == "string" and type(format) == "string" then
      format = sub(format .. "   ", 1, 3)
      out[#out + 1] = resp >= 3 and "=" .. #text + 4 .. "\r\n" .. format .. ":" .. text .. "\r\n" or bulk(text)
      return
    end
  end
  local at, n = #out + 1, 0
  out[at] = ""
  while true do
    local item = rawget(v, n + 1)
    if item == nil then break end
    n = n + 1
    encode(item, out, resp, own, depth + 1)
  end
  out[at] = "*" .. n .. "\r\n"
end

function encode(v, out, resp, own, depth)
  local kind = type(v)
  if kind == "string" then
    out[#out + 1] = bulk(v)
  elseif kind == "number" then
    out[#out + 1] = integer(v)
  elseif kind == "table" then
    encode_table(v, out, resp, own, depth)
  elseif kind == "boolean" and (v or own >= 3) then
    out[#out + 1] = (own >= 3 and resp >= 3) and (v and "#t\r\n" or "#f\r\n") or (v and ":1\r\n" or ":0\r\n")
  else
    out[#out + 1] = resp >= 3 and "_\r\n" or "$-1\r\n"
  end
end

local script_resp = 2 -- what redis.setresp last said
do
  local set = api.setresp
  local function seen(...)
    set(...)
    script_resp = ...
  end
  api.setresp, eval_api.setresp = seen, seen
end

-- What `run` gives Python: a plain value; or (1, RESP bytes); or (2, error, source, line).
local function finish(resp, ok, value)
  if interrupted then
    arm() -- first: the line hook would poll again
    interrupted = false
  end
  local own = script_resp
  script_resp = 2
  if not ok then
    if type(value) ~= "table" then return 2, "ERR " .. tostring(value) end
    return 2, value.err, value.source, value.line
  end
  local kind = type(value)
  if kind == "table" then
    local failure = rawget(value, "err")
    if type(failure) == "string" then return 2, failure end
    local out = {}
    encode_table(value, out, resp, own, 1)
    return 1, concat(out)
  end
  if kind == "string" or kind == "number" then return value end
  if kind == "boolean" then
    if own >= 3 then return value end
    return value and 1 or nil
  end
  return nil
end

local function start(f, is_eval, keys, argv)
  if is_eval then
    eval_globals.KEYS, eval_globals.ARGV = keys, argv
    return xpcall(f, handler)
  end
  return xpcall(function() local r = f(keys, argv) return r end, handler)
end

local function run_table(f, is_eval, resp, nkeys, all)
  local keys, argv = {}, {}
  for i = 1, nkeys do keys[i] = all[i] end
  for i = nkeys + 1, #all do argv[i - nkeys] = all[i] end
  return finish(resp, start(f, is_eval, keys, argv))
end

local function run(f, is_eval, resp, nkeys, ...)
  if nkeys == 1 then return finish(resp, start(f, is_eval, { (...) }, { select(2, ...) })) end
  if nkeys == select("#", ...) then return finish(resp, start(f, is_eval, { ... }, {})) end
  return run_table(f, is_eval, resp, nkeys, { ... })
end

-- Compiling --------------------------------------------------------------------------------

-- py_load turns tail calls into plain calls, so that errors keep the line that they rose from.
local function compile(text, chunk, env)
  if sub(text, 1, 1) == "\27" then return nil, "binary chunks are not allowed" end
  local f, problem = loadstring(text, chunk)
  if not f then return nil, problem end
  f = loadstring(py_load(string.dump(f)), chunk)
  setfenv(f, env)
  return f
end

local function compile_eval(text)
  return compile(text, "@user_script", eval_proxy)
end

local FIELDS = { function_name = true, callback = true, flags = true, description = true }
local NAME_RULE = "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
local FLAGS = { ["no-writes"] = true, ["allow-oom"] = true, ["allow-stale"] = true, ["no-cluster"] = true,
  ["allow-cross-slot-keys"] = true }

local function parse_registration(...)
  local n = select("#", ...)
  local first, callback = ...
  if n == 1 then
    if type(first) ~= "table" then
      fail("calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).")
    end
    for field in next, first do
      if type(field) ~= "string" then fail("named argument key given to redis.register_function is not a string") end
      if not FIELDS[field] then fail("unknown argument given to redis.register_function") end
    end
    local name, flags = rawget(first, "function_name"), rawget(first, "flags")
    local text = rawget(first, "description")
    callback = rawget(first, "callback")
    if name ~= nil and type(name) ~= "string" then
      fail("function_name argument given to redis.register_function must be a string")
    end
    if text ~= nil and type(text) ~= "string" then
      fail("description argument given to redis.register_function must be a string")
    end
    if callback ~= nil and type(callback) ~= "function" then
      fail("callback argument given to redis.register_function must be a function")
    end
    if flags ~= nil and type(flags) ~= "table" then
      fail("flags argument to redis.register_function must be a table representing function flags")
    end
    if name == nil then fail("redis.register_function must get a function name argument") end
    if callback == nil then fail("redis.register_function must get a callback argument") end
    local list = {}
    for _, flag in ipairs(flags or {}) do
      if not FLAGS[flag] then fail("unknown flag given") end
      list[#list + 1] = flag
    end
    return name, callback, concat(list, ","), text or ""
  elseif n == 2 then
    if type(first) ~= "string" then fail("first argument to redis.register_function must be a string") end
    if type(callback) ~= "function" then fail("second argument to redis.register_function must be a function") end
    return first, callback, "", ""
  end
  fail("wrong number of arguments to redis.register_function")
end

-- Runs a library's top level; gives (functions) or (nil, kind, error text).
local function load_library(text)
  local chunk, problem = compile(text, "@user_function", library_proxy)
  if not chunk then return nil, "compiling", problem end
  local found = {}
  local loading = {}
  for k, v in pairs(api) do
    if type(v) ~= "function" then loading[k] = v end
  end
  loading.log = api.log
  function loading.register_function(...)
    local name, callback, flags, description = parse_registration(...)
    if not string.find(name, "^[%w_]+$") then fail(NAME_RULE) end
    for i = 1, #found, 4 do
      if found[i] == name then fail("Function already exists in the library") end
    end
    local at = #found
    found[at + 1], found[at + 2], found[at + 3], found[at + 4] = name, callback, flags, description
  end
  setmetatable(loading, { __index = no_such_global })
  library_globals.redis = protect(loading)
  local ok, failure = xpcall(chunk, handler)
  library_globals.redis = run_redis
  if interrupted then
    arm() -- first: the line hook would poll again
    interrupted = false
  end
  if not ok then return nil, "running", failure.err end
  return unpack(found)
end

arm()
return run, run_table, compile_eval, load_library, install
