"use strict";
document.documentElement.classList.add("js");
(function () {
  const picture = document.querySelector("svg.lineage");
  const boxes = Array.from(picture.querySelectorAll(".box"));
  const ways = Array.from(picture.querySelectorAll(".way"));
  function follow(box) {
    const on = new Set(box.dataset.reaches.split(" ").concat(box.dataset.key));
    picture.classList.add("following");
    boxes.forEach((each) => each.classList.toggle("on", on.has(each.dataset.key)));
    ways.forEach((each) => each.classList.toggle("on", on.has(each.dataset.from) && on.has(each.dataset.to)));
  }
  function rest() { picture.classList.remove("following"); }
  boxes.forEach((box) => {
    box.addEventListener("mouseenter", () => follow(box));
    box.addEventListener("mouseleave", rest);
    box.addEventListener("focus", () => follow(box));
    box.addEventListener("blur", rest);
    if (box.parentElement.tagName === "a") {
      box.parentElement.addEventListener("focus", () => follow(box));
      box.parentElement.addEventListener("blur", rest);
    }
  });

  const search = document.getElementById("search");
  const found = document.getElementById("found");
  const nothing = document.getElementById("nothing");
  const products = Array.from(document.querySelectorAll("[data-product]"));
  function heading(product) {
    const copy = product.cloneNode(true);
    copy.querySelectorAll("[data-column]").forEach((each) => each.remove());
    return copy.textContent.toLowerCase();
  }
  const index = products.map((product) => ({
    product,
    text: heading(product),
    tables: Array.from(product.querySelectorAll("[data-table]")).map((table) => ({
      details: table.querySelector(".columns-of"),
      columns: Array.from(table.querySelectorAll("[data-column]")).map((row) => ({ row, text: row.textContent.toLowerCase() })),
    })),
  }));
  function sought() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const has = (text) => words.every((word) => text.includes(word));
    let shown = 0, columns = 0;
    for (const { product, text, tables } of index) {
      const whole = has(text);
      let hits = 0;
      for (const table of tables) {
        let own = 0;
        for (const { row, text: column } of table.columns) {
          const hit = words.length > 0 && has(column);
          row.hidden = words.length > 0 && !whole && !hit;
          own += hit ? 1 : 0;
        }
        if (table.details) table.details.open = words.length > 0 && own > 0;
        hits += own;
      }
      product.hidden = words.length > 0 && !whole && hits === 0;
      shown += product.hidden ? 0 : 1;
      columns += hits;
    }
    found.textContent = words.length ? shown + " products, " + columns + " columns" : "";
    nothing.hidden = shown > 0;
  }
  search.addEventListener("input", sought);
  if (search.value) sought();
})();
