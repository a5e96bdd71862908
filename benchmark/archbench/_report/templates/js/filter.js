// The filter: a comma means any of, a space means all within. `lstm, res 56` shows every LSTM and resnet-56.
{
  const { all, names } = page;
  const groups = (text) =>
    text.toLowerCase().split(",").map((part) => part.split(/\s+/).filter(Boolean)).filter((words) => words.length);
  const fits = (text, wanted) => !wanted.length || wanted.some((words) => words.every((word) => text.includes(word)));
  // Rows without an architecture, such as claims, are found by their own text.
  const textOf = (row) => (names.marked(row.dataset.e) || {}).find || page.joined(row.textContent).toLowerCase();

  function filterRows(views, wanted, old, pinned) {
    const shown = new Set(), total = new Set();
    for (const row of page.tables.of(views).flatMap(page.tables.rows)) {
      const kept = pinned.has(row.dataset.e) || fits(textOf(row), wanted);
      row.hidden = !kept || (!old && "old" in row.dataset);
      total.add(row.dataset.e || row); // an architecture counts once, in however many tables it is
      if (!row.hidden) shown.add(row.dataset.e || row);
    }
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
