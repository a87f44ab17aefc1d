// The key browser: SCAN by pattern, and a view fitting each type.

import { bytes, make, pairs, text } from "./link.js";

const PAGE = 100;
const STRING_BYTES_MAX = 4096;
const $ = (id) => document.getElementById(id);

export class KeyBrowser {
  constructor(link) {
    this.link = link;
    this.cursor = "0";
    this.count = 0;
    this.search = 0;
    $("scan").addEventListener("submit", (event) => {
      event.preventDefault();
      this.start();
    });
    $("more").addEventListener("click", () => this.page(this.search));
    $("key-list").addEventListener("keydown", walk);
    // A session that comes back is in database 0 whatever was chosen before.
    link.addEventListener("open", () => this.start());
  }

  async start() {
    const search = ++this.search;
    this.cursor = "0";
    this.count = 0;
    $("key-list").replaceChildren();
    try {
      await this.link.ask(["SELECT", $("database").value || "0"]);
      await this.page(search);
    } catch (error) {
      $("found").textContent = error.message;
    }
  }

  /** SCAN on until a page is full or the keyspace ends; a sparse pattern needs many calls. */
  async page(search) {
    const wanted = this.count + PAGE;
    try {
      do {
        const [cursor, keys] = await this.link.ask(["SCAN", this.cursor, "MATCH", $("pattern").value || "*", "COUNT", "200"]);
        if (search !== this.search) return;
        this.cursor = text(cursor);
        for (const key of keys) this.list(key);
        this.count += keys.length;
      } while (this.cursor !== "0" && this.count < wanted);
    } catch (error) {
      $("found").textContent = error.message;
      return;
    }
    $("more").hidden = this.cursor === "0";
    $("found").textContent = `${this.count} keys${this.cursor === "0" ? "" : " so far"}`;
  }

  list(key) {
    const kind = make("small");
    const button = make("button", { type: "button", ariaPressed: "false" }, make("span", { textContent: text(key) }), kind);
    button.addEventListener("click", () => this.view(key, button));
    $("key-list").append(make("li", {}, button));
    this.link.ask(["TYPE", key]).then((type) => (kind.textContent = type), () => {});
  }

  async view(key, button) {
    for (const other of $("key-list").querySelectorAll("button")) other.ariaPressed = String(other === button);
    const ask = (...words) => this.link.ask(words).catch((error) => error);
    const type = await ask("TYPE", key);
    const [ttl, memory, encoding, [body, length]] = await Promise.all([
      ask("PTTL", key), ask("MEMORY", "USAGE", key), ask("OBJECT", "ENCODING", key),
      value(this.link, type, key).catch((error) => [make("p", { className: "error", textContent: error.message }), "?"]),
    ]);
    const facts = [["Type", type], ["Encoding", known(encoding, text)], ["Length", length], ["TTL", known(ttl, life)], ["Memory", known(memory, bytes)]];
    $("key-view").replaceChildren(
      make("h3", { textContent: text(key) }),
      make("dl", {}, ...facts.map(([name, fact]) => make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: String(fact) })))),
      body,
    );
  }
}

function known(reply, show) {
  return reply instanceof Error ? "not known" : reply === null ? "none" : show(reply);
}

function life(ms) {
  if (ms === -2) return "gone";
  if (ms === -1) return "no expiry";
  const seconds = ms / 1000;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** [element, length] that show a key's value; long ones from their beginning. */
async function value(link, type, key) {
  const ask = (...words) => link.ask(words);
  const last = String(PAGE - 1);
  switch (type) {
    case "string": {
      const [length, part] = await Promise.all([ask("STRLEN", key), ask("GETRANGE", key, "0", String(STRING_BYTES_MAX - 1))]);
      return [make("pre", { textContent: text(part) + (length > STRING_BYTES_MAX ? " …" : "") }), `${length} bytes`];
    }
    case "list": {
      const [length, items] = await Promise.all([ask("LLEN", key), ask("LRANGE", key, "0", last)]);
      return [table(["Index", "Element"], items.map((item, i) => [i, item])), length];
    }
    case "hash": {
      const [length, [, flat]] = await Promise.all([ask("HLEN", key), ask("HSCAN", key, "0", "COUNT", String(PAGE))]);
      return [table(["Field", "Value"], pairs(flat)), length];
    }
    case "set": {
      const [length, [, members]] = await Promise.all([ask("SCARD", key), ask("SSCAN", key, "0", "COUNT", String(PAGE))]);
      return [table(["Member"], members.map((member) => [member])), length];
    }
    case "zset": {
      const [length, found] = await Promise.all([ask("ZCARD", key), ask("ZRANGE", key, "0", last, "WITHSCORES")]);
      return [table(["Member", "Score"], pairs(found)), length];
    }
    case "stream": {
      const [length, entries] = await Promise.all([ask("XLEN", key), ask("XRANGE", key, "-", "+", "COUNT", String(PAGE))]);
      return [table(["Id", "Fields"], entries.map(([id, fields]) => [id, pairs(fields).map((pair) => pair.map(text).join("=")).join("  ")])), length];
    }
    case "none":
      return [make("p", { className: "hint", textContent: "The key is gone." }), 0];
    default:
      return [make("p", { className: "hint", textContent: "There is no view for this type." }), "?"];
  }
}

/** A table of texts. */
export function table(heads, rows) {
  return make("table", {},
    make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col", textContent: head })))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", { className: "mono", textContent: text(cell) }))))));
}

/** Arrow keys go from key to key. */
function walk(event) {
  const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  const next = step && event.target.closest("li")?.[step]?.querySelector("button");
  if (!next) return;
  event.preventDefault();
  next.focus();
}
