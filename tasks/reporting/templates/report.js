"use strict";
document.documentElement.classList.add("js");

// The map: move, zoom, hover, and states that can be hidden.
(function () {
  const svg = document.getElementById("cells");
  if (!svg) return;
  const tip = document.querySelector(".tip");
  const all = svg.getAttribute("viewBox").split(" ").map(Number);
  let view = all.slice();

  function show(next) {
    const width = Math.min(Math.max(next[2], all[2] / 60), all[2] * 1.5);
    const height = width * all[3] / all[2];
    view = [next[0], next[1], width, height];
    svg.setAttribute("viewBox", view.join(" "));
  }
  function place(event) {
    const point = new DOMPoint(event.clientX, event.clientY);
    return point.matrixTransform(svg.getScreenCTM().inverse());
  }
  function zoom(factor, at) {
    const width = Math.min(Math.max(view[2] * factor, all[2] / 60), all[2] * 1.5);
    const share = width / view[2];
    show([at.x - (at.x - view[0]) * share, at.y - (at.y - view[1]) * share, width]);
  }
  function middle() {
    return { x: view[0] + view[2] / 2, y: view[1] + view[3] / 2 };
  }
  document.querySelectorAll("[data-zoom]").forEach(function (button) {
    button.addEventListener("click", function () {
      if (button.dataset.zoom === "all") show(all);
      else zoom(button.dataset.zoom === "in" ? 0.6 : 1 / 0.6, middle());
    });
  });
  svg.addEventListener("wheel", function (event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, place(event));
  }, { passive: false });
  svg.addEventListener("dblclick", function (event) { event.preventDefault(); zoom(0.5, place(event)); });
  svg.addEventListener("keydown", function (event) {
    const step = view[2] / 10;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (event.key === "+" || event.key === "=") zoom(0.6, middle());
    else if (event.key === "-") zoom(1 / 0.6, middle());
    else if (event.key === "0") show(all);
    else if (moves[event.key]) show([view[0] + moves[event.key][0], view[1] + moves[event.key][1], view[2]]);
    else return;
    event.preventDefault();
  });

  let held = null, moved = false;
  svg.addEventListener("pointerdown", function (event) { held = place(event); moved = false; });
  svg.addEventListener("pointermove", function (event) {
    if (held && event.buttons) {
      const at = place(event);
      if (!moved && Math.hypot(at.x - held.x, at.y - held.y) < view[2] / 250) return;
      moved = true;
      svg.classList.add("moving");
      show([view[0] + held.x - at.x, view[1] + held.y - at.y, view[2]]);
    }
    tell(event);
  });
  window.addEventListener("pointerup", function () { held = null; svg.classList.remove("moving"); });
  svg.addEventListener("click", function (event) { if (moved) event.preventDefault(); }, true);
  svg.addEventListener("dragstart", function (event) { event.preventDefault(); });
  svg.addEventListener("pointerleave", function () { tip.hidden = true; });

  function line(text, name) {
    const element = document.createElement("div");
    element.textContent = text;
    if (name) element.className = name;
    tip.appendChild(element);
  }
  function tell(event) {
    const cell = event.target.closest("path[data-cell]");
    tip.hidden = !cell || svg.classList.contains("moving");
    if (tip.hidden) return;
    tip.replaceChildren();
    const title = document.createElement("b");
    title.textContent = cell.dataset.cell;
    tip.appendChild(title);
    line(cell.dataset.state + ", " + cell.dataset.place);
    cell.dataset.told.split("\n").filter(Boolean).forEach(function (said) { line(said, "told"); });
    line(cell.dataset.dn);
    const box = svg.parentElement.getBoundingClientRect();
    const left = event.clientX - box.left, top = event.clientY - box.top;
    tip.style.left = Math.max(0, Math.min(left + 14, box.width - tip.offsetWidth - 4)) + "px";
    tip.style.top = (top + 18 + tip.offsetHeight > box.height ? top - tip.offsetHeight - 10 : top + 18) + "px";
  }
  document.querySelectorAll(".toggle[data-state]").forEach(function (button) {
    button.addEventListener("click", function () {
      const hidden = svg.classList.toggle("hide-" + button.dataset.state);
      button.setAttribute("aria-pressed", String(!hidden));
    });
  });
})();

// The findings: sort by a column, filter by words, severity and what still lasts.
(function () {
  const table = document.getElementById("findings-table");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const search = document.getElementById("search");
  const ongoing = document.getElementById("ongoing");
  const severities = Array.from(document.querySelectorAll(".toggle[data-severity]"));
  const known = new Set(severities.map(function (button) { return button.dataset.severity; }));
  const texts = new Map(rows.map(function (row) { return [row, row.textContent.toLowerCase()]; }));

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(severities.filter(pressed).map(function (button) { return button.dataset.severity; }));
    let shown = 0;
    rows.forEach(function (row) {
      const severe = wanted.has(row.dataset.severity) || !known.has(row.dataset.severity);
      const lasts = !pressed(ongoing) || row.dataset.ongoing === "1";
      const named = words.every(function (word) { return texts.get(row).includes(word); });
      row.hidden = !(severe && lasts && named);
      shown += row.hidden ? 0 : 1;
    });
    document.getElementById("shown").textContent = shown === rows.length ? "" : shown + " of " + rows.length + " shown";
  }
  function pressed(button) { return button.getAttribute("aria-pressed") === "true"; }
  function sort(head) {
    const current = head.getAttribute("aria-sort");
    const down = current ? current === "ascending" : head.hasAttribute("data-down");
    table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = head.dataset.key;
    const textual = key === "cell" || key === "kpi";
    rows.sort(function (one, other) {
      const left = one.dataset[key], right = other.dataset[key];
      const order = textual ? left.localeCompare(right, "en", { numeric: true }) : left - right;
      return (down ? -order : order) || one.dataset.rank - other.dataset.rank;
    });
    body.append(...rows);
  }
  table.querySelectorAll("th[data-key]").forEach(function (head) {
    head.tabIndex = 0;
    head.addEventListener("click", function () { sort(head); });
    head.addEventListener("keydown", function (event) {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(head); }
    });
  });
  severities.concat(ongoing).forEach(function (button) {
    button.addEventListener("click", function () {
      button.setAttribute("aria-pressed", String(!pressed(button)));
      filter();
    });
  });
  search.addEventListener("input", filter);
})();

window.addEventListener("beforeprint", function () {
  document.querySelectorAll("details").forEach(function (details) { details.open = true; });
});
