"use strict";
// Values under the pointer: of the curves of a chart, and of a map's spots, of
// which the image is shown too. Arrow keys move along a chart that has the focus,
// and from spot to spot of a map.

const element = (name, className, text) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

const within = (svg, event) => {
  const box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
  return [(event.clientX - box.left) / box.width * view.width, (event.clientY - box.top) / box.height * view.height];
};

// put shows a tip beside a place of a drawing, or below it where neither side
// has room.
const put = (tip, svg, x, y) => {
  const card = tip.parentElement.getBoundingClientRect(), box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
  tip.hidden = false;
  const left = box.left - card.left + x / view.width * box.width, top = box.top - card.top + y / view.height * box.height;
  const width = tip.offsetWidth, height = tip.offsetHeight, away = 14;
  const clamp = (value, most) => Math.max(2, Math.min(value, most - 2)) + "px";
  const right = left + away + width < card.width, beside = right || left - away - width > 0;
  tip.style.left = clamp(beside ? (right ? left + away : left - away - width) : left - width / 2, card.width - width);
  tip.style.top = beside ? clamp(top - height / 2, card.height - height) : top + away + "px";
};

const nearest = (points, distance) => points.reduce((best, p, i) => distance(p) < distance(points[best]) ? i : best, 0);

for (const svg of document.querySelectorAll("svg.chart")) {
  const holder = svg.querySelector(".points");
  if (!holder) continue;
  const all = JSON.parse(holder.dataset.points), cursor = svg.querySelector(".cursor");
  const tip = svg.parentElement.appendChild(element("div", "tip"));
  tip.hidden = true;
  let at = 0;
  const show = x => {
    const places = all.map(s => s.points[nearest(s.points, p => Math.abs(p.at[0] - x))]);
    const main = places[nearest(places, p => Math.abs(p.at[0] - x))];
    tip.replaceChildren(element("b", "", main.text[0]));
    all.forEach((s, i) => {
      const line = tip.appendChild(element("div"));
      if (s.name) line.appendChild(element("i", "f" + s.class));
      const far = Math.abs(places[i].at[0] - main.at[0]) > 6 ? ` (${places[i].text[0]})` : "";
      line.append((s.name ? s.name + " " : "") + places[i].text[1] + far);
    });
    at = main.at[0];
    cursor.setAttribute("x1", at); cursor.setAttribute("x2", at); cursor.setAttribute("visibility", "visible");
    put(tip, svg, at, main.at[1]);
  };
  const hide = () => { tip.hidden = true; cursor.setAttribute("visibility", "hidden"); };
  svg.tabIndex = 0;
  svg.addEventListener("pointermove", e => show(within(svg, e)[0]));
  svg.addEventListener("pointerdown", e => show(within(svg, e)[0]));
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", e => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (!way) return;
    e.preventDefault();
    const xs = [...new Set(all.flatMap(s => s.points.map(p => p.at[0])))].sort((a, b) => a - b);
    const next = tip.hidden ? (way > 0 ? 0 : xs.length - 1) : nearest(xs, x => Math.abs(x - at)) + way;
    show(xs[Math.min(Math.max(next, 0), xs.length - 1)]);
  });
}

// Maps of the same images, several where runs are compared: the image that is
// pointed at is marked in all of them.
const maps = [...document.querySelectorAll("svg.codes")].map(svg => {
  const spots = [...svg.querySelectorAll(".spot")];
  return { svg, spots, places: spots.map(s => [Number(s.getAttribute("cx")), Number(s.getAttribute("cy"))]) };
});
let marked = -1;
const mark = i => {
  for (const map of maps) {
    map.spots[marked]?.classList.remove("on");
    map.spots[i]?.classList.add("on");
  }
  marked = i;
};

for (const map of maps) {
  const { svg, spots, places } = map, sprite = document.getElementById("sprite");
  const tip = svg.parentElement.appendChild(element("div", "tip")), canvas = element("canvas");
  const width = Number(sprite.dataset.width), height = Number(sprite.dataset.height), across = Number(sprite.dataset.across);
  const larger = Math.max(1, Math.round(96 / Math.max(width, height)));
  canvas.width = width * larger; canvas.height = height * larger;
  tip.hidden = true;
  let at = -1;
  const show = i => {
    at = i;
    mark(i);
    const pen = canvas.getContext("2d");
    pen.imageSmoothingEnabled = false;
    pen.drawImage(sprite, i % across * width, Math.floor(i / across) * height, width, height, 0, 0, canvas.width, canvas.height);
    tip.replaceChildren(canvas, ...spots[i].dataset.text.split("\n").map(line => element("div", "", line)));
    put(tip, svg, ...places[i]);
  };
  const hide = () => { tip.hidden = true; mark(-1); };
  const find = e => {
    const [x, y] = within(svg, e);
    const i = nearest(places, p => (p[0] - x) ** 2 + (p[1] - y) ** 2);
    Math.hypot(places[i][0] - x, places[i][1] - y) < 24 ? show(i) : hide();
  };
  svg.addEventListener("pointermove", find);
  svg.addEventListener("pointerdown", find);
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.tabIndex = 0;
  // beyond is the next spot in a direction, one straight ahead before one aside.
  const beyond = (i, right, down) => {
    const cost = p => {
      const x = p[0] - places[i][0], y = p[1] - places[i][1], ahead = x * right + y * down;
      return ahead > 0 ? ahead + 2 * Math.abs(x * down + y * right) : Infinity;
    };
    const next = nearest(places, cost);
    return cost(places[next]) < Infinity ? next : i;
  };
  svg.addEventListener("keydown", e => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
    if (!way) return;
    e.preventDefault();
    const view = svg.viewBox.baseVal;
    show(at < 0 ? nearest(places, p => Math.hypot(p[0] - view.width / 2, p[1] - view.height / 2)) : beyond(at, ...way));
  });
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  });
}
