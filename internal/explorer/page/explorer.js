// The page of the explorer. The server computes everything that needs the model
// or the test images; the page holds one code and shows it everywhere.

import { drawMap, labelOf, nameOf, point, pointAt, renewMap, watchMap } from "./map.js";
import { $, ask, askFile, fail, latest, save, say, when } from "./server.js";
import { drawChart, renewTraining, watchTraining } from "./training.js";

const shownSliders = 16;
const frames = 25; // of a morph

let model; // what /api/model says
let code; // the present one
let seen; // the picture taken apart last: { again(), which does it again, index of a test image, own: it has the present code }
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
  if (code === wanted) { showImage(shown); pointTo(shown.near); }
});

const placeLatest = latest(async (x, y, by) => {
  const shown = await ask("/api/place", { x, y, by, label: told() });
  code = shown.code;
  if (seen) seen.own = false;
  showImage(shown);
  showNumbers();
  pointAt({ x, y });
});

function showImage(shown) {
  $("decoded").src = shown.image;
  $("speed").textContent = "decoded in " + shown.milliseconds.toFixed(1) + " ms";
}

// set makes a code the present one; image, if it is known already.
function set(next, shown) {
  code = Array.from(next);
  if (seen) seen.own = false;
  showNumbers();
  pointTo(shown?.near);
  if (shown) showImage(shown); else decodeLatest(code);
}

function along(i) { // coordinate on principal direction i
  return model.directions[i].vector.reduce((sum, v, k) => sum + v * (code[k] - model.mean[k]), 0);
}

const showNumbers = () => sliders.forEach((s) => s.show());

const pointTo = (near) => point({ x: along(0), y: model.directions.length > 1 ? along(1) : 0 }, near);

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
  if (code) showNumbers();
}

function setMore(open) {
  sliders.forEach((s, i) => { s.item.hidden = !open && i >= shownSliders; });
  $("more").textContent = open ? "Show the first " + shownSliders : "Show all " + sliders.length;
  $("more").setAttribute("aria-expanded", open);
}

// rebuildSliders makes them of another model, under the same hand.
function rebuildSliders() {
  const open = $("more").getAttribute("aria-expanded") === "true", held = document.activeElement?.id;
  buildSliders();
  setMore(open);
  if (held?.startsWith("slider-")) $(held)?.focus();
}

// --- a picture, taken apart

function picture(url, alt, caption) { // as a button
  const button = document.createElement("button");
  button.type = "button";
  button.append(Object.assign(document.createElement("img"), { src: url, alt }));
  if (caption) button.append(caption);
  return button;
}

// showLook shows what the model makes of a picture and takes its code, unless a
// newer model has only been asked the same again.
function showLook(look, what, takes) {
  $("original").src = look.original;
  $("reconstruction").src = look.reconstruction;
  $("difference").src = look.difference;
  const share = look.below < 0.005 ? "smaller than that of any test image" :
    look.below > 0.995 ? "larger than that of any test image, so the model does not know such pictures" : "larger than that of " + Math.round(100 * look.below) + "% of the test images";
  $("verdict").textContent = what + ": squared error " + look.mse.toFixed(4) + " a pixel value, " + share + "." + (look.kl === undefined ? "" : " Its code costs " + look.kl.toFixed(1) + " nats.");
  $("neighbours").replaceChildren(...look.neighbours.map((n) => {
    const button = picture("/api/images/" + n.index, "Test image " + n.index + (n.label ? ", class " + n.label : ""), n.label);
    button.addEventListener("click", when(() => lookAt(n.index)));
    return button;
  }));
  $("look-result").hidden = false;
  if (!takes) return;
  set(look.code);
  say($("verdict").textContent);
}

async function lookAt(index, takes = true) {
  const look = await ask("/api/looks/" + index);
  if (takes && model.classes_told) $("class").value = labelOf(index);
  showLook(look, (look.name || "Image " + index) + (look.label ? ", class " + look.label : ""), takes);
  if (takes) seen = { again: (takes) => lookAt(index, takes), index, own: true };
}

// unopened is a test image whose code is taken without a word of it.
const unopened = (index) => ({
  index, own: true,
  async again(takes) {
    if (!takes) return;
    set((await ask("/api/looks/" + index)).code);
    seen = unopened(index);
  },
});

async function lookAtFile(file, takes) {
  showLook(await ask("/api/picture?label=" + told(), file, file.type), file.name || "The picture", takes);
  if (takes) seen = { again: (takes) => lookAtFile(file, takes), own: true };
}

async function send(file) {
  if (!file) return;
  if (!file.type.startsWith("image/")) throw new Error("The file " + file.name + " is not a picture; choose a PNG, JPEG, GIF, WebP or BMP");
  await lookAtFile(file, true);
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

const ends = {}; // { code, index of the test image that it is of }
let morph = [];
let playing = 0;

const walk = () => ({ from: ends.a.code, to: ends.b.code, steps: frames, way: $("way").value, label: told() });

const morphLatest = latest(async () => {
  const answer = await ask("/api/morph", walk());
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
  $("time").setAttribute("aria-valuetext", Math.round(100 * i / (frames - 1)) + "% of the way");
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

let seed = Math.floor(Math.random() * 1e9); // of the samples shown
let drawn = seed + 1e9; // of the next one alone

async function drawSamples() {
  const answer = await ask("/api/sample", { count: 16, seed, label: told() });
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

// --- the model, and newer ones

function describe() {
  const { input } = model.model;
  document.documentElement.style.setProperty("--aspect", input.width + " / " + input.height);
  document.title = model.model.run + " · Hourglass explorer";
  $("run").textContent = model.model.run;
  $("about").textContent = "Autoencoder of kind " + model.model.kind + ", " + input.width + " × " + input.height + (input.channels === 1 ? " grey" : " colour") +
    " pixels, codes of " + model.model.code_size + " numbers, step " + model.model.step;
  $("difference-caption").textContent = "difference × " + model.magnified;
  $("samples-from").textContent = model.prior ? "Codes drawn from the model's own distribution of them, its prior." : "Codes drawn from the normal distribution that fits the test images' codes; this kind of model has no prior of its own.";
}

// renew takes up the model that the server shows now: everything on the page is
// asked again, of the same codes, or of the same pictures where codes are theirs.
const renew = latest(async (checksum) => {
  if (checksum === model.model.sha256) return;
  while (document.querySelector("input:active, canvas:active")) await new Promise((after) => setTimeout(after, 200)); // a hand is at it
  let map;
  [model, map] = await Promise.all([ask("/api/model"), ask("/api/map")]);
  describe();
  if (code.length !== model.mean.length) { code = model.mean; seen = undefined; }
  renewMap(model, map);
  renewTraining(model.model);
  rebuildSliders();
  if (seen) await seen.again(seen.own);
  if (!seen?.own) set(code);
  await Promise.all(Object.values(ends).map(async (end) => { if (end.index !== undefined) end.code = (await ask("/api/looks/" + end.index)).code; }));
  stop();
  await Promise.all([morphLatest(), drawSamples()]);
  say("The page shows the model of step " + model.model.step);
});

// --- begin

async function begin() {
  setTheme(themes.includes(localStorage.getItem("theme")) ? localStorage.getItem("theme") : "system");
  $("theme").addEventListener("click", () => setTheme(themes[(themes.indexOf($("theme").dataset.theme) + 1) % 3]));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (model) { drawMap(); drawChart(); } });

  let map;
  [model, map] = await Promise.all([ask("/api/model"), ask("/api/map")]);
  describe();
  code = model.mean;
  watchMap(model, map, { place: placeLatest, open: lookAt });
  buildClasses();
  buildSliders();
  watchPictures();

  $("basis").addEventListener("change", buildSliders);
  $("more").addEventListener("click", () => setMore($("more").getAttribute("aria-expanded") !== "true"));
  $("mean").addEventListener("click", () => set(model.mean));
  $("draw").addEventListener("click", when(async () => { const { samples } = await ask("/api/sample", { count: 1, seed: drawn++, label: told() }); set(samples[0].code, samples[0]); }));
  $("test").addEventListener("click", when(() => lookAt(Math.floor(Math.random() * model.images))));
  for (const end of ["a", "b"]) $("pin-" + end).addEventListener("click", () => { ends[end] = { code: Array.from(code), index: seen?.own ? seen.index : undefined }; stop(); $("time").value = end === "a" ? 0 : frames - 1; morphLatest(); say("Kept as " + end.toUpperCase()); });
  $("way").addEventListener("change", () => morphLatest());
  $("time").addEventListener("input", () => { stop(); if (morph.length) showFrame(Number($("time").value)); });
  $("play").addEventListener("click", () => { if (morph.length) play(); });
  $("save-morph").addEventListener("click", when(async () => { save(await askFile("/api/animation", walk()), "morph.gif"); say("The morph is saved as a GIF"); }));
  $("more-samples").addEventListener("click", when(() => { seed++; return drawSamples(); }));
  new ResizeObserver(drawChart).observe($("chart"));

  $("main").inert = false;
  $("main").removeAttribute("aria-busy");
  const first = Math.floor(Math.random() * model.images);
  const differs = map.labels.findIndex((label) => label !== map.labels[first]);
  const second = differs >= 0 ? differs : (first + 1) % model.images;
  const [a, b] = await Promise.all([ask("/api/looks/" + first), ask("/api/looks/" + second)]);
  if (model.classes_told) $("class").value = labelOf(first);
  ends.a = { code: a.code, index: first };
  ends.b = { code: b.code, index: second };
  set(a.code);
  seen = unopened(first);
  await Promise.all([morphLatest(), drawSamples(), watchTraining(model.model, renew)]);
}

begin().then(() => { document.documentElement.dataset.ready = "true"; }, fail);
