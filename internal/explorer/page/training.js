// The run's curve, as far as it has come.

import { $, ask, prepare, sizeOf } from "./server.js";

let model; // what is told of it
let follows; // newer ones are shown as they come

const none = () => ({ steps: [], epochs: [], health: undefined });

let lines = none();

function take(added) {
  for (const line of added) {
    if (line.kind === "step") lines.steps.push(line);
    else if (line.kind === "epoch") lines.epochs.push(line);
    else if (line.kind === "diagnosis") lines.health = line;
  }
  if (lines.steps.length > 2000) lines.steps = lines.steps.filter((_, i) => i % 2 === 1 || i === lines.steps.length - 1);
  drawChart();
}

function isLive(live) {
  $("state").classList.toggle("live", live);
  $("state").textContent = live ? "training now" : lines.steps.length + lines.epochs.length ? "not training" : "no metrics yet";
}

// renewTraining tells the reader of another model.
export function renewTraining(described) {
  model = described;
  drawChart();
}

// watchTraining shows the curve of a model's run, and calls renew with the checksum
// of every model that the server shows.
export async function watchTraining(described, renew) {
  model = described;
  const history = await ask("/api/metrics");
  follows = history.follows;
  take(history.lines);
  isLive(history.running);
  const stream = new EventSource("/api/watch?from=" + history.offset);
  let quiet;
  stream.onmessage = (event) => {
    take(JSON.parse(event.data));
    isLive(true);
    clearTimeout(quiet);
    quiet = setTimeout(() => isLive(false), 15000);
  };
  stream.addEventListener("model", (event) => renew(JSON.parse(event.data)));
  stream.addEventListener("restart", () => { lines = none(); drawChart(); });
}

// ticks are round numbers from low to high, at most so many and one.
export function ticks(low, high, many) {
  const rough = (high - low) / many, unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 5, 10].find((times) => times * unit >= rough * (1 - 1e-9));
  const all = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) all.push(Number((i * step).toPrecision(9)));
  return all;
}

export function drawChart() {
  if (!model) return;
  const canvas = $("chart"), size = sizeOf(canvas), g = prepare(canvas, size);
  const style = getComputedStyle(document.body), ink = style.getPropertyValue("--soft"), accent = style.getPropertyValue("--accent"), faint = style.getPropertyValue("--line");
  const steps = lines.steps.filter((l) => l.loss !== undefined), epochs = lines.epochs.filter((l) => l.loss !== undefined);
  const last = lines.steps[lines.steps.length - 1], epoch = epochs[epochs.length - 1];
  $("progress").textContent = !last ? "The run has written no metrics yet; its curve appears here as soon as it does." :
    "Step " + last.step + ", epoch " + last.epoch + ": loss " + last.loss.toPrecision(4) + " " + model.unit +
    (epoch ? "; validation " + epoch.loss.toPrecision(4) + " after epoch " + epoch.epoch : "") +
    (lines.health?.explained_variance === undefined ? "" : "; " + Math.max(0, Math.round(100 * lines.health.explained_variance)) + "% of the images' variance explained, " + lines.health.active + " active numbers in the code") +
    (last.images_per_second ? "; " + Math.round(last.images_per_second) + " images a second" : "") + ". This page shows the model of step " + model.step + (follows ? ", and newer checkpoints as they come." : last.step > model.step ? "; start it again for a newer checkpoint." : ".");
  canvas.setAttribute("aria-label", "Loss by step. " + $("progress").textContent);
  if (!steps.length) return;
  const left = 60, right = 12, top = 10, bottom = 24;
  const all = [...steps, ...epochs].map((l) => l.loss).sort((a, b) => a - b);
  const low = all[0], high = Math.max(all[Math.floor(0.97 * (all.length - 1))], low + 1e-9); // the first steps would flatten the rest
  const most = Math.max(...steps.map((l) => l.step), ...epochs.map((l) => l.step), 1);
  const x = (step) => left + (size.w - left - right) * step / most;
  const y = (loss) => top + (size.h - top - bottom) * (1 - (loss - low) / (high - low));
  g.font = "12px " + style.fontFamily;
  g.fillStyle = ink;
  g.strokeStyle = faint;
  g.textAlign = "right";
  for (const loss of ticks(low, high, 5)) {
    g.beginPath(); g.moveTo(left, y(loss)); g.lineTo(size.w - right, y(loss)); g.stroke();
    g.fillText(loss, left - 6, y(loss) + 4);
  }
  g.textAlign = "center";
  for (const step of ticks(0, most, 5).filter(Number.isInteger)) g.fillText(step || "step 0", Math.min(x(step), size.w - right - 14), size.h - 6);
  g.save();
  g.beginPath();
  g.rect(left - 5, top - 5, size.w - left - right + 10, size.h - top - bottom + 10);
  g.clip(); // the first steps leave at the top
  g.strokeStyle = accent;
  g.globalAlpha = 0.55;
  g.lineWidth = 1.5;
  g.beginPath();
  steps.forEach((l, i) => { if (i) g.lineTo(x(l.step), y(l.loss)); else g.moveTo(x(l.step), y(l.loss)); });
  g.stroke();
  g.globalAlpha = 1;
  g.fillStyle = accent;
  for (const l of epochs) { g.beginPath(); g.arc(x(l.step), y(l.loss), 4.5, 0, 7); g.fill(); }
  g.restore();
  g.fillStyle = ink;
  g.textAlign = "right";
  g.strokeStyle = style.getPropertyValue("--card"); // so that no line strikes it out
  g.lineWidth = 5;
  for (const write of ["strokeText", "fillText"]) g[write]("line: training batches, dots: validation", size.w - right - 6, top + 12);
}
