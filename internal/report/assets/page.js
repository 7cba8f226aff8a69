// The page's sections: what each chart is drawn from.

const data = JSON.parse(document.getElementById("data").textContent);
const one = data.files.length === 1;
const byId = id => document.getElementById(id);
const hue = i => `--c${i % 6}`;
const names = {
  ttft_ms: "TTFT", ttfo_ms: "TTFO", tpot_ms: "TPOT", itl_ms: "ITL", gap_ms: "event gap", e2e_ms: "E2E",
  ttft_sched_ms: "TTFT since due", ttfo_sched_ms: "TTFO since due", e2e_sched_ms: "E2E since due", client_queue_ms: "client queue",
};
const statistics = ["mean", "p50", "p90", "p95", "p99", "p99_9", "max"];
const place = p => data.axis.loads.indexOf(p.load);
const points = data.files.flatMap(f => f.points);
const known = key => points.some(p => p.figures[key]);

function choices(select, list, chosen) {
  select.replaceChildren(...list.map(([value, text]) => {
    const o = element("option", text);
    o.value = value;
    o.selected = value === chosen;
    return o;
  }));
}

const figure = (p, key, statistic) => p.figures[key]?.[statistic] ?? null;
// Embeddings and the like have no output tokens.
const [rateKey, rateUnit] = points.some(p => p.figures.output_tok_s) ? ["output_tok_s", "output tok/s"] : ["requests_per_s", "requests/s"];
const rate = p => p.figures[rateKey] ?? null;
const markOf = p => p.doubts && p.doubts.length ? "bad" : p.knee ? "knee" : "dot";

function tipOf(file, p) {
  const f = p.figures, rows = [];
  if (!one) rows.push(file.label);
  rows.push(`${data.axis.title} ${p.load}${p.knee ? " (knee)" : ""}`, `${number(f.output_tok_s)} tok/s, ${number(f.requests_per_s)} requests/s`);
  for (const key of ["ttft_ms", "tpot_ms", "e2e_ms"])
    if (f[key]) rows.push(`${names[key]} p50 ${number(f[key].p50)}, p99 ${number(f[key].p99)} ms`);
  if (f.failed) rows.push(`${f.failed} of ${f.requests} failed`);
  return rows.concat(p.doubts || []).join("\n");
}

function curve(file, i, x, y) {
  const shown = file.points.filter(p => x(p) !== null && y(p) !== null);
  return {
    label: file.label, colour: hue(i), xs: shown.map(x), ys: shown.map(y), marks: shown.map(markOf), tips: shown.map(p => tipOf(file, p)),
    names: shown.length > 14 ? null : shown.map(p => p.load),
  };
}

const bounds = (key, statistic) => (data.slos || []).filter(s => s.figure === key && s.statistic === statistic).map(s => ({ y: s.limit_ms, text: s.text }));

function tradeoff() {
  const slo = (data.slos || [])[0];
  choices(byId("tradeoff-figure"), Object.keys(names).filter(known).map(k => [k, names[k]]), slo ? slo.figure : known("ttft_ms") ? "ttft_ms" : "e2e_ms");
  choices(byId("tradeoff-statistic"), statistics.map(s => [s, s]), slo ? slo.statistic : "p99");
  const section = byId("tradeoff");
  const show = () => {
    const key = byId("tradeoff-figure").value, statistic = byId("tradeoff-statistic").value;
    const series = data.files.map((f, i) => curve(f, i, rate, p => figure(p, key, statistic)));
    legend(section.querySelector(".legend"), one ? [] : series);
    chart(section.querySelector(".chart"), {
      series, lines: bounds(key, statistic), x: { title: `${rateUnit}, all requests together` },
      y: { title: `${names[key]} ${statistic}, ms`, log: byId("tradeoff-log").checked },
    });
  };
  // On a linear axis a latency that grew a hundredfold leaves a flat line.
  const start = points.map(p => figure(p, byId("tradeoff-figure").value, byId("tradeoff-statistic").value)).filter(v => v > 0);
  byId("tradeoff-log").checked = Math.max(...start) > 30 * Math.min(...start);
  section.addEventListener("change", show);
  show();
}

// cells are the places of a grid's charts, made once, each with its title.
function cells(grid, titles) {
  return titles.map(t => {
    const cell = element("div"), into = element("div");
    into.className = "chart";
    cell.append(element("h3", t), into);
    grid.append(cell);
    return into;
  });
}

function loads() {
  const section = byId("loads"), latencies = ["ttft_ms", "tpot_ms", "e2e_ms"].filter(known);
  choices(byId("loads-statistic"), statistics.map(s => [s, s]), "p50");
  const places = cells(section.querySelector(".grid"), ["System throughput", ...latencies.map(k => names[k])]);
  const x = {
    title: data.axis.title, range: [-0.35, data.axis.loads.length - 0.65],
    ticks: data.axis.loads.map((_, i) => i), name: t => data.axis.loads[t] ?? "",
  };
  const show = () => {
    const statistic = byId("loads-statistic").value;
    const draw = (into, y, title, lines) => {
      const series = data.files.map((f, i) => ({ ...curve(f, i, place, y), names: null }));
      legend(section.querySelector(".legend"), one ? [] : series);
      chart(into, { series, lines, x, y: { title } });
    };
    draw(places[0], rate, rateUnit);
    latencies.forEach((key, i) => draw(places[i + 1], p => figure(p, key, statistic), `${statistic}, ms`, bounds(key, statistic)));
  };
  section.addEventListener("change", show);
  show();
}

// ranked places a percentile so that each nine of the tail has the same room.
const ranked = q => -Math.log10(1 - q);

function distributions() {
  const section = byId("distributions"), gap = known("itl_ms") ? "itl_ms" : "gap_ms";
  const keys = ["ttft_ms", gap, "e2e_ms"].filter(known);
  const places = cells(section.querySelector(".grid"), keys.map(k => names[k]));
  const all = data.axis.loads.map(l => [l, l]);
  choices(byId("distributions-load"), one ? [["", "all"], ...all] : all, one ? "" : data.axis.loads.at(-1));
  const x = { title: "percentile", ticks: [0.5, 0.9, 0.99, 0.999].map(ranked), name: t => String(+(100 * (1 - 10 ** -t)).toFixed(1)) };
  const show = () => {
    const load = byId("distributions-load").value;
    const lines = data.files.flatMap((f, i) => f.points.filter(p => !load || p.load === load).map(p => ({
      p, label: one ? `${data.axis.title} ${p.load}` : f.label, colour: one ? ramp(place(p)) : hue(i),
    })));
    legend(section.querySelector(".legend"), lines);
    keys.forEach((key, i) => chart(places[i], {
      x, y: { title: "ms" },
      series: lines.map(l => {
        const ys = l.p.percentiles[key] || data.ranks.map(() => null);
        return { ...l, xs: data.ranks.map(ranked), ys, tips: ys.map((v, r) => `${l.label}\np${+(100 * data.ranks[r]).toFixed(2)}: ${number(v)} ms`) };
      }),
    }));
  };
  section.addEventListener("change", show);
  show();
}

// ramp goes from faint to strong with the load.
function ramp(i) {
  const share = data.axis.loads.length < 2 ? 1 : i / (data.axis.loads.length - 1);
  const [from, to] = ["--ramp-from", "--ramp-to"].map(n => parseFloat(colour(n)));
  return `hsl(${205 + 35 * share} 80% ${from + (to - from) * share}%)`;
}

function timeline() {
  const section = byId("timeline");
  const places = cells(section.querySelector(".grid"), ["Output tokens", "Requests"]);
  const timed = data.files.flatMap(f => f.points.filter(p => p.runs));
  const offered = data.axis.loads.filter(l => timed.some(p => p.load === l));
  const runs = [...new Set(timed.flatMap(p => p.runs.map(r => r.run)))].sort((a, b) => a - b);
  choices(byId("timeline-load"), offered.map(l => [l, l]), offered.at(-1));
  choices(byId("timeline-run"), runs.map(r => [String(r), String(r)]), String(runs[0]));
  const show = () => {
    const load = byId("timeline-load").value, chosen = Number(byId("timeline-run").value);
    const tokens = [], requests = [];
    data.files.forEach((f, i) => {
      const run = (f.points.find(p => p.load === load && p.runs) || { runs: [] }).runs.find(r => r.run === chosen);
      if (!run) return;
      const xs = run.seconds.map(s => s.t), line = { label: f.label, colour: hue(i), xs, steps: true, every: run.every };
      const tips = run.seconds.map(s => `${one ? "" : f.label + "\n"}${number(s.t)} s\n${number(s.output_tokens / run.every)} tok/s\n${s.in_flight} in flight\n${s.sent} sent, ${s.done} done, ${s.failed} failed`);
      tokens.push({ ...line, tips, ys: run.seconds.map(s => s.output_tokens / run.every) });
      requests.push({ ...line, tips, ys: run.seconds.map(s => s.in_flight) });
      requests.push({ ...line, label: "failed", colour: "--bad", steps: false, bars: true, ys: run.seconds.map(s => s.failed) });
    });
    legend(section.querySelector(".legend"), one ? [] : tokens);
    chart(places[0], { series: tokens, x: { title: "seconds" }, y: { title: "tok/s" } });
    chart(places[1], { series: requests, x: { title: "seconds" }, y: { title: "in flight" } });
  };
  section.addEventListener("change", show);
  show();
}

document.documentElement.classList.add("js");
for (const [id, show] of [["tradeoff", tradeoff], ["loads", loads], ["distributions", distributions], ["timeline", timeline]])
  if (byId(id)) show();
