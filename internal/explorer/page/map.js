// The map of the codes: where they lie, a cursor that decodes what is typical of
// a place, thumbnails, and a selection of images by lasso or around the cursor.

import { $, ask, latest, prepare, save, say, sizeOf, when } from "./server.js";

const palette = ["#5a8bd0", "#f28e2b", "#e15759", "#3fb5a8", "#59a14f", "#d4b012", "#b07aa1", "#ff8fa3", "#9c755f", "#8a8f98"];
const mostShown = 120; // pictures of a selection

let model; // what /api/model says
let map; // what /api/map says of the images, and of the present layout
let act; // { place(x, y, layout), open(index) }: what a place and an image do
let cursor = { x: 0, y: 0 };
let view; // scale and middle of the map
let dots; // a canvas with the dots alone

export const labelOf = (i) => map.labels[i];
export const nameOf = (label) => model.classes && label >= 0 ? model.classes[label] ?? "" : "";

// point moves the cursor to a code: to its coordinates along the principal
// directions or, on a map that has none, to the image whose code is nearest.
export function point(coordinates, near) {
  if (map.by === "pca") cursor = coordinates;
  else if (near !== undefined) [cursor.x, cursor.y] = map.places[near];
  drawMap();
}

// pointAt moves it to a place of the present map.
export function pointAt(at) {
  cursor = at;
  drawMap();
}

// --- places

function fitMap() {
  const xs = map.places.map((p) => p[0]), ys = map.places.map((p) => p[1]);
  const range = (v) => { const s = [...v].sort((a, b) => a - b); return [s[Math.floor(s.length * 0.002)], s[Math.ceil(s.length * 0.998) - 1]]; };
  const [left, right] = range(xs), [low, high] = range(ys);
  view = { x: (left + right) / 2, y: (low + high) / 2, half: 0.54 * Math.max(right - left, high - low, 1e-6) };
}

const scaleOf = (size) => Math.min(size.w, size.h) / (2 * view.half);

function toScreen(x, y, size) {
  const scale = scaleOf(size);
  return [size.w / 2 + (x - view.x) * scale, size.h / 2 - (y - view.y) * scale];
}

function toMap(px, py, size) {
  const scale = scaleOf(size);
  return { x: view.x + (px - size.w / 2) / scale, y: view.y - (py - size.h / 2) / scale };
}

function nearestDot(at) {
  let best = -1, least = Infinity;
  map.places.forEach(([x, y], i) => {
    const d = (x - at.x) ** 2 + (y - at.y) ** 2;
    if (d < least) { least = d; best = i; }
  });
  return { index: best, distance: Math.sqrt(least) };
}

function describe() {
  const share = model.directions.slice(0, 2).reduce((s, d) => s + d.share, 0);
  $("map-share").textContent = "The codes of " + model.images + " test images" + (map.by === "pca" ?
    " along their first two principal directions, " + Math.round(100 * share) + "% of the variance." :
    ", neighbours beside each other; how far apart groups are says little.");
}

// choose lays the codes out anew.
const choose = latest(async () => {
  const by = $("layout").value;
  const slow = setTimeout(() => { $("map-busy").hidden = false; }, 150);
  try {
    let answer = await ask("/api/map?by=" + by);
    while (answer.pending && $("layout").value === by) answer = await ask("/api/map?by=" + by);
    if ($("layout").value !== by) return;
    const here = nearestDot(cursor).index;
    [map.places, map.by] = [answer.places, by];
    [cursor.x, cursor.y] = map.places[here];
    fitMap();
    describe();
    select([]);
    drawDots();
    say("The map shows " + $("layout").selectedOptions[0].textContent);
  } catch (error) {
    $("layout").value = map.by;
    throw error;
  } finally {
    clearTimeout(slow);
    $("map-busy").hidden = true;
  }
});

// --- drawing

function colourOf(i) {
  if ($("colour").value === "error") {
    const rank = map.rank[i];
    const stops = [[59, 76, 192], [143, 107, 179], [217, 112, 79], [242, 193, 78]];
    const at = rank * (stops.length - 1), k = Math.min(Math.floor(at), stops.length - 2);
    return "rgb(" + stops[k].map((v, c) => Math.round(v + (at - k) * (stops[k + 1][c] - v))).join(" ") + ")";
  }
  const label = map.labels[i];
  if (label < 0) return palette[0];
  return label < palette.length ? palette[label] : "hsl(" + (label * 137.5) % 360 + " 60% 55%)";
}

function drawDots() {
  const size = sizeOf($("map"));
  if (!size.w) return;
  dots = document.createElement("canvas");
  const g = prepare(dots, size);
  const radius = size.w < 420 ? 2 : 2.6, chosen = new Set(selected);
  map.places.forEach(([x, y], i) => {
    const [px, py] = toScreen(x, y, size);
    g.globalAlpha = !chosen.size ? 0.8 : chosen.has(i) ? 1 : 0.3;
    g.fillStyle = colourOf(i);
    g.beginPath();
    g.arc(px, py, chosen.has(i) ? radius + 0.8 : radius, 0, 7);
    g.fill();
  });
  drawMap();
}

export function drawMap() {
  if (!dots) return;
  const canvas = $("map"), size = sizeOf(canvas), g = prepare(canvas, size);
  g.drawImage(dots, 0, 0, size.w, size.h);
  const style = getComputedStyle(document.body), ink = style.getPropertyValue("--ink"), card = style.getPropertyValue("--card");
  const [x, y] = toScreen(cursor.x, cursor.y, size);
  const px = Math.min(Math.max(x, 6), size.w - 6), py = Math.min(Math.max(y, 6), size.h - 6);
  drawOutline(g, size, style.getPropertyValue("--accent"));
  for (const [colour, width] of [[card, 6], [ink, 2.5]]) {
    g.strokeStyle = colour;
    g.lineWidth = width;
    g.beginPath();
    g.arc(px, py, 9, 0, 7);
    g.moveTo(px - 15, py); g.lineTo(px - 5, py); g.moveTo(px + 5, py); g.lineTo(px + 15, py);
    g.moveTo(px, py - 15); g.lineTo(px, py - 5); g.moveTo(px, py + 5); g.lineTo(px, py + 15);
    g.stroke();
  }
}

// drawOutline draws what the selection was made by.
function drawOutline(g, size, colour) {
  if (!outline.length) return;
  g.strokeStyle = colour;
  g.fillStyle = colour;
  g.lineWidth = 1.5;
  g.beginPath();
  outline.forEach(([x, y], i) => { const at = toScreen(x, y, size); if (i) g.lineTo(...at); else g.moveTo(...at); });
  g.closePath();
  g.setLineDash([5, 4]);
  g.stroke();
  g.setLineDash([]);
  g.globalAlpha = 0.1;
  g.fill();
  g.globalAlpha = 1;
}

function buildLegend() {
  const legend = $("legend");
  legend.replaceChildren();
  const entry = (className, colour, text) => {
    const item = document.createElement("li"), mark = document.createElement("span");
    mark.className = className;
    if (colour) mark.style.background = colour;
    item.append(mark, text);
    legend.append(item);
  };
  if ($("colour").value === "error") {
    const sorted = [...map.errors].sort((a, b) => a - b);
    entry("ramp", "", "squared error " + sorted[0].toFixed(4) + " to " + sorted[sorted.length - 1].toFixed(4) + " a pixel value");
    return;
  }
  if (!model.classes) return;
  const seen = new Set(map.labels);
  model.classes.slice(0, 24).forEach((name, label) => { if (seen.has(label)) entry("dot", colourOf(map.labels.indexOf(label)), name); });
}

function hover(event, place) {
  const near = nearestDot(place), tip = $("tip"), size = sizeOf($("map"));
  const reach = 12 / scaleOf(size); // twelve pixels
  if (near.distance > reach) { tip.hidden = true; return; }
  $("tip-image").src = "/api/images/" + near.index;
  const name = nameOf(map.labels[near.index]);
  $("tip-text").textContent = (name ? name + ", " : "") + "error " + map.errors[near.index].toFixed(4);
  tip.hidden = false;
  const [x, y] = toScreen(...map.places[near.index], size);
  tip.style.left = Math.min(Math.max(x + 14, 0), size.w - tip.offsetWidth) + "px";
  tip.style.top = (y + 14 + tip.offsetHeight > size.h ? y - 14 - tip.offsetHeight : y + 14) + "px";
}

// --- selection

let selected = []; // numbers of images
let outline = []; // places, a polygon

function isInside([x, y], polygon) { // by the crossings of a ray to the right
  let inside = false;
  polygon.forEach(([x1, y1], i) => {
    const [x2, y2] = polygon[(i + 1) % polygon.length];
    if (y1 > y !== y2 > y && x < x1 + (x2 - x1) * (y - y1) / (y2 - y1)) inside = !inside;
  });
  return inside;
}

function select(polygon) {
  outline = polygon;
  const rank = (i) => (map.places[i][0] - middle[0]) ** 2 + (map.places[i][1] - middle[1]) ** 2;
  const middle = [0, 1].map((axis) => polygon.reduce((sum, p) => sum + p[axis] / polygon.length, 0));
  selected = map.places.flatMap((p, i) => polygon.length > 2 && isInside(p, polygon) ? [i] : []).sort((a, b) => rank(a) - rank(b));
  drawDots();
  showSelection();
}

// around selects what lies around the cursor, as far as the slider says.
function around() {
  const radius = view.half * Number($("reach").value) / 100;
  const corners = 48;
  select(Array.from({ length: corners }, (_, k) => [cursor.x + radius * Math.cos(2 * Math.PI * k / corners), cursor.y + radius * Math.sin(2 * Math.PI * k / corners)]));
}

function showSelection() {
  const none = !outline.length && !selected.length;
  $("selection").hidden = $("clear").hidden = none;
  if (none) return;
  const counts = new Map();
  for (const i of selected) counts.set(map.labels[i], (counts.get(map.labels[i]) || 0) + 1);
  const classes = [...counts].filter(([label]) => nameOf(label)).sort((a, b) => b[1] - a[1]).slice(0, 4).map(([label, n]) => n + " of class " + nameOf(label));
  const error = selected.reduce((sum, i) => sum + map.errors[i] / selected.length, 0);
  const text = selected.length === 0 ? "No image is selected." : selected.length + (selected.length === 1 ? " image" : " images") + ", mean squared error " + error.toFixed(4) +
    (classes.length ? ": " + classes.join(", ") + (counts.size > classes.length ? " and others" : "") : "") + "." +
    (selected.length > mostShown ? " Here are the " + mostShown + " nearest to the middle." : "");
  $("selected").textContent = text;
  $("save-selection").disabled = !selected.length;
  $("gallery").replaceChildren(...selected.slice(0, mostShown).map((i) => {
    const button = document.createElement("button"), name = nameOf(map.labels[i]);
    button.type = "button";
    button.append(Object.assign(document.createElement("img"), { src: "/api/images/" + i, alt: "Test image " + i + (name ? ", class " + name : ""), loading: "lazy" }));
    button.addEventListener("click", when(() => act.open(i)));
    return button;
  }));
  say(text);
}

// listed is the selection as a table.
function listed() {
  const quoted = (text) => /[",\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  return ["image,name,class,squared_error", ...selected.map((i) => [i, quoted(map.names[i] || ""), quoted(nameOf(map.labels[i])), map.errors[i]].join(","))].join("\n") + "\n";
}

function setLasso(on) {
  $("lasso").setAttribute("aria-pressed", on);
  $("map").classList.toggle("lasso", on);
}

// --- hands

function goTo(at) {
  pointAt(at);
  act.place(at.x, at.y, map.by);
  const near = nearestDot(at).index;
  say("Place " + at.x.toFixed(1) + ", " + at.y.toFixed(1) + (nameOf(map.labels[near]) ? "; nearest image of class " + nameOf(map.labels[near]) : ""));
}

function watchPointer(canvas) {
  let dragging = false, drawn = null; // drawn: the lasso so far
  const at = (event) => { const box = canvas.getBoundingClientRect(); return toMap(event.clientX - box.left, event.clientY - box.top, sizeOf(canvas)); };
  canvas.addEventListener("pointerdown", (event) => {
    const place = at(event);
    dragging = true;
    canvas.setPointerCapture(event.pointerId);
    $("tip").hidden = true;
    drawn = $("lasso").getAttribute("aria-pressed") === "true" ? [[place.x, place.y]] : null;
    if (!drawn) goTo(place);
  });
  const end = () => {
    if (dragging && drawn) { setLasso(false); select(drawn.length > 2 ? drawn : []); }
    dragging = false;
    drawn = null;
  };
  window.addEventListener("pointerup", end);
  window.addEventListener("pointercancel", end);
  canvas.addEventListener("pointerleave", () => { $("tip").hidden = true; });
  canvas.addEventListener("pointermove", (event) => {
    const place = at(event);
    if (dragging && drawn) {
      drawn.push([place.x, place.y]);
      outline = drawn;
      drawMap();
    } else if (dragging) goTo(place);
    else if (event.pointerType !== "touch") hover(event, place);
  });
  canvas.addEventListener("dblclick", when((event) => act.open(nearestDot(at(event)).index)));
}

function watchKeys(canvas) {
  canvas.addEventListener("keydown", when(async (event) => {
    const step = view.half * (event.shiftKey ? 0.2 : 0.04);
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
    if (by) {
      event.preventDefault();
      goTo({ x: cursor.x + by[0], y: cursor.y + by[1] });
    } else if (event.key === "Enter") {
      event.preventDefault();
      await act.open(nearestDot(cursor).index);
    }
  }));
}

// take is what the server says of a model's codes.
function take(described, given) {
  [model, map] = [described, { ...given, by: "pca" }]; // by: the layout that is shown
  const order = map.errors.map((e, i) => [e, i]).sort((a, b) => a[0] - b[0]);
  map.rank = [];
  order.forEach(([, i], rank) => { map.rank[i] = rank / Math.max(order.length - 1, 1); });
  fitMap();
  describe();
  buildLegend();
}

// renewMap shows the codes of another model, and keeps a selection's images.
export function renewMap(described, given) {
  take(described, given);
  outline = [];
  drawDots();
  showSelection();
  if ($("layout").value !== "pca") choose();
}

// watchMap shows the map that /api/map has given of a model.
export function watchMap(described, given, actions) {
  act = actions;
  if (!described.classes) { $("colour").value = "error"; $("colour").options[0].disabled = true; }
  take(described, given);
  if (model.images > model.most_tsne) {
    const option = $("layout").options[1];
    option.disabled = true;
    option.textContent += " (of at most " + model.most_tsne + " images)";
  }
  watchPointer($("map"));
  watchKeys($("map"));
  $("layout").addEventListener("change", () => choose());
  $("colour").addEventListener("change", () => { buildLegend(); drawDots(); });
  $("lasso").addEventListener("click", () => setLasso($("lasso").getAttribute("aria-pressed") !== "true"));
  $("around").addEventListener("click", around);
  $("reach").addEventListener("input", around);
  $("clear").addEventListener("click", () => { select([]); $("lasso").focus(); });
  $("save-selection").addEventListener("click", () => save(new Blob([listed()], { type: "text/csv" }), "selection.csv"));
  new ResizeObserver(drawDots).observe($("map"));
}
