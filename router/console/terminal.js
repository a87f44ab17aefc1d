// The command line: history, completion from COMMAND DOCS, replies as redis-cli shows them.

import { Link, make, pairs, text } from "./link.js";

const LINES_MAX = 500;
const HISTORY_MAX = 200;
const SUGGESTIONS_MAX = 12;
const STORE = "elixircache.history";
// What is stored outlives the page, so nothing that carries a password may be.
const SECRET = /^\s*(auth|hello|acl|migrate|config\s+set)\b/i;
const $ = (id) => document.getElementById(id);

export class Terminal {
  constructor() {
    this.input = $("command");
    this.history = stored();
    this.at = this.history.length;
    this.docs = new Map();
    this.chosen = -1;
    this.hint = $("syntax").textContent;
    this.links = {};
    this.login = null;
    $("prompt").addEventListener("submit", (event) => {
      event.preventDefault();
      this.run();
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("input", () => this.suggest());
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
  }

  /** A session of its own for the command line, so that MULTI or MONITOR there disturbs no other part of the page. */
  link(endpoint) {
    if (!this.links[endpoint]) {
      const link = (this.links[endpoint] = new Link(endpoint));
      link.login = this.login;
      link.addEventListener("push", ({ detail }) => {
        if (detail.type === "MESSAGE") this.print(`${detail.kind}${detail.channel ? ` ${text(detail.channel)}` : ""}: ${text(detail.message)}`, "pushed");
        else if (detail.error) this.print(text(detail.error), "error");
      });
      link.addEventListener("close", () => this.print(`The connection to ${endpoint} was closed.`, "pushed"));
    }
    return this.links[endpoint];
  }

  authenticate(login) {
    this.login = login;
    for (const link of Object.values(this.links)) {
      link.login = login;
      if (link.open) link.ask(login).catch(() => {});
    }
  }

  async learn(link) {
    const first = !this.docs.size;
    const found = pairs(await link.ask(["COMMAND", "DOCS"]).catch(() => []));
    for (const [name, doc] of found) this.learnOne(name, Object.fromEntries(pairs(doc)));
    if (!found.length) for (const name of await link.ask(["COMMAND", "LIST"]).catch(() => [])) this.docs.set(name.toUpperCase(), { summary: "", syntax: "" });
    // What was typed before this came waits for its completions.
    if (first && document.activeElement === this.input) this.suggest();
  }

  learnOne(name, doc) {
    const syntax = (doc.arguments ?? []).map((one) => shape(Object.fromEntries(pairs(one)))).join(" ");
    this.docs.set(name.replace("|", " ").toUpperCase(), { summary: doc.summary ?? "", syntax });
    for (const [sub, subDoc] of pairs(doc.subcommands ?? [])) this.learnOne(sub, Object.fromEntries(pairs(subDoc)));
  }

  async run() {
    const line = this.input.value.trim();
    this.close();
    if (!line) return;
    this.input.value = "";
    if (this.history.at(-1) !== line) this.history.push(line);
    this.at = this.history.length;
    store(this.history);
    if (/^clear$/i.test(line)) return $("output").replaceChildren();
    const endpoint = $("endpoint").value;
    this.print(`${endpoint}> ${line.replace(/(\bauth\s+).*/i, "$1···")}`, "asked");
    try {
      const link = this.link(endpoint);
      if (!link.open) await opened(link);
      this.print(show(await link.ask(line)));
    } catch (error) {
      this.print(`(error) ${error.message}`, "error");
    }
  }

  print(line, kind = "") {
    const output = $("output");
    const atEnd = output.scrollTop + output.clientHeight >= output.scrollHeight - 20;
    output.append(make("div", { className: kind, textContent: line }));
    while (output.childElementCount > LINES_MAX) output.firstChild.remove();
    if (atEnd || kind === "asked") output.scrollTop = output.scrollHeight;
  }

  key(event) {
    const open = !$("suggestions").hidden;
    if (event.key === "l" && event.ctrlKey) $("output").replaceChildren();
    else if (event.key === "Escape" && open) this.close();
    // Tab leaves the field as everywhere else unless there is something to complete.
    else if (event.key === "Tab" && open && !event.shiftKey) this.take($("suggestions").children[Math.max(this.chosen, 0)]);
    else if (event.key === "Enter" && open && this.chosen >= 0) this.take($("suggestions").children[this.chosen]);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (open && (step > 0 || this.chosen >= 0)) this.choose(this.chosen + step);
      else this.recall(step);
    } else return;
    event.preventDefault();
  }

  recall(step) {
    this.at = Math.min(Math.max(this.at + step, 0), this.history.length);
    this.input.value = this.history[this.at] ?? "";
    this.close();
  }

  suggest() {
    const typed = this.input.value.trimStart().toUpperCase().replace(/\s+/g, " ");
    const names = typed ? [...this.docs.keys()].filter((name) => name.startsWith(typed) && name !== typed.trimEnd()).sort() : [];
    this.chosen = -1;
    $("suggestions").replaceChildren(...names.slice(0, SUGGESTIONS_MAX).map((name, i) => {
      const item = make("li", { role: "option", id: `suggestion-${i}` }, name, make("small", { textContent: this.docs.get(name).summary }));
      item.dataset.name = name;
      item.addEventListener("mousedown", () => this.take(item));
      return item;
    }));
    $("suggestions").hidden = !names.length;
    this.input.ariaExpanded = String(names.length > 0);
    const words = typed.split(" ");
    const name = [words.slice(0, 2).join(" "), words[0]].find((one) => this.docs.has(one));
    $("syntax").textContent = name ? `${name} ${this.docs.get(name).syntax}  –  ${this.docs.get(name).summary}` : this.hint;
  }

  choose(index) {
    const items = [...$("suggestions").children];
    this.chosen = Math.min(Math.max(index, -1), items.length - 1);
    items.forEach((item, i) => (item.ariaSelected = String(i === this.chosen)));
    items[this.chosen]?.scrollIntoView({ block: "nearest" });
    if (this.chosen >= 0) this.input.setAttribute("aria-activedescendant", items[this.chosen].id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  take(item) {
    this.input.value = `${item.dataset.name} `;
    this.suggest();
    this.input.focus();
  }

  close() {
    $("suggestions").hidden = true;
    this.chosen = -1;
    this.input.ariaExpanded = "false";
    this.input.removeAttribute("aria-activedescendant");
  }
}

/** An argument of COMMAND DOCS as the syntax line shows it. */
function shape(one) {
  const inner = (one.arguments ?? []).map((part) => shape(Object.fromEntries(pairs(part))));
  const flags = one.flags ?? [];
  let body = one.type === "oneof" ? inner.join(" | ") : inner.length ? inner.join(" ") : one.type === "pure-token" ? "" : (one.display_text ?? one.name);
  body = [one.token, body].filter(Boolean).join(" ");
  if (flags.includes("multiple")) body += ` [${body} …]`;
  return flags.includes("optional") ? `[${body}]` : one.type === "oneof" ? `<${body}>` : body;
}

/** A reply as redis-cli prints it. */
function show(reply, indent = "") {
  if (reply === null) return "(nil)";
  if (typeof reply === "number") return Number.isInteger(reply) ? `(integer) ${reply}` : `(double) ${reply}`;
  if (typeof reply === "boolean") return `(${reply})`;
  if (typeof reply === "string") return indent ? JSON.stringify(reply) : reply;
  if (reply.error?.code) return `(error) ${reply.error.code} ${reply.error.message}`;
  if (typeof reply.base64 === "string") return `"${text(reply)}"`;
  const items = Array.isArray(reply) ? reply.map((item) => ["", item]) : Object.entries(reply).map(([key, item]) => [`${key} => `, item]);
  if (!items.length) return Array.isArray(reply) ? "(empty array)" : "(empty hash)";
  return items.map(([key, item], i) => {
    const head = `${i + 1}) `;
    return `${i ? indent : ""}${head}${key}${show(item, indent + " ".repeat(head.length + key.length))}`;
  }).join("\n");
}

function opened(link) {
  return new Promise((resolve, reject) => {
    link.addEventListener("open", resolve, { once: true });
    link.addEventListener("close", () => reject(new Error("cannot connect; trying again")), { once: true });
  });
}

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(STORE)) ?? [];
  } catch {
    return [];
  }
}

function store(history) {
  try {
    sessionStorage.setItem(STORE, JSON.stringify(history.slice(-HISTORY_MAX).filter((line) => !SECRET.test(line))));
  } catch {
    // A browser without storage keeps the history for as long as the page is open.
  }
}
