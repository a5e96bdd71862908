// The filter: a comma means any of, a space means all within. `lstm, res 56` shows every LSTM and resnet-56.
{
  const { all, names } = page;
  const groups = (text) =>
    text.toLowerCase().split(",").map((part) => part.split(/\s+/).filter(Boolean)).filter((words) => words.length);
  const fits = (text, wanted) => !wanted.length || wanted.some((words) => words.every((word) => text.includes(word)));
  // Rows without an architecture, such as claims, are found by their own text.
  const textOf = (row) => (names.marked(row.dataset.e) || {}).find || page.joined(row.textContent).toLowerCase();

  // What was found may all lie in parts that are folded.
  function openFolded(tables) {
    const found = tables.filter((table) => page.tables.rows(table).some((row) => !row.hidden)).map((table) => table.closest("details"));
    if (found.every((fold) => fold && !fold.open)) for (const fold of found) fold.open = true;
  }
  function filterRows(views, wanted, old, pinned) {
    const shown = new Set(), total = new Set();
    // The classes of a confusion matrix are nothing to choose from.
    const tables = page.tables.of(views).filter((table) => !table.matches(".confusion"));
    for (const row of tables.flatMap(page.tables.rows)) {
      const kept = pinned.has(row.dataset.e) || fits(textOf(row), wanted);
      row.hidden = !kept || (!old && "old" in row.dataset);
      total.add(row.dataset.e || row); // an architecture counts once, in however many tables it is
      if (!row.hidden) shown.add(row.dataset.e || row);
    }
    if (wanted.length) openFolded(tables);
    return [shown.size, total.size];
  }
  function keeps(mark, wanted, old, pinned) {
    const entrant = names.marked(mark.dataset.e);
    return !entrant || pinned.has(mark.dataset.e) || (fits(entrant.find, wanted) && (old || !entrant.old));
  }
  // The marks of what is left out fade, and its own charts are left out.
  function fadeMarks(views, wanted, old, pinned) {
    for (const mark of views.flatMap((view) => all("svg [data-e], figure[data-e]", view))) {
      const kept = keeps(mark, wanted, old, pinned);
      if (mark.matches("figure")) mark.hidden = !kept;
      else mark.classList.toggle("off", !kept);
    }
  }
  page.filter = (views) => {
    const wanted = groups(page.item("q")), old = page.item("old") !== "0", pinned = page.pinned();
    const [shown, total] = filterRows(views, wanted, old, pinned);
    fadeMarks(views, wanted, old, pinned);
    if (wanted.length || !old) page.say(`${shown} of ${total} shown.`);
    else page.say("");
  };
}
