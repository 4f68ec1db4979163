/* Small comforts; every page works without them: tables that do not fit become cards, the menu closes, the navigation shows where one is. */
"use strict";
(() => {
  const narrow = matchMedia("(max-width: 40rem)");

  /* What a column is called, without the arrow of its order. */
  const title = (head) => ((head.querySelector("a") || head).firstChild || head).textContent.trim();

  /* Name each cell after its column, and keep the roles that a table loses when it is drawn as blocks. */
  function name(table) {
    const titles = [...table.tHead.rows[table.tHead.rows.length - 1].cells].map(title);
    table.setAttribute("role", "table");
    for (const part of [table.tHead, ...table.tBodies, table.tFoot].filter(Boolean)) part.setAttribute("role", "rowgroup");
    for (const row of table.rows) {
      row.setAttribute("role", "row");
      if (row.parentNode === table.tHead) { for (const head of row.cells) head.setAttribute("role", "columnheader"); continue; }
      let place = 0;
      for (const cell of row.cells) {
        cell.setAttribute("role", cell.tagName === "TH" ? "rowheader" : "cell");
        if (cell.tagName === "TD" && titles[place]) cell.dataset.label = titles[place];
        place += cell.colSpan;
      }
    }
  }

  function fit() {
    for (const table of document.querySelectorAll(".scroll > table")) {
      if (!table.tHead || !table.tHead.rows.length) continue;
      const room = table.parentNode;
      table.classList.remove("stacked");
      if (!narrow.matches || room.scrollWidth <= room.clientWidth + 1) continue;
      name(table);
      table.classList.add("stacked");
    }
  }

  function showOpenArea() {
    for (const row of document.querySelectorAll(".sections ul")) {
      const open = row.querySelector("[aria-current]");
      if (!open) continue;
      const [all, one] = [row.getBoundingClientRect(), open.getBoundingClientRect()];
      row.scrollLeft += one.left + one.width / 2 - all.left - all.width / 2;
    }
  }

  fit();
  showOpenArea();
  addEventListener("resize", () => { fit(); showOpenArea(); });
  addEventListener("toggle", fit, true);
  addEventListener("htmx:afterSettle", fit);
  addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      const inside = menu.contains(document.activeElement);
      menu.open = false;
      if (inside) menu.querySelector("summary").focus();
    }
  });
})();
