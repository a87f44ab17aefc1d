// Line charts on a canvas: one series each, a sliding window of samples.

const SAMPLES = 180;

export class Chart {
  /** name: the chart is canvas #chart-name with output #now-name; show: number -> text; base: of its units, such as 1024. */
  constructor(name, show, base = 1000) {
    this.base = base;
    this.canvas = document.getElementById(`chart-${name}`);
    this.output = document.getElementById(`now-${name}`);
    this.show = show;
    this.values = [];
    this.canvas.setAttribute("role", "img");
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Add a sample; null leaves a gap. */
  add(value) {
    this.values.push(value);
    if (this.values.length > SAMPLES) this.values.shift();
    this.output.textContent = value === null ? "–" : this.show(value);
    const known = this.values.filter((v) => v !== null);
    if (known.length) this.canvas.setAttribute("aria-label", `now ${this.output.textContent}, highest ${this.show(Math.max(...known))}`);
    this.draw();
  }

  draw() {
    const ratio = devicePixelRatio || 1;
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const known = this.values.filter((v) => v !== null);
    const top = ceiling(Math.max(...known, 1e-9), this.base);
    const x = (i) => width - 4 - ((this.values.length - 1 - i) * (width - 8)) / (SAMPLES - 1);
    const y = (v) => height - 4 - (v / top) * (height - 20);

    pen.font = "11px system-ui, sans-serif";
    pen.fillStyle = colour("--soft");
    pen.strokeStyle = colour("--line");
    for (const part of [0.5, 1]) {
      pen.beginPath();
      pen.moveTo(0, y(top * part));
      pen.lineTo(width, y(top * part));
      pen.stroke();
      if (known.length) pen.fillText(this.show(top * part), 4, y(top * part) - 3);
    }
    pen.strokeStyle = pen.fillStyle = colour("--accent");
    pen.lineWidth = 1.8;
    pen.lineJoin = "round";
    for (const [from, to] of pieces(this.values)) {
      pen.beginPath();
      pen.moveTo(x(from), y(this.values[from]));
      for (let i = from + 1; i < to; i++) pen.lineTo(x(i), y(this.values[i]));
      pen.stroke();
      pen.lineTo(x(to - 1), y(0));
      pen.lineTo(x(from), y(0));
      pen.globalAlpha = 0.12;
      pen.fill();
      pen.globalAlpha = 1;
    }
  }
}

/** Where samples follow each other without a gap: [from, to) of each piece. */
function pieces(values) {
  const found = [];
  values.forEach((value, i) => {
    if (value === null) return;
    if (found.length && found.at(-1)[1] === i) found.at(-1)[1]++;
    else found.push([i, i + 1]);
  });
  return found;
}

/** The next of 1, 2, 5, 10, 20, ... at or above a value, in the unit that it is shown in. */
function ceiling(value, base) {
  const unit = base === 1000 ? 1 : base ** Math.max(0, Math.floor(Math.log(value) / Math.log(base)));
  return unit * round(value / unit);
}

function round(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= value);
}

/** Samples of Prometheus's text: name -> [{labels, value}]. */
export function samples(exposition) {
  const found = new Map();
  for (const line of exposition.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!match) continue;
    const labels = Object.fromEntries([...(match[2] ?? "").matchAll(/(\w+)="([^"]*)"/g)].map((m) => [m[1], m[2]]));
    if (!found.has(match[1])) found.set(match[1], []);
    found.get(match[1]).push({ labels, value: Number(match[3]) });
  }
  return found;
}
