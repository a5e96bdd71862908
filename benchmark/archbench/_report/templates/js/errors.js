// The confusion matrix of each entrant of a classification task: Python drew that of the best, and these are the others.
{
  const { all, make } = page;
  const { entrants, boards, shades } = page.data;

  const found = (block) => { const board = boards.find((one) => one.at === block.closest("section").id); return board && board.errors; };
  function prepare(view) {
    for (const block of all(".errs", view)) {
      const errors = found(block), whose = block.querySelector(".whose");
      if (!errors) continue;
      block.dataset.best = page.joined(whose.textContent);
      const labels = Object.keys(errors).map((who) => entrants[who].label).sort((a, b) => a.localeCompare(b, "en"));
      const list = make("select", { "aria-label": "Architecture", change: () => page.change({ errors: [list.value === block.dataset.best ? "" : list.value] }) },
        ...labels.map((label) => make("option", { value: label }, label)));
      whose.replaceChildren(list);
    }
  }
  function fill(row, text, own) {
    const cells = text.split(","), recall = cells.pop(), counts = cells.map(Number); // nothing is zero
    const total = counts.reduce((sum, number) => sum + number, 0);
    counts.forEach((number, n) => {
      const cell = row.cells[n + 1];
      cell.textContent = number || "";
      if (n !== own) cell.className = `k${number ? 1 + shades.filter((limit) => 1000 * number >= limit * total).length : 0}`;
    });
    row.cells[counts.length + 1].textContent = recall;
  }
  function said(wrong) {
    const seeds = wrong.map(([seed, places]) => `seed ${seed}: ${places.join(", ")}`).join("; ");
    return seeds && `The most confident errors, as indices in the test split of a seed: ${seeds}.`;
  }
  function show(block, { rows, pairs, wrong }) {
    const table = block.querySelector("table.confusion");
    if (table) rows.forEach((text, n) => fill(table.tBodies[0].rows[n], text, n));
    else block.querySelector(".pairs").textContent = page.isolated(pairs);
    block.querySelector(".wrong").textContent = said(wrong);
  }
  function apply(views) {
    for (const block of views.flatMap((view) => all(".errs", view)).filter((one) => one.dataset.best !== undefined)) {
      const errors = found(block), named = page.item("errors");
      const who = Object.keys(errors).find((one) => entrants[one].label === named) || Object.keys(errors).find((one) => entrants[one].label === block.dataset.best);
      block.querySelector("select").value = entrants[who].label;
      show(block, errors[who]);
    }
  }
  page.errors = { prepare, apply };
}
