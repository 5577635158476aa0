// What all parts of the page share: asking the server, telling the reader, and
// canvases as sharp as the screen.

export const $ = (id) => document.getElementById(id);

async function answered(path, body, type) {
  const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": type }, body: type === "application/json" ? JSON.stringify(body) : body };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer; is hourglass explore still running?");
  }
  if (!answer.ok) throw new Error((await answer.json()).error);
  return answer;
}

export async function ask(path, body, type = "application/json") { return (await answered(path, body, type)).json(); }

export async function askFile(path, body) { return (await answered(path, body, "application/json")).blob(); }

// save hands a file to the reader.
export function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

let failureTimer;
export function fail(error) {
  const text = error.message || String(error);
  $("failure").textContent = text.charAt(0).toUpperCase() + text.slice(1) + ".";
  $("failure").hidden = false;
  clearTimeout(failureTimer);
  failureTimer = setTimeout(() => { $("failure").hidden = true; }, 12000);
}

// latest calls send one at a time, with the arguments given last: a hand is
// faster than a network.
export function latest(send) {
  let busy = false, next = null;
  return async function again(...args) {
    next = args;
    if (busy) return;
    busy = true;
    while (next) {
      const now = next;
      next = null;
      try { await send(...now); } catch (error) { fail(error); }
    }
    busy = false;
  };
}

export const when = (action) => async (...args) => { try { await action(...args); } catch (error) { fail(error); } };

let spokenTimer;
export function say(text) { // for those who listen; not at every step of a drag
  clearTimeout(spokenTimer);
  spokenTimer = setTimeout(() => { $("spoken").textContent = text; }, 400);
}

export function sizeOf(canvas) { return { w: canvas.clientWidth, h: canvas.clientHeight }; }

export function prepare(canvas, size) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(size.w * ratio);
  canvas.height = Math.round(size.h * ratio);
  const g = canvas.getContext("2d");
  g.scale(ratio, ratio);
  return g;
}
