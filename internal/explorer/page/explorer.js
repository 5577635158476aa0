// The page of the explorer. The server computes everything that needs the model
// or the test images; the page holds one code and shows it everywhere.

import { $, ask, fail, latest, prepare, say, sizeOf, when } from "./server.js";
import { drawChart, watchTraining } from "./training.js";

const shownSliders = 16;
const frames = 25; // of a morph
const palette = ["#5a8bd0", "#f28e2b", "#e15759", "#3fb5a8", "#59a14f", "#d4b012", "#b07aa1", "#ff8fa3", "#9c755f", "#8a8f98"];

let model; // what /api/model says
let map; // what /api/map says
let code; // the present one
let sliders = [];

// --- the class that a conditional model is told

const told = () => Number($("class").value) || 0;

function buildClasses() {
  $("told").hidden = !model.classes_told;
  for (let label = 0; label < model.classes_told; label++) $("class").append(new Option(nameOf(label) || String(label), label));
  $("class").addEventListener("change", () => { decodeLatest(code); if (ends.a) morphLatest(); drawSamples().catch(fail); });
}

// --- the code

const decodeLatest = latest(async (wanted) => {
  const shown = await ask("/api/decode", { code: Array.from(wanted), label: told() });
  if (code === wanted) showImage(shown);
});

const placeLatest = latest(async (x, y) => {
  const shown = await ask("/api/place", { x, y, label: told() });
  code = shown.code;
  showImage(shown);
  showCode({ x, y });
});

function showImage(shown) {
  $("decoded").src = shown.image;
  $("speed").textContent = "decoded in " + shown.milliseconds.toFixed(1) + " ms";
}

// set makes a code the present one; image, if it is known already.
function set(next, shown) {
  code = Array.from(next);
  showCode();
  if (shown) showImage(shown); else decodeLatest(code);
}

function along(i) { // coordinate on principal direction i
  return model.directions[i].vector.reduce((sum, v, k) => sum + v * (code[k] - model.mean[k]), 0);
}

function showCode(at) {
  for (const s of sliders) s.show();
  cursor = at || { x: along(0), y: model.directions.length > 1 ? along(1) : 0 };
  drawMap();
}

// --- sliders

function buildSliders() {
  const byDirection = $("basis").value === "direction";
  const list = $("sliders");
  list.replaceChildren();
  const all = byDirection ? model.directions : model.dimensions.slice(0, 128);
  const weights = all.map((d) => byDirection ? d.share : d.kl ?? d.deviation);
  const heaviest = Math.max(...weights, 1e-9);
  const unit = byDirection ? "%" : model.dimensions[0].kl === undefined ? "σ" : "nats";
  sliders = all.map((d, i) => {
    const name = byDirection ? "dir " + (i + 1) : "z " + d.index;
    const reach = byDirection ? 3 * d.deviation : Math.max(3 * d.deviation, model.prior ? 3 : 0);
    const middle = byDirection ? 0 : d.mean;
    const id = "slider-" + i;
    const input = Object.assign(document.createElement("input"), { type: "range", id, min: middle - reach, max: middle + reach, step: (reach / 60) || 0.01 });
    const label = Object.assign(document.createElement("label"), { htmlFor: id, textContent: name });
    const output = document.createElement("output");
    output.htmlFor = id;
    const weight = document.createElement("div");
    weight.className = "weight";
    const bar = document.createElement("i");
    bar.style.width = (100 * weights[i] / heaviest) + "%";
    const text = document.createElement("span");
    text.textContent = byDirection ? (100 * d.share).toFixed(1) + " %" : weights[i].toFixed(2) + " " + unit;
    weight.append(bar, text);
    const item = document.createElement("li");
    item.append(label, input, output, weight);
    item.hidden = i >= shownSliders;
    list.append(item);
    const value = () => byDirection ? along(i) : code[d.index];
    input.addEventListener("input", () => {
      const next = Array.from(code), by = Number(input.value) - value();
      if (byDirection) d.vector.forEach((v, k) => { next[k] += by * v; });
      else next[d.index] = Number(input.value);
      set(next);
    });
    return {
      item,
      show() {
        const v = value();
        if (document.activeElement !== input || Math.abs(v - input.value) > reach / 50) input.value = v;
        output.textContent = v.toFixed(2).replace("-", "−");
        input.setAttribute("aria-valuetext", name + " " + v.toFixed(2));
      },
    };
  });
  $("more").hidden = all.length <= shownSliders;
  setMore(false);
  $("order").textContent = byDirection ? "Directions in which the test codes vary most, with their share of the variance." :
    unit === "nats" ? "Numbers that say most about the image come first (divergence from the prior, in nats); one with 0 says nothing." :
      "Numbers that vary most over the test images come first (standard deviation).";
  if (code) showCode();
}

function setMore(open) {
  sliders.forEach((s, i) => { s.item.hidden = !open && i >= shownSliders; });
  $("more").textContent = open ? "Show the first " + shownSliders : "Show all " + sliders.length;
  $("more").setAttribute("aria-expanded", open);
}

// --- map

let cursor = { x: 0, y: 0 };
let view; // scale and middle of the map
let dots; // a canvas with the dots alone

function fitMap() {
  const xs = map.places.map((p) => p[0]), ys = map.places.map((p) => p[1]);
  const range = (v) => { const s = [...v].sort((a, b) => a - b); return [s[Math.floor(s.length * 0.002)], s[Math.ceil(s.length * 0.998) - 1]]; };
  const [left, right] = range(xs), [low, high] = range(ys);
  view = { x: (left + right) / 2, y: (low + high) / 2, half: 0.54 * Math.max(right - left, high - low, 1e-6) };
}

function toScreen(x, y, size) {
  const scale = Math.min(size.w, size.h) / (2 * view.half);
  return [size.w / 2 + (x - view.x) * scale, size.h / 2 - (y - view.y) * scale];
}

function toMap(px, py, size) {
  const scale = Math.min(size.w, size.h) / (2 * view.half);
  return { x: view.x + (px - size.w / 2) / scale, y: view.y - (py - size.h / 2) / scale };
}

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
  g.globalAlpha = 0.8;
  const radius = size.w < 420 ? 2 : 2.6;
  map.places.forEach(([x, y], i) => {
    const [px, py] = toScreen(x, y, size);
    g.fillStyle = colourOf(i);
    g.beginPath();
    g.arc(px, py, radius, 0, 7);
    g.fill();
  });
  drawMap();
}

function drawMap() {
  if (!dots) return;
  const canvas = $("map"), size = sizeOf(canvas), g = prepare(canvas, size);
  g.drawImage(dots, 0, 0, size.w, size.h);
  const [x, y] = toScreen(cursor.x, cursor.y, size);
  const px = Math.min(Math.max(x, 6), size.w - 6), py = Math.min(Math.max(y, 6), size.h - 6);
  for (const [colour, width] of [[getComputedStyle(document.body).getPropertyValue("--card"), 6], [getComputedStyle(document.body).getPropertyValue("--ink"), 2.5]]) {
    g.strokeStyle = colour;
    g.lineWidth = width;
    g.beginPath();
    g.arc(px, py, 9, 0, 7);
    g.moveTo(px - 15, py); g.lineTo(px - 5, py); g.moveTo(px + 5, py); g.lineTo(px + 15, py);
    g.moveTo(px, py - 15); g.lineTo(px, py - 5); g.moveTo(px, py + 5); g.lineTo(px, py + 15);
    g.stroke();
  }
}

function nearestDot(at) {
  let best = -1, least = Infinity;
  map.places.forEach(([x, y], i) => {
    const d = (x - at.x) ** 2 + (y - at.y) ** 2;
    if (d < least) { least = d; best = i; }
  });
  return { index: best, distance: Math.sqrt(least) };
}

const nameOf = (label) => model.classes && label >= 0 ? model.classes[label] ?? "" : "";

function goTo(at) {
  cursor = at;
  drawMap();
  placeLatest(at.x, at.y);
  const near = nearestDot(at).index;
  say("Place " + at.x.toFixed(1) + ", " + at.y.toFixed(1) + (nameOf(map.labels[near]) ? "; nearest image of class " + nameOf(map.labels[near]) : ""));
}

function watchMap() {
  const canvas = $("map");
  let dragging = false;
  const at = (event) => { const box = canvas.getBoundingClientRect(); return toMap(event.clientX - box.left, event.clientY - box.top, sizeOf(canvas)); };
  canvas.addEventListener("pointerdown", (event) => { dragging = true; canvas.setPointerCapture(event.pointerId); $("tip").hidden = true; goTo(at(event)); });
  canvas.addEventListener("pointerup", () => { dragging = false; });
  canvas.addEventListener("pointercancel", () => { dragging = false; });
  canvas.addEventListener("pointerleave", () => { $("tip").hidden = true; });
  canvas.addEventListener("pointermove", (event) => {
    const place = at(event);
    if (dragging) { goTo(place); return; }
    if (event.pointerType !== "touch") hover(event, place);
  });
  canvas.addEventListener("dblclick", when((event) => lookAt(nearestDot(at(event)).index)));
  canvas.addEventListener("keydown", when(async (event) => {
    const step = view.half * (event.shiftKey ? 0.2 : 0.04);
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
    if (by) {
      event.preventDefault();
      goTo({ x: cursor.x + by[0], y: cursor.y + by[1] });
    } else if (event.key === "Enter") {
      event.preventDefault();
      await lookAt(nearestDot(cursor).index);
    }
  }));
  new ResizeObserver(drawDots).observe(canvas);
}

function hover(event, place) {
  const near = nearestDot(place), tip = $("tip"), size = sizeOf($("map"));
  const reach = 12 * 2 * view.half / Math.min(size.w, size.h); // twelve pixels
  if (near.distance > reach) { tip.hidden = true; return; }
  $("tip-image").src = "/api/images/" + near.index;
  const name = nameOf(map.labels[near.index]);
  $("tip-text").textContent = (name ? name + ", " : "") + "error " + map.errors[near.index].toFixed(4);
  tip.hidden = false;
  const [x, y] = toScreen(...map.places[near.index], size);
  tip.style.left = Math.min(Math.max(x + 14, 0), size.w - tip.offsetWidth) + "px";
  tip.style.top = (y + 14 + tip.offsetHeight > size.h ? y - 14 - tip.offsetHeight : y + 14) + "px";
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

// --- a picture, taken apart

function picture(url, alt, caption) { // as a button
  const button = document.createElement("button");
  button.type = "button";
  button.append(Object.assign(document.createElement("img"), { src: url, alt }));
  if (caption) button.append(caption);
  return button;
}

function showLook(look, what) {
  $("original").src = look.original;
  $("reconstruction").src = look.reconstruction;
  $("difference").src = look.difference;
  const share = look.below < 0.005 ? "smaller than that of any test image" :
    look.below > 0.995 ? "larger than that of any test image, so the model does not know such pictures" : "larger than that of " + Math.round(100 * look.below) + " % of the test images";
  $("verdict").textContent = what + ": squared error " + look.mse.toFixed(4) + " a pixel value, " + share + "." + (look.kl === undefined ? "" : " Its code costs " + look.kl.toFixed(1) + " nats.");
  $("neighbours").replaceChildren(...look.neighbours.map((n) => {
    const button = picture("/api/images/" + n.index, "Test image " + n.index + (n.label ? ", class " + n.label : ""), n.label);
    button.addEventListener("click", when(() => lookAt(n.index)));
    return button;
  }));
  $("look-result").hidden = false;
  set(look.code);
  say($("verdict").textContent);
}

async function lookAt(index) {
  const look = await ask("/api/looks/" + index);
  if (model.classes_told) $("class").value = map.labels[index];
  showLook(look, (look.name || "Image " + index) + (look.label ? ", class " + look.label : ""));
}

async function send(file) {
  if (!file) return;
  if (!file.type.startsWith("image/")) throw new Error("The file " + file.name + " is not a picture; choose a PNG, JPEG, GIF, WebP or BMP");
  showLook(await ask("/api/picture?label=" + told(), file, file.type), file.name || "The picture");
  $("look").scrollIntoView({ block: "nearest" });
}

function watchPictures() {
  $("file").addEventListener("change", when(async () => { const file = $("file").files[0]; $("file").value = ""; await send(file); }));
  document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("over"); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("over"); });
  document.addEventListener("drop", when(async (event) => { event.preventDefault(); document.body.classList.remove("over"); await send(event.dataTransfer.files[0]); }));
  document.addEventListener("paste", when(async (event) => { await send([...event.clipboardData.files][0]); }));
}

// --- morph

const ends = {};
let morph = [];
let playing = 0;

const morphLatest = latest(async () => {
  const answer = await ask("/api/morph", { from: ends.a, to: ends.b, steps: frames, way: $("way").value, label: told() });
  morph = answer.frames;
  const strip = [];
  for (let i = 0; i < frames; i += 3) {
    const button = picture(morph[i].image, i === 0 ? "A" : i === frames - 1 ? "B" : "Step " + i + " from A to B");
    button.addEventListener("click", () => { stop(); showFrame(i); });
    button.dataset.frame = i;
    strip.push(button);
  }
  $("frames").replaceChildren(...strip);
  markFrame(Number($("time").value));
});

function markFrame(i) {
  for (const button of $("frames").children) button.setAttribute("aria-current", Math.abs(button.dataset.frame - i) <= 1);
}

function showFrame(i) {
  $("time").value = i;
  $("time").setAttribute("aria-valuetext", Math.round(100 * i / (frames - 1)) + " % of the way");
  markFrame(i);
  set(morph[i].code, morph[i]);
}

function stop() {
  clearInterval(playing);
  playing = 0;
  $("play").setAttribute("aria-pressed", "false");
  $("play").textContent = "Play";
}

function play() {
  if (playing) { stop(); return; }
  let i = Number($("time").value), by = i >= frames - 1 ? -1 : 1;
  $("play").setAttribute("aria-pressed", "true");
  $("play").textContent = "Stop";
  playing = setInterval(() => {
    if (i + by < 0 || i + by >= frames) by = -by;
    i += by;
    showFrame(i);
  }, 80);
}

// --- samples

let seed = Math.floor(Math.random() * 1e9);

async function drawSamples() {
  const answer = await ask("/api/sample", { count: 16, seed: seed++, label: told() });
  $("sample-grid").replaceChildren(...answer.samples.map((shown, i) => {
    const button = picture(shown.image, "Sample " + (i + 1));
    button.addEventListener("click", () => set(shown.code, shown));
    return button;
  }));
}

// --- theme

const themes = ["system", "light", "dark"];
function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = theme;
  $("theme").textContent = "Theme: " + theme;
  $("theme").dataset.theme = theme;
  localStorage.setItem("theme", theme);
  if (model) { drawMap(); drawChart(); }
}

// --- begin

async function begin() {
  setTheme(themes.includes(localStorage.getItem("theme")) ? localStorage.getItem("theme") : "system");
  $("theme").addEventListener("click", () => setTheme(themes[(themes.indexOf($("theme").dataset.theme) + 1) % 3]));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (model) { drawMap(); drawChart(); } });

  [model, map] = await Promise.all([ask("/api/model"), ask("/api/map")]);
  const order = map.errors.map((e, i) => [e, i]).sort((a, b) => a[0] - b[0]);
  map.rank = [];
  order.forEach(([, i], rank) => { map.rank[i] = rank / Math.max(order.length - 1, 1); });
  const { input } = model.model;
  document.documentElement.style.setProperty("--aspect", input.width + " / " + input.height);
  document.title = model.model.run + " · Hourglass explorer";
  $("run").textContent = model.model.run;
  $("about").textContent = "Autoencoder of kind " + model.model.kind + ", " + input.width + " × " + input.height + (input.channels === 1 ? " grey" : " colour") +
    " pixels, codes of " + model.model.code_size + " numbers, step " + model.model.step;
  const share = model.directions.slice(0, 2).reduce((s, d) => s + d.share, 0);
  $("map-share").textContent = "The codes of " + model.images + " test images along their first two principal directions, " + Math.round(100 * share) + " % of the variance.";
  $("difference-caption").textContent = "difference × " + model.magnified;
  $("samples-from").textContent = model.prior ? "Codes drawn from the model's own distribution of them, its prior." : "Codes drawn from the normal distribution that fits the test images' codes; this kind of model has no prior of its own.";
  if (!model.classes) { $("colour").value = "error"; $("colour").options[0].disabled = true; }
  fitMap();
  code = model.mean;
  buildClasses();
  buildSliders();
  buildLegend();
  watchMap();
  watchPictures();

  $("basis").addEventListener("change", buildSliders);
  $("more").addEventListener("click", () => setMore($("more").getAttribute("aria-expanded") !== "true"));
  $("colour").addEventListener("change", () => { buildLegend(); drawDots(); });
  $("mean").addEventListener("click", () => set(model.mean));
  $("draw").addEventListener("click", when(async () => { const { samples } = await ask("/api/sample", { count: 1, seed: seed++, label: told() }); set(samples[0].code, samples[0]); }));
  $("test").addEventListener("click", when(() => lookAt(Math.floor(Math.random() * model.images))));
  for (const end of ["a", "b"]) $("pin-" + end).addEventListener("click", () => { ends[end] = Array.from(code); stop(); $("time").value = end === "a" ? 0 : frames - 1; morphLatest(); say("Kept as " + end.toUpperCase()); });
  $("way").addEventListener("change", () => morphLatest());
  $("time").addEventListener("input", () => { stop(); if (morph.length) showFrame(Number($("time").value)); });
  $("play").addEventListener("click", () => { if (morph.length) play(); });
  $("more-samples").addEventListener("click", when(drawSamples));
  new ResizeObserver(drawChart).observe($("chart"));

  $("main").inert = false;
  $("main").removeAttribute("aria-busy");
  const first = Math.floor(Math.random() * model.images);
  const differs = map.labels.findIndex((label) => label !== map.labels[first]);
  const second = differs >= 0 ? differs : (first + 1) % model.images;
  const [a, b] = await Promise.all([ask("/api/looks/" + first), ask("/api/looks/" + second)]);
  if (model.classes_told) $("class").value = map.labels[first];
  ends.a = a.code;
  ends.b = b.code;
  set(a.code);
  await Promise.all([morphLatest(), drawSamples(), watchTraining(model.model)]);
}

begin().then(() => { document.documentElement.dataset.ready = "true"; }, fail);
