// The console: one status session for topology, charts, keys, slow log and events; the command line has its own.

import { Chart, samples } from "./charts.js";
import { KeyBrowser, table } from "./keys.js";
import { Link, bytes, make, pairs, text, withToken } from "./link.js";
import { Terminal } from "./terminal.js";

const POLL_MS = 1000;
const SLOWLOG_MS = 3000;
const EVENTS_MAX = 300;
const $ = (id) => document.getElementById(id);

// A replica's own console can look at itself: /?endpoint=slave.
const status = new Link(new URLSearchParams(location.search).get("endpoint") === "slave" ? "slave" : "master");
const terminal = new Terminal();
new KeyBrowser(status);
const charts = {
  ops: new Chart("ops", amount),
  memory: new Chart("memory", bytes, 1024),
  clients: new Chart("clients", (n) => (Number.isInteger(n) ? String(n) : n.toFixed(1))),
  latency: new Chart("latency", (n) => `${n.toFixed(n < 10 ? 2 : 0)} ms`),
};
let lastCount = null;
let lastLinks = null;
// Shards that an event called lost: the topology shows it at once, not at the next poll.
const away = new Set();

function setState(state, words) {
  $("state").dataset.state = state;
  $("state").textContent = words;
}

// -- login ---------------------------------------------------------------------------------

function askLogin(error) {
  if (error.code !== "NOAUTH" || !$("login").hidden) return;
  $("login").hidden = false;
  setState("wait", "login needed");
  $("password").focus();
}

$("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const login = ["AUTH", $("user").value || "default", $("password").value];
  try {
    await status.ask(login);
  } catch (error) {
    $("login-error").textContent = error.message;
    return;
  }
  status.login = login;
  terminal.authenticate(login);
  $("password").value = "";
  $("login").hidden = true;
  status.dispatchEvent(new Event("open"));
});

// -- topology and charts ----------------------------------------------------------------------

function node(tag, state, name, word, ...facts) {
  const head = make("div", { className: "head" }, make("b", { textContent: name }), make("span", { className: "status", textContent: word }));
  const element = make(tag, { className: "node" }, head,
    ...facts.map((fact) => make("span", { textContent: fact })));
  element.dataset.state = state;
  return element;
}

/** INFO's text as an object. */
function fields(info) {
  return Object.fromEntries(String(info).split("\r\n").filter((line) => line.includes(":")).map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at), line.slice(at + 1)];
  }));
}

function drawShards(found, at) {
  const of = (name, shard) => found.get(name)?.find((one) => one.labels.shard === shard)?.value ?? null;
  const links = new Map();
  $("shards").replaceChildren(...(found.get("elixircache_shard_up") ?? []).map(({ labels: { shard }, value }) => {
    const now = { commands: of("elixircache_link_commands_total", shard), batches: of("elixircache_link_batches_total", shard) };
    const before = lastLinks?.links.get(shard);
    links.set(shard, now);
    const seconds = before && now.commands >= before.commands ? (at - lastLinks.at) / 1000 : 0;
    const rate = seconds ? (now.commands - before.commands) / seconds : 0;
    const full = seconds && now.batches > before.batches ? (now.commands - before.commands) / (now.batches - before.batches) : 0;
    const keys = of("elixircache_shard_keys", shard);
    const element = node("li", value && !away.has(shard) ? "good" : "bad", `shard ${shard}`, value && !away.has(shard) ? "up" : "restarting",
      keys === null ? "keys not known" : `${keys.toLocaleString()} keys · ${bytes(of("elixircache_shard_memory_used_bytes", shard))}`,
      `${amount(rate)}/s${full > 1 ? ` · ${full.toFixed(1)} in a batch` : ""}`,
      `in flight ${of("elixircache_link_in_flight", shard)}`,
      `offset ${of("elixircache_shard_stream_offset", shard).toLocaleString()}`);
    element.dataset.shard = shard;
    return element;
  }));
  lastLinks = { links, at };
}

/** What an event says about a shard, shown before the next poll can tell. */
function markShard(shard, up) {
  if (up) away.delete(shard);
  else away.add(shard);
  const element = $("shards").querySelector(`[data-shard="${shard}"]`);
  if (!element) return;
  element.dataset.state = up ? "good" : "bad";
  element.querySelector(".status").textContent = up ? "up" : "restarting";
  if (!up) setState("wait", "a shard is restarting");
}

function amount(n) {
  return n >= 1e6 ? `${(n / 1e6).toFixed(1)} M` : n >= 1000 ? `${(n / 1000).toFixed(1)} k` : n.toFixed(n > 0 && n < 10 ? 1 : 0);
}

function drawRouter(found, info, role) {
  const value = (name) => found?.get(name)?.[0]?.value ?? 0;
  const serving = value("redis_up") === 1;
  $("router-node").replaceChildren(node("div", serving ? "good" : "wait", `router · ${role ?? "role not known"}`, serving ? "serving" : "not ready",
    `offset ${Number(info?.master_repl_offset ?? value("redis_master_repl_offset")).toLocaleString()}`,
    `${value("redis_connected_clients")} clients, ${value("redis_blocked_clients")} blocked`, `${value("elixircache_held_operations")} operations over shards`));
}

/** Replicas by ROLE, in the words of INFO replication, for a user who may not ask INFO. */
function fromRole(role) {
  if (role?.[0] === "slave") return { role: "slave", master_host: role[1], master_port: role[2], master_link_status: role[3] === "connected" ? "up" : role[3] };
  const replicas = (role?.[2] ?? []).map(([ip, port, offset], i) => [`slave${i}`, `ip=${ip},port=${port},state=online,offset=${offset}`]);
  return { role: "master", master_repl_offset: role?.[1], ...Object.fromEntries(replicas) };
}

function drawPeers(info) {
  const peers = [];
  if (info.role === "slave") {
    const up = info.master_link_status === "up";
    peers.push(node("li", up ? "good" : "bad", `master ${info.master_host}:${info.master_port}`, up ? "link up" : "link down",
      info.master_sync_in_progress === "1" ? "synchronising" : info.master_last_io_seconds_ago ? `last I/O ${info.master_last_io_seconds_ago} s ago` : ""));
  }
  for (const [name, line] of Object.entries(info)) {
    if (!/^slave\d+$/.test(name)) continue;
    const one = Object.fromEntries(line.split(",").map((part) => part.split("=")));
    const behind = Math.max(0, Number(info.master_repl_offset) - Number(one.offset));
    peers.push(node("li", one.state === "online" ? "good" : "wait", `replica ${one.ip}:${one.port}`, one.state,
      `offset ${Number(one.offset).toLocaleString()}`, `${behind.toLocaleString()} bytes behind${one.lag ? `, lag ${one.lag} s` : ""}`));
  }
  $("peers").replaceChildren(...peers);
}

async function metrics() {
  const answer = await fetch(withToken("/metrics"), { cache: "no-store" });
  if (!answer.ok) throw new Error(`metrics: ${answer.status}`);
  return samples(await answer.text());
}

async function poll() {
  const asked = performance.now();
  let latency = null;
  const [found, info, role] = await Promise.all([
    metrics().catch(() => null),
    Promise.all([status.ask(["INFO", "replication"]), status.ask(["INFO", "memory"])]).then((parts) => fields(parts.join("\r\n")), (error) => (askLogin(error), null)),
    status.ask(["ROLE"]).catch(() => null),
    status.ask(["PING"]).then(() => (latency = performance.now() - asked), () => {}),
  ]);
  const one = (name) => found?.get(name)?.[0]?.value ?? null;
  const count = one("redis_commands_processed_total");
  const rate = count !== null && lastCount && count >= lastCount.count ? ((count - lastCount.count) * 1000) / (asked - lastCount.at) : null;
  lastCount = count === null ? null : { count, at: asked };
  charts.ops.add(rate);
  charts.clients.add(one("redis_connected_clients"));
  charts.memory.add(one("redis_memory_used_bytes") ?? (info?.used_memory ? Number(info.used_memory) : null));
  charts.latency.add(latency);
  drawRouter(found, info, role?.[0] ?? info?.role);
  if (found) drawShards(found, asked);
  drawPeers(info ?? fromRole(role));
  if (!status.open) setState("bad", "not connected");
  else if ($("login").hidden) {
    const down = (found?.get("elixircache_shard_up") ?? []).filter((shard) => !shard.value).length;
    setState(down ? "wait" : "good", down ? `${down} shard${down > 1 ? "s" : ""} restarting` : "connected");
  }
}

/** Run again some time after it has ended, so that a slow server is never asked twice at once; not while hidden. */
async function repeat(task, everyMs) {
  if (!document.hidden) await task().catch(() => {});
  setTimeout(() => repeat(task, everyMs), everyMs);
}

// -- slow log ---------------------------------------------------------------------------------

async function slowlog() {
  let shown;
  try {
    const entries = await status.ask(["SLOWLOG", "GET", "32"]);
    shown = entries.length
      ? table(["When", "Took", "Command", "Client"], entries.map(([, at, micros, words, client]) =>
        [new Date(at * 1000).toLocaleTimeString(), `${(micros / 1000).toFixed(2)} ms`, words.map(text).join(" "), client ?? ""]))
      : make("p", { className: "hint", textContent: "No command has been slow." });
  } catch (error) {
    shown = make("p", { className: "hint", textContent: `The server answers: ${error.message}` });
  }
  $("slow-table").replaceChildren(shown);
}

// -- events -----------------------------------------------------------------------------------

status.addEventListener("push", ({ detail }) => {
  if (detail.type !== "BROADCAST") return;
  $("no-events").hidden = true;
  const happened = detail.event ?? {};
  if (happened.kind === "shard_lost" || happened.kind === "shard_up") markShard(String(happened.shard), happened.kind === "shard_up");
  const feed = $("feed");
  const details = pairs(detail.event ?? {}).filter(([name]) => name !== "kind").map(([name, value]) => `${name} ${text(value)}`).join(", ");
  feed.append(make("li", { className: text(happened.kind ?? "") }, make("time", { textContent: new Date().toLocaleTimeString() }),
    make("span", { textContent: text(detail.message) }, details ? make("small", { className: "hint", textContent: ` ${details}` }) : null)));
  while (feed.childElementCount > EVENTS_MAX) feed.firstChild.remove();
  feed.scrollTop = feed.scrollHeight;
});

$("attach").addEventListener("click", async () => {
  $("attach").disabled = true;
  $("attach-note").textContent = "Asking the replica endpoint …";
  try {
    const replica = terminal.link("slave");
    if (!replica.open) await new Promise((resolve) => replica.addEventListener("open", resolve, { once: true }));
    let role = await replica.ask(["ROLE"]);
    while (role[0] === "slave" && role[3] !== "connected") {
      $("attach-note").textContent = `The replica's link: ${role[3]} …`;
      await new Promise((resolve) => setTimeout(resolve, 300));
      role = await replica.ask(["ROLE"]);
    }
    $("attach-note").textContent = `The replica answers as ${role[0]}; its state is ${role[3]}.`;
  } catch (error) {
    $("attach-note").textContent = error.message;
  }
  $("attach").disabled = false;
});

status.addEventListener("open", () => {
  away.clear();  // what was told meanwhile was not heard
  terminal.learn(status);
});
status.addEventListener("close", () => setState("bad", "not connected"));
repeat(poll, POLL_MS);
repeat(slowlog, SLOWLOG_MS);
