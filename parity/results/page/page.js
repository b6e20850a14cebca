// What a click on a cell shows, built from the data of the page; rows that open; arrow keys in the map.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  // The columns of a row of the data, as parity.results.page.data writes them.
  const [CASE, VARIANT, WHAT, ERROR, BOUND, SCALE, WHERE] = [0, 1, 2, 3, 4, 5, 6];
  const [EXPECTED, GOT, DERIVATION, LIMITATION, SHARE, OK] = [7, 8, 9, 10, 11, 12];
  const dialog = document.getElementById("drill");

  // Text is only ever set as text, so that no name can become markup.
  function element(tag, text = "", ...children) {
    const node = document.createElement(tag);
    node.textContent = text;
    node.append(...children);
    return node;
  }

  // inf and nan are strings in the data.
  function short(x) {
    if (typeof x === "string" || x === 0) return String(x);
    const size = Math.abs(x);
    return size < 1e-3 || size >= 1e5 ? x.toExponential(2) : Number(x.toPrecision(3)).toString();
  }

  const severity = (row) => (row[LIMITATION] ? -1 : typeof row[SHARE] === "string" ? Infinity : row[SHARE]);
  const order = (a, b) => a[OK] - b[OK] || severity(b) - severity(a) || 0;

  function record(row, named) {
    const article = element("article");
    const within = data.cases[row[CASE]].slice(data.layers[data.layer[row[CASE]]].length).replace(/^:\s*/, "");
    const name = named && within ? `${within}: ${row[WHAT]}` : row[WHAT];
    if (row[LIMITATION]) {
      article.append(element("h3", "", element("span", name)), element("p", `Limitation: ${row[LIMITATION]}`));
      return article;
    }
    const used = `error / bound ${short(row[SHARE])}${row[OK] ? "" : ", failed"}`;
    const note = element("span", used);
    note.className = "note";
    article.className = row[OK] ? "" : "bad";
    article.append(element("h3", "", element("span", row[OK] ? name : `✕ ${name}`), note));
    const figures = {
      error: short(row[ERROR]), bound: short(row[BOUND]), expected: row[EXPECTED], got: row[GOT],
      "worst index": `(${row[WHERE].join(", ")})`, scale: short(row[SCALE]),
    };
    const list = element("dl");
    for (const [term, value] of Object.entries(figures)) {
      list.append(element("div", "", element("dt", term), element("dd", String(value))));
    }
    article.append(list, element("p", `Bound: ${data.derivations[row[DERIVATION]]}`));
    return article;
  }

  function show(button) {
    const variant = Number(button.dataset.variant);
    const layer = button.dataset.layer === undefined ? null : Number(button.dataset.layer);
    const wanted = (row) => (layer === null ? row[CASE] === Number(button.dataset.case) : data.layer[row[CASE]] === layer);
    const rows = data.rows.filter((row) => row[VARIANT] === variant && wanted(row)).sort(order);
    const failed = rows.filter((row) => !row[OK]).length;
    const limited = rows.filter((row) => row[LIMITATION]).length;
    const counts = [[rows.length - failed - limited, "passed"], [failed, "failed"], [limited, "limited"]];
    const title = layer === null ? data.cases[rows[0][CASE]] : data.layers[layer];
    document.getElementById("drill-title").textContent = `${title}, ${data.variants[variant]}`;
    const count = counts.filter(([n]) => n).map(([n, word]) => `${n} ${word}`).join(", ");
    document.getElementById("drill-count").textContent = `${count}, worst first`;
    document.getElementById("drill-records").replaceChildren(...rows.map((row) => record(row, layer !== null)));
    dialog.showModal();
    dialog.scrollTop = 0;
  }

  function unfold(button, open) {
    button.setAttribute("aria-expanded", open);
    button.closest("tbody").classList.toggle("open", open);
  }

  const isOpen = (button) => button.getAttribute("aria-expanded") === "true";
  const folds = [...document.querySelectorAll(".fold")];
  const all = document.getElementById("all");
  for (const fold of folds) unfold(fold, "failed" in fold.dataset);
  if (all) all.hidden = false;
  for (const cell of document.querySelectorAll(".map td button")) cell.title = cell.getAttribute("aria-label");

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (event.target === dialog || button?.id === "close") dialog.close();
    else if (button === all && all) {
      const open = !isOpen(all);
      all.setAttribute("aria-expanded", open);
      all.textContent = open ? "Close all rows" : "Open all rows";
      for (const fold of folds) unfold(fold, open);
    } else if (button?.classList.contains("fold")) unfold(button, !isOpen(button));
    else if (button?.dataset.variant !== undefined) show(button);
  });

  const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  document.querySelector("#map table")?.addEventListener("keydown", (event) => {
    const from = event.target.closest("tr > *");
    if (!(event.key in STEPS) || !from) return;
    event.preventDefault();
    const [down, right] = STEPS[event.key];
    const rows = [...event.currentTarget.rows].filter((row) => row.offsetParent !== null);
    let [y, x] = [rows.indexOf(from.parentNode) + down, from.cellIndex + right];
    for (; rows[y]?.cells[x]; y += down, x += right) {
      const next = rows[y].cells[x].querySelector("button");
      if (next) return next.focus();
    }
  });

  // Paper cannot be clicked, so all is unfolded on it.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });
})();
