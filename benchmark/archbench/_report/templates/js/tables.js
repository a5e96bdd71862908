// Sorting. The first click on a head sorts, the second reverses, the third restores the order of the page.
{
  const { all, make, slug } = page;
  const original = new Map();
  const heads = (table) => [...table.tHead.rows[0].cells];
  const keyOf = (head) => slug(head.dataset.key || head.textContent);
  // A table with cells over several rows is left as it is.
  const regular = (table) => table.tHead && !table.querySelector("tbody [rowspan]");
  const tablesOf = (views) => views.flatMap((view) => all("table[id]", view)).filter(regular);
  // Rows of several parts are in several bodies, each below its own title.
  const title = (row) => row.querySelector("th[scope=rowgroup]");
  const rowsOf = (table) => [...table.tBodies].flatMap((body) => [...body.rows]).filter((row) => !title(row));

  // A name in the address: the head of the first table of the view, or `2.seconds` in its second table.
  const nameOf = (views, table, head) => {
    const place = tablesOf(views).indexOf(table);
    return `${place ? `${place + 1}.` : ""}${keyOf(head)}`;
  };
  const value = (row, column) => {
    const cell = row.cells[column];
    return !cell || cell.dataset.v === undefined ? null : Number(cell.dataset.v);
  };
  const order = (column, kind, sign) => (a, b) => {
    if (kind === "text") return sign * a.cells[column].textContent.localeCompare(b.cells[column].textContent, "en");
    const x = value(a, column), y = value(b, column);
    if (x === null || y === null) return (x === null) - (y === null); // what is missing stays at the end
    return sign * (x - y);
  };
  const sortable = (head) => "sort" in head.dataset && head.dataset.sort !== "";
  const usual = (head) => (head.dataset.sort === "down" ? "desc" : "asc");

  function wantedOrder(views, table) {
    const wanted = page.item("sort");
    const head = heads(table).find((one) => sortable(one) && nameOf(views, table, one) === wanted);
    heads(table).forEach((one) => one.removeAttribute("aria-sort"));
    if (!head) return null;
    const down = (page.item("dir") || usual(head)) === "desc";
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    return order(head.cellIndex, head.dataset.sort, down ? -1 : 1);
  }
  function sortTable(views, table) {
    const by = wantedOrder(views, table), pinned = page.pinned();
    for (const body of table.tBodies) {
      const rows = [...original.get(body)], titles = rows.filter(title), others = rows.filter((row) => !title(row));
      if (by) others.sort(by);
      const first = others.filter((row) => pinned.has(row.dataset.e)), rest = others.filter((row) => !pinned.has(row.dataset.e));
      const wanted = [...titles, ...first, ...rest];
      // Moving rows that stand right would only cost time.
      if (wanted.some((row, place) => body.rows[place] !== row)) body.append(...wanted);
    }
  }
  function clicked(table, head) {
    const views = page.views(), name = nameOf(views, table, head), now = head.getAttribute("aria-sort");
    const first = usual(head), second = first === "asc" ? "desc" : "asc";
    const current = now === null ? null : now === "descending" ? "desc" : "asc";
    const next = current === null ? first : current === first ? second : null;
    page.change({ sort: next ? [name] : [], dir: next ? [next] : [] });
    const way = next === "asc" ? "ascending" : "descending";
    page.say(next ? `Sorted by ${head.textContent.trim()}, ${way}.` : "In the order of rank again.");
  }
  function addButtons(table) {
    for (const head of heads(table).filter(sortable)) {
      const button = make("button", { type: "button", click: () => clicked(table, head) }, ...head.childNodes);
      head.append(button);
    }
  }
  page.tables = {
    heads, keyOf, of: tablesOf, rows: rowsOf, nameOf,
    prepare: (table) => {
      for (const body of table.tBodies) original.set(body, [...body.rows]);
      addButtons(table);
    },
    sort: (views) => tablesOf(views).forEach((table) => sortTable(views, table)),
  };
}
