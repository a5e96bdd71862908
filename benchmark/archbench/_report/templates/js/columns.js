// The choice of columns. The address names the hidden ones, so a column that a later version adds is seen.
{
  const { make, tables } = page;
  // A cell over several columns would be cut; the name of a row is always shown.
  const even = (table) => [...table.rows].every((row) => [...row.cells].every((cell) => cell.colSpan === 1));
  const choosable = (table) => tables.heads(table).filter((head) => !head.classList.contains("who") && head.cellIndex > 0);

  function toggled(table, head, shown) {
    const name = tables.nameOf(page.views(), table, head), hidden = page.items("hide").filter((item) => item !== name);
    page.change({ hide: shown ? hidden : [...hidden, name] });
  }
  function box(table, head) {
    const input = make("input", { type: "checkbox", change: () => toggled(table, head, input.checked) });
    input.dataset.column = head.cellIndex;
    return make("label", {}, input, head.textContent.trim());
  }
  function menu(table) {
    if (!even(table) || choosable(table).length < 3) return null;
    const boxes = choosable(table).map((head) => box(table, head));
    return make("details", { class: "choose" }, make("summary", {}, "Columns"), make("div", { class: "menu" }, ...boxes));
  }
  function hideColumns(views, table) {
    const hidden = new Set(page.items("hide")), heads = tables.heads(table);
    const gone = heads.map((head) => hidden.has(tables.nameOf(views, table, head)));
    if (!gone.some(Boolean) && !table.dataset.cut) return;
    table.dataset.cut = gone.some(Boolean) ? "1" : "";
    for (const row of table.rows) for (const cell of row.cells) cell.hidden = gone[cell.cellIndex];
  }
  function check(views, table) {
    const hidden = new Set(page.items("hide")), heads = tables.heads(table);
    for (const input of page.all("input[data-column]", (table.closest(".scroll") || table).nextElementSibling)) {
      input.checked = !hidden.has(tables.nameOf(views, table, heads[Number(input.dataset.column)]));
    }
  }
  page.columns = {
    menu,
    apply: (views) => tables.of(views).forEach((table) => { hideColumns(views, table); check(views, table); }),
  };
}
