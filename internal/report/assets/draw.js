// What a chart shows on uPlot's canvas, and beside the cursor.

function draw(u, spec) {
  const ctx = u.ctx, ratio = uPlot.pxRatio, { left, top, width, height } = u.bbox;
  const px = (x, y) => [u.valToPos(x, "x", true), u.valToPos(y, "y", true)];
  ctx.save();
  ctx.beginPath();
  ctx.rect(left - 8 * ratio, top - 8 * ratio, width + 16 * ratio, height + 16 * ratio);
  ctx.clip();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  for (const l of spec.lines || []) bound(ctx, ratio, left, width, px(0, l.y)[1], l.text);
  for (const s of spec.series) {
    ctx.strokeStyle = ctx.fillStyle = colour(s.colour);
    ctx.lineWidth = 2 * ratio;
    if (s.bars) bars(ctx, s, px, u.valToPos(0, "y", true));
    else line(ctx, s, px);
  }
  const taken = [];
  for (const s of spec.series) s.xs.forEach((x, i) => {
    if (s.ys[i] === null || !s.marks) return;
    mark(ctx, ratio, px(x, s.ys[i]), s.marks[i], colour(s.colour));
    if (s.names) beside(ctx, ratio, left, px(x, s.ys[i]), s.names[i], taken);
  });
  ctx.restore();
}

function line(ctx, s, px) {
  ctx.beginPath();
  let begun = false;
  s.xs.forEach((x, i) => {
    if (s.ys[i] === null) return;
    const [a, b] = px(x, s.ys[i]);
    if (!begun) ctx.moveTo(a, b);
    else ctx.lineTo(a, b);
    begun = true;
    if (s.steps) ctx.lineTo(px(x + s.every, 0)[0], b);
  });
  ctx.stroke();
}

function bars(ctx, s, px, floor) {
  const width = Math.max(px(s.every, 0)[0] - px(0, 0)[0], 2);
  s.xs.forEach((x, i) => {
    if (!s.ys[i]) return;
    const [a, b] = px(x, s.ys[i]);
    ctx.fillRect(a, Math.min(b, floor - 4), width, Math.max(floor - b, 4));
  });
}

function bound(ctx, ratio, left, width, y, text) {
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour("--bad");
  ctx.lineWidth = 1.5 * ratio;
  ctx.setLineDash([6 * ratio, 4 * ratio]);
  ctx.beginPath();
  ctx.moveTo(left, y);
  ctx.lineTo(left + width, y);
  ctx.stroke();
  ctx.textAlign = "right";
  ctx.textBaseline = "bottom";
  ctx.fillText(text, left + width - 4 * ratio, y - 2 * ratio);
  ctx.restore();
}

function mark(ctx, ratio, [x, y], kind, hue) {
  const r = 4 * ratio;
  ctx.lineWidth = 2 * ratio;
  ctx.beginPath();
  if (kind === "bad") {
    ctx.strokeStyle = colour("--bad");
    ctx.moveTo(x - r, y - r); ctx.lineTo(x + r, y + r);
    ctx.moveTo(x - r, y + r); ctx.lineTo(x + r, y - r);
    ctx.stroke();
  } else {
    ctx.fillStyle = hue;
    ctx.arc(x, y, r, 0, 2 * Math.PI);
    ctx.fill();
  }
  if (kind === "knee") {
    ctx.strokeStyle = colour("--ink");
    ctx.beginPath();
    ctx.arc(x, y, 2.1 * r, 0, 2 * Math.PI);
    ctx.stroke();
  }
}

// beside writes a mark's name, unless another one is there: above and to the left,
// where a rising curve has nothing, or to the right of one close to the axis.
function beside(ctx, ratio, edge, [x, y], text, taken) {
  const away = 7 * ratio, width = ctx.measureText(text).width, height = 12 * ratio;
  const from = x - away - width > edge ? x - away - width : x + away;
  const box = [from, y - away - height, from + width, y - away];
  if (taken.some(t => box[0] < t[2] && t[0] < box[2] && box[1] < t[3] && t[1] < box[3])) return;
  taken.push(box);
  ctx.fillStyle = colour("--quiet");
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  ctx.fillText(text, from, y - away + 4 * ratio);
}

// point shows what is told of the mark that is nearest to the cursor.
function point(u, spec, tip) {
  const { left, top } = u.cursor;
  let best = null, near = 40;
  if (left >= 0) for (const s of spec.series) s.xs.forEach((x, i) => {
    if (s.ys[i] === null || !s.tips) return;
    const a = u.valToPos(x, "x"), b = u.valToPos(s.ys[i], "y");
    const away = s.bars || s.steps ? Math.abs(a - left) : Math.hypot(a - left, b - top);
    if (away < near) { near = away; best = { a, b, text: s.tips[i] }; }
  });
  tip.style.display = best ? "block" : "none";
  if (!best) return;
  tip.textContent = best.text;
  tip.style.left = Math.max(0, Math.min(best.a + 12, u.over.clientWidth - tip.offsetWidth)) + "px";
  const below = best.b < u.over.clientHeight / 2;
  tip.style.top = (below ? best.b + 12 : best.b - 12 - tip.offsetHeight) + "px";
}
