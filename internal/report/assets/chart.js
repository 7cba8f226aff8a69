"use strict";
// uPlot does scales, axes and zoom. Lines and marks are drawn here, because the
// curve of a sweep may turn back, and uPlot joins points by their x alone.

const drawnCharts = [];

function colour(name) {
  return name.startsWith("--") ? getComputedStyle(document.documentElement).getPropertyValue(name).trim() : name;
}

// number shows three significant digits of what is small, and thousands apart.
function number(v) {
  if (v === null || v === undefined) return "-";
  const size = Math.abs(v);
  const digits = Number.isInteger(v) || size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return v.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

// tick is a number that was chosen to be round.
function tick(v) {
  return v.toLocaleString("en", { maximumSignificantDigits: 6 });
}

function element(name, text) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  return e;
}

function legend(into, series) {
  into.replaceChildren(...series.map(s => {
    const item = element("span"), key = element("i");
    key.className = "key";
    key.style.background = s.colour.startsWith("--") ? `var(${s.colour})` : s.colour;
    item.append(key, s.label);
    return item;
  }));
}

// decades are readable ticks of a logarithmic axis.
function decades(from, to) {
  const ticks = [];
  for (let e = Math.floor(Math.log10(from)); e <= Math.ceil(Math.log10(to)); e++)
    for (const m of to < 10 * from ? [1, 1.5, 2, 3, 4, 5, 6, 8] : [1, 2, 5]) {
      const t = m * 10 ** e;
      if (t >= from && t <= to) ticks.push(t);
    }
  return ticks;
}

function extent(spec, key, log) {
  const all = spec.series.flatMap(s => s[key]).filter(v => v !== null && (!log || v > 0));
  if (key === "ys") all.push(...(spec.lines || []).map(l => l.y));
  else all.push(...spec.series.filter(s => s.every && s.xs.length).map(s => s.xs.at(-1) + s.every));
  if (!all.length) return [0, 1];
  const low = Math.min(...all), high = Math.max(...all);
  if (log) return [low / 1.15, high * 1.15];
  const pad = (high - (key === "ys" ? 0 : Math.min(0, low))) * 0.07 || 1;
  return [Math.min(0, low), high + pad];
}

// fitting leaves out the names of ticks that would run into the one before, at
// some 7 pixels a letter.
function fitting(u, ticks, along) {
  let end = -Infinity;
  return ticks.map(t => {
    const at = u.valToPos(t, "x"), half = 3.5 * String(along.name ? along.name(t) : tick(t)).length;
    if (at - half < end + 4) return null;
    end = at + half;
    return t;
  });
}

function axis(spec, side) {
  const along = side === 0 ? spec.x : spec.y;
  const a = {
    stroke: () => colour("--quiet"), grid: { stroke: () => colour("--grid"), width: 1 }, ticks: { show: false },
    font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", labelSize: 18, label: along.title,
    values: (u, ticks) => ticks.map(t => t === null ? "" : along.name ? along.name(t) : t >= 100000 ? tick(t / 1000) + "k" : tick(t)),
  };
  if (side === 1) { a.side = 3; a.size = 54; } else { a.size = 30; a.space = 60; }
  if (along.ticks) { a.splits = () => along.ticks; a.filter = (u, s) => side === 0 ? fitting(u, s, along) : s; }
  if (along.log) { a.splits = (u, i, low, high) => decades(low, high); a.filter = (u, s) => s; }
  return a;
}

// chart draws spec.series, each with xs, ys, a colour, and what it may have:
// tips (a text per mark), marks ("dot", "knee", "bad" or "" per point), names
// (a text beside each mark), steps, bars. spec.lines are bounds across it.
function chart(into, spec) {
  into.replaceChildren();
  const tip = element("div");
  tip.className = "tip";
  const xs = spec.x.range || extent(spec, "xs", spec.x.log), ys = extent(spec, "ys", spec.y.log);
  const u = new uPlot({
    width: Math.max(into.clientWidth, 200), height: into.clientHeight,
    legend: { show: false }, cursor: { points: { show: false }, drag: { x: true, y: false } },
    padding: [10, 14, 0, 0],
    scales: {
      x: { time: false, distr: spec.x.log ? 3 : 1, range: (u, low, high) => [low, high] },
      y: { distr: spec.y.log ? 3 : 1, range: () => ys },
    },
    axes: [axis(spec, 0), axis(spec, 1)],
    series: [{}, { show: true, points: { show: false }, stroke: "transparent" }],
    hooks: {
      draw: [u => draw(u, spec)],
      setCursor: [u => point(u, spec, tip)],
    },
  }, [xs, ys], into);
  u.over.append(tip);
  const c = { into, u };
  const at = drawnCharts.findIndex(d => d.into === into);
  if (at < 0) { drawnCharts.push(c); sizes.observe(into); } else { drawnCharts[at].u.destroy(); drawnCharts[at] = c; }
}

const sizes = new ResizeObserver(entries => {
  for (const e of entries) {
    const c = drawnCharts.find(d => d.into === e.target);
    if (c && Math.round(e.contentRect.width) !== c.u.width)
      c.u.setSize({ width: Math.max(Math.round(e.contentRect.width), 200), height: Math.round(e.contentRect.height) });
  }
});

// Each section draws itself anew when something in it, or the colours, change.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
  document.querySelectorAll(".drawn").forEach(s => s.dispatchEvent(new Event("change"))));
