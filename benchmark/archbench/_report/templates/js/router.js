// One view at a time, named by the address.
{
  const { $, all, make, address } = page;
  const sections = all("#main > section.view"), places = new Map();
  for (const element of all('#main [id^="/"]')) places.set(address.plain(element.id), element);
  // Views of one thing belong to the list of these things.
  const GROUPS = { "": "/", claim: "/claims", task: "/tasks", architecture: "/architectures", study: "/studies", trial: "/data" };
  const prepared = new Set();
  let shown = [], shownPath = null;

  const missing = make("section", { class: "view", "data-view": "missing", hidden: true }, make("h2", {}, "There is no such view"),
    make("p", {}, "This page has no view with the address ", make("code"), ". Perhaps the records changed since the link was made. "),
    make("p", {}, make("a", { href: "#/" }, "Go to the findings")));

  // A path names a section, a list of sections, or a place within one.
  function lookUp(path) {
    const named = places.get(address.plain(path)), list = path.slice(1) || "overview";
    const found = sections.filter((section) => section === named || section.dataset.view === list);
    if (found.length) return { views: found };
    const longer = sections.find((section) => section.id.startsWith(`${path}/`) && section.dataset.view === address.parts(path)[0]);
    if (longer) return { views: [longer] }; // the task without its protocol
    return named ? { views: [named.closest("section.view")].filter(Boolean), place: named } : null;
  }
  function find(path) {
    if (!sections.length) return { views: [] }; // a page without results has nothing to choose from
    const [kind, name] = address.parts(path);
    if (kind === "trial" && $("trial")) {
      const title = name ? page.trial(name) : null;
      if (title) return { views: [$("trial").closest("section")], title };
    } else if (kind === "trial") return null;
    else {
      const found = lookUp(path);
      if (found) return kind === "compare" && $("comparison") ? { ...found, title: page.compare.view() } : found;
    }
    return null;
  }
  // A large leaderboard has several files; the one with a view is opened with its address.
  function leave(path) {
    const files = page.data.elsewhere, [kind, name] = address.parts(path);
    const file = kind === "trial" && name ? page.fileOfTrial(name) : files && (files[path] || files[""]);
    if (file) location.replace(`${file}${location.hash}`);
    return Boolean(file);
  }
  function unknown(path) {
    missing.querySelector("code").textContent = path;
    return { views: [missing] };
  }
  // Buttons are added when a view is first seen: a page may have a thousand rows.
  function prepare(view) {
    if (prepared.has(view)) return;
    prepared.add(view);
    for (const table of page.tables.of([view])) {
      if (["answers", "differing"].includes(table.id)) continue; // these are drawn anew each time
      page.tables.prepare(table);
      page.pins.prepare(table);
      page.save.table(table);
      page.folds.prepare(table);
    }
    page.save.figures(view).forEach(page.save.figure);
    page.choices.prepare(view);
    page.errors.prepare(view);
  }
  function mark(path) {
    const kind = address.parts(path)[0], group = GROUPS[kind] || `/${kind}`;
    for (const link of all("header nav a")) {
      if (link.getAttribute("href") === `#${group}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }
  // Everything of a view that the address sets, again and again the same.
  function dress() {
    const own = shown.filter((view) => view.dataset.view !== "compare");
    page.tools(own);
    page.choices.apply(own);
    page.errors.apply(own);
    page.ask.apply(own);
    page.tables.sort(own);
    page.filter(own);
    page.columns.apply(own);
    page.pins.apply(shown);
  }
  function focus() {
    const heading = shown[0] && shown[0].querySelector("h1, h2");
    if (!heading || shown[0].contains(document.activeElement)) return;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
  function arrive(place, moved) {
    if (moved) focus();
    if (place) {
      const closed = place.closest("details");
      if (closed) closed.open = true;
      place.classList.add("here");
      page.folds.open(place);
      place.scrollIntoView({ block: "center" });
    } else scrollTo(0, 0);
  }
  function titleOf(view) {
    const heading = view && view.querySelector("h1, h2"), copy = heading && heading.cloneNode(true);
    if (!copy) return "";
    for (const small of all("small", copy)) small.remove();
    return copy.textContent.trim();
  }
  function show(moved) {
    address.now = address.read(location.hash);
    const { path } = address.now, known = find(path);
    if (!known && leave(path)) return;
    const found = known || unknown(path);
    for (const place of all(".here")) place.classList.remove("here");
    for (const section of [...sections, missing]) section.hidden = !found.views.includes(section);
    shown = found.views;
    shown.forEach(prepare);
    dress();
    document.title = [found.title || titleOf(shown[0]), "archbench"].filter(Boolean).join(" \u2013 ");
    mark(path);
    if (path !== shownPath) arrive(found.place, moved);
    shownPath = path;
  }
  // Choices of a view. Typing replaces the address, all else adds to the history, so Back undoes it.
  page.change = (changes, { typing = false } = {}) => {
    const { path, state } = address.read(location.hash);
    for (const [key, items] of Object.entries(changes)) state.set(key, items);
    const next = address.write(path, state);
    if (next === location.hash) return;
    history[typing ? "replaceState" : "pushState"](null, "", next);
    if (address.parts(path)[0] === "compare") show(false);
    else { address.now = address.read(location.hash); dress(); }
  };
  // What is pinned stays pinned in the next view.
  function follow(event) {
    const link = event.target.closest && event.target.closest('a[href^="#/"]');
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const { path, state } = address.read(link.getAttribute("href"));
    if (!state.has("pin")) state.set("pin", page.items("pin"));
    const next = address.write(path, state);
    if (next !== location.hash) history.pushState(null, "", next);
    shownPath = null; // a link to the view that is shown goes to its top
    show(true);
  }
  page.views = () => shown;
  page.route = () => {
    $("main").append(missing);
    document.addEventListener("click", follow);
    addEventListener("popstate", () => show(true));
    addEventListener("hashchange", focus); // after an address was typed, the browser takes the focus away
    show(false);
  };
}
