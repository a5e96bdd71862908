// Pinned architectures stay on top of every table and stand out in every chart, whatever the filter says.
{
  const { all, make, names } = page;
  page.pinned = () => {
    const found = page.items("pin").map(names.find).filter(Boolean);
    return new Set(found.map((entrant) => String(entrant.colour)));
  };
  function toggle(mark) {
    const { label } = names.marked(mark), now = page.items("pin"), pinned = now.includes(label);
    page.change({ pin: pinned ? now.filter((item) => item !== label) : [...now, label] });
    page.say(pinned ? `${label} is no longer pinned.` : `${label} is pinned.`);
  }
  // One button for each row. A table has one listener, since a page may have a thousand rows.
  function prepare(table) {
    for (const row of page.tables.rows(table)) {
      const entrant = names.marked(row.dataset.e), head = row.querySelector("th[scope=row]");
      if (!entrant || !head) continue;
      const place = head.querySelector(".swatch") ? "pin" : "pin end"; // over the mark, or behind the name
      head.append(make("button", { type: "button", class: place, "aria-pressed": "false", "aria-label": `Pin ${entrant.label}` }));
    }
    table.addEventListener("click", (event) => {
      const button = event.target.closest(".pin");
      if (button) toggle(button.closest("tr").dataset.e);
    });
  }
  function apply(views) {
    const pinned = page.pinned();
    for (const element of views.flatMap((view) => all("[data-e]", view))) {
      element.classList.toggle("pinned", pinned.has(element.dataset.e));
    }
    for (const button of views.flatMap((view) => all(".pin", view))) {
      button.setAttribute("aria-pressed", pinned.has(button.closest("tr").dataset.e));
    }
  }
  // Pointing at a row or a mark, or coming to it with the Tab key, lights all that belongs to it.
  function light(event) {
    const near = event.target.closest && event.target.closest("[data-e]");
    for (const mark of all(".lit")) mark.classList.remove("lit");
    if (!near) return;
    const same = `[data-e="${CSS.escape(near.dataset.e)}"]`;
    for (const mark of page.views().flatMap((view) => all(same, view))) mark.classList.add("lit");
  }
  for (const way of ["pointerover", "focusin"]) document.addEventListener(way, light);
  page.pins = { prepare, apply };
}
