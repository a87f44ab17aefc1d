// A WebSocket to the router: requests with ids, promises for their answers, reconnecting.

const TOKEN = new URLSearchParams(location.search).get("token");
const RETRY_MS_MAX = 8000;

/** A path of this server, with the page's token when it has one. */
export function withToken(path) {
  return TOKEN ? `${path}?token=${encodeURIComponent(TOKEN)}` : path;
}

/** What the server refused. `code`: "NOAUTH", "ERR", ... or "LINK" when the connection went away. */
export class Refused extends Error {
  constructor(code, text) {
    super(`${code} ${text}`);
    this.code = code;
  }
}

export class Link extends EventTarget {
  /** endpoint: "master" or "slave". Events: "open", "close", "push" (detail: the message). */
  constructor(endpoint) {
    super();
    this.endpoint = endpoint;
    this.waiting = new Map();
    this.nextId = 1;
    this.retryMs = 500;
    this.login = null;
    this.ended = false;
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(`${scheme}//${location.host}${withToken(`/ws/${this.endpoint}`)}`);
    this.socket.onopen = async () => {
      this.retryMs = 500;
      // A session that comes back must be logged in before anything else is asked of it.
      if (this.login) await this.ask(this.login).catch(() => {});
      this.dispatchEvent(new Event("open"));
    };
    this.socket.onmessage = (event) => this.receive(JSON.parse(event.data));
    this.socket.onclose = () => {
      for (const { reject } of this.waiting.values()) reject(new Refused("LINK", "the connection was lost"));
      this.waiting.clear();
      this.dispatchEvent(new Event("close"));
      if (this.ended) return;
      setTimeout(() => this.connect(), this.retryMs);
      this.retryMs = Math.min(this.retryMs * 2, RETRY_MS_MAX);
    };
  }

  get open() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  receive(message) {
    const request = this.waiting.get(message.id);
    if (!request) {
      this.dispatchEvent(new CustomEvent("push", { detail: message }));
      return;
    }
    this.waiting.delete(message.id);
    const error = message.error;
    if (error) request.reject(typeof error === "string" ? new Refused("ERR", error) : new Refused(error.code, error.message));
    else request.resolve(message.result);
  }

  /** The reply to a command: a list of words, or a text with redis-cli's quoting. Rejects with Refused. */
  ask(command) {
    if (!this.open) return Promise.reject(new Refused("LINK", "not connected"));
    const id = this.nextId++;
    const body = Array.isArray(command) ? { args: command } : { command };
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.socket.send(JSON.stringify({ type: "COMMAND", id, ...body }));
    });
  }

  end() {
    this.ended = true;
    this.socket.close();
  }
}

/** Text for a JSON value that stands for bytes. */
export function text(value) {
  if (value === null || value === undefined) return "(nil)";
  if (typeof value === "object" && typeof value.base64 === "string") {
    return [...atob(value.base64)].map((c) => (c >= " " && c <= "~" ? c : `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`)).join("");
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** A new element. props are assigned, children appended; text is never parsed as HTML. */
export function make(tag, props = {}, ...children) {
  const element = Object.assign(document.createElement(tag), props);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** "1.5 MB" for bytes. */
export function bytes(count) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let n = Number(count) || 0;
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) [n, unit] = [n / 1024, unit + 1];
  return `${unit ? n.toFixed(n < 10 ? 2 : 1) : n} ${units[unit]}`;
}

/** Pairs of a map that came as an object (RESP3) or as a flat list (RESP2). */
export function pairs(reply) {
  if (!Array.isArray(reply)) return Object.entries(reply ?? {});
  if (reply.length && Array.isArray(reply[0])) return reply;
  return Array.from({ length: reply.length >> 1 }, (_, i) => [reply[2 * i], reply[2 * i + 1]]);
}
