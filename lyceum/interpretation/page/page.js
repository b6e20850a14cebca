// Under each map, a line that says which cell is under the pointer, the finger or the focus; arrow keys move the focus.
"use strict";
(() => {
  const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

  for (const table of document.querySelectorAll(".map")) {
    const readout = table.closest("section").querySelector(".readout");
    const cells = [...table.querySelectorAll("td[title]")];
    for (const cell of cells) cell.tabIndex = -1;
    if (cells.length) cells[0].tabIndex = 0;

    function show(event) {
      const cell = event.target.closest("td[title]");
      if (cell) readout.textContent = cell.title;
    }
    for (const name of ["pointerover", "click", "focusin"]) table.addEventListener(name, show);

    table.addEventListener("keydown", (event) => {
      const from = event.target.closest("td[title]");
      if (!(event.key in STEPS) || !from) return;
      event.preventDefault();
      const [down, right] = STEPS[event.key];
      const next = table.rows[from.parentNode.rowIndex + down]?.cells[from.cellIndex + right];
      if (!next?.title) return;
      from.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  }
})();
