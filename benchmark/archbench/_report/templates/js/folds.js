// On a phone a row of claims is its statement and its verdict, and a button opens the rest of it. The style folds the
// rows, on narrow screens only; on paper, on wide screens and without scripts all of a row is there.
{
  const { all, make } = page;
  const folds = (table) => table.matches(".claims table");
  function turn(row, open) {
    row.classList.toggle("unfolded", open);
    row.querySelector(".fold").setAttribute("aria-expanded", open);
  }
  function prepare(table) {
    if (!folds(table)) return;
    table.classList.add("folds");
    for (const row of page.tables.rows(table)) {
      const label = `Details: ${page.joined(row.querySelector(".statement").textContent)}`;
      row.querySelector("[data-head=Verdict]").append(make("button", { type: "button", class: "fold", "aria-expanded": "false", "aria-label": label }));
    }
    table.addEventListener("click", ({ target }) => {
      if (target.matches(".fold")) turn(target.closest("tr"), target.getAttribute("aria-expanded") === "false");
    });
  }
  // A link to a claim shows all of it.
  page.folds = { prepare, open: (place) => all(":scope .fold", place).forEach((button) => turn(button.closest("tr"), true)) };
}
