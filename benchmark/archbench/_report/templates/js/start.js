// The filter above the tables of a view, and the start of all.
{
  const { $ } = page;
  const tools = $("tools"), live = $("live"), query = $("q"), old = $("old");

  // The classes of a confusion matrix are nothing to choose from.
  const worthIt = (table) => !table.matches(".confusion") && page.tables.rows(table).length > (table.querySelector("tbody tr[data-e]") ? 2 : 7);
  // The filter stands above the first table with rows to choose from.
  page.tools = (views) => {
    if (!tools) return;
    const table = page.tables.of(views).find(worthIt);
    tools.hidden = !table;
    if (query.value !== page.item("q")) query.value = page.item("q");
    old.checked = page.item("old") !== "0";
    if (!table) return;
    const block = table.closest(".scroll") || table, outer = block.closest("details") || block;
    if (tools.nextElementSibling !== live || live.nextElementSibling !== outer) outer.before(tools, live);
    old.parentElement.hidden = !views.some((view) => view.querySelector("tr[data-old]"));
  };
  function listen() {
    query.addEventListener("input", () => page.change({ q: query.value.split(",") }, { typing: true }));
    old.addEventListener("change", () => page.change({ old: old.checked ? [] : ["0"] }));
    tools.addEventListener("submit", (event) => event.preventDefault());
    tools.addEventListener("reset", (event) => {
      event.preventDefault();
      page.change({ q: [], old: [], sort: [], dir: [], hide: [], pin: [] });
    });
  }
  if (tools) listen();
  page.boxes.watch(document);
  page.route();
  document.documentElement.dataset.ready = "1";
}
