"use strict";
// Sorting, filtering and permalinks on top of a page that is complete without them. No number is computed here.
(() => {
  const $ = (id) => document.getElementById(id);
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const live = $("live"), tools = $("tools"), query = $("q"), old = $("old"), a = $("a"), b = $("b");
  if (!tools) { document.documentElement.dataset.ready = "1"; return; }
  const original = new Map(all("table").filter((table) => table.id).map((table) => [table, [...table.tBodies[0].rows]]));
  let sorted = null, chosen = false;

  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.v === undefined ? null : Number(cell.dataset.v);
  };
  const compare = (column, kind, sign) => (a, b) => {
    if (kind === "text") return sign * a.cells[column].textContent.localeCompare(b.cells[column].textContent, "en");
    const x = value(a, column), y = value(b, column);
    if (x === null || y === null) return (x === null) - (y === null); // what is missing stays at the end
    return sign * (x - y);
  };
  function sort(table, column, direction) {
    const heads = [...table.tHead.rows[0].cells];
    for (const head of heads) head.removeAttribute("aria-sort");
    const rows = [...original.get(table)];
    if (direction) {
      heads[column].setAttribute("aria-sort", direction);
      rows.sort(compare(column, heads[column].dataset.sort, direction === "ascending" ? 1 : -1));
    }
    table.tBodies[0].append(...rows);
  }
  function clicked(table, column) {
    const head = table.tHead.rows[0].cells[column], now = head.getAttribute("aria-sort");
    const first = head.dataset.sort === "down" ? "descending" : "ascending";
    const second = first === "ascending" ? "descending" : "ascending";
    const next = now === null ? first : now === first ? second : null;
    if (sorted && sorted.table !== table) sort(sorted.table, 0, null);
    sort(table, column, next);
    sorted = next ? { table, column, direction: next } : null;
    live.textContent = next ? `Sorted by ${head.textContent}, ${next}.` : "In the order of rank again.";
    save();
  }
  function filter() {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean), shown = new Set(), seen = new Set();
    const texts = new Map(all("tr[data-text]").map((row) => [row.dataset.e, row.dataset.text.toLowerCase()]));
    for (const row of all("tr[data-e]")) {
      const text = texts.get(row.dataset.e);
      row.hidden = !words.every((word) => text.includes(word)) || (!old.checked && "old" in row.dataset);
      seen.add(row.dataset.e);
      if (!row.hidden) shown.add(row.dataset.e);
    }
    for (const mark of all(".plot [data-e]")) mark.classList.toggle("off", !shown.has(mark.dataset.e));
    const active = words.length || !old.checked;
    live.textContent = active ? `${shown.size} of ${seen.size} architectures shown.` : "";
  }
  // Whether a is better than b was decided in Python, with all pairs of the board at once; here it is only looked up.
  const words = { b: ["is better", 0], w: ["is better", 1], e: ["equivalent", 2], u: ["undecided", 2] };
  const boards = all("section[data-pairs]").map((section) => ({
    ...JSON.parse(section.dataset.pairs), ...section.dataset, link: section.id,
  }));
  const number = (value, digits) => (Number(value.toFixed(digits)) ? value : 0).toFixed(digits).replace("-", "\u2212");
  // The numbers of a pair in one list of means and triangle of half-widths; null unless both are in it.
  function pair(found, one, two) {
    const i = found ? found.entrants.indexOf(one) : -1, j = found ? found.entrants.indexOf(two) : -1;
    if (i < 0 || j < 0) return null;
    const high = Math.max(i, j), at = (high * (high - 1)) / 2 + Math.min(i, j);
    return { at, places: [i, j], later: i > j, means: [found.means[i], found.means[j]], half: found.halves[at] };
  }
  function answer(board) {
    const one = a.selectedIndex, two = b.selectedIndex, names = [a.value, b.value];
    const known = [one, two].every((who) => board.scores.entrants.includes(who) || board.reasons[who] !== undefined);
    if (!known || one === two) return null;
    const out = [one, two].map((who) => board.reasons[who]), absent = names.filter((_, n) => out[n]);
    if (absent.length) {
      const reasons = [...new Set(out.filter(Boolean))].join("; ");
      return [`${absent.join(" and ")} ${absent.length > 1 ? "are" : "is"} not ranked: ${reasons}`];
    }
    const scores = pair(board.scores, one, two), steps = pair(board.steps, one, two);
    const found = board.relations[scores.at], letter = scores.later ? found : { b: "w", w: "b" }[found] || found;
    const [word, who] = words[letter];
    if (letter === "e") return [`${word} within ${board.margin}`, ...shown(board, scores, Number(board.digits), "")];
    return [who < 2 ? `${names[who]} ${word}` : word, ...shown(board, steps || scores, steps ? 0 : Number(board.digits), steps ? " steps" : "")];
  }
  // The ratio of two errors with its interval, and the two geometric means or numbers of solved seeds.
  function ratio(board, { places, means, half }) {
    const found = means[0] / means[1], times = (value) => (value < 9.95 ? value.toPrecision(2) : value.toFixed(0));
    const spread = half === undefined ? "" : ` (${times(found / half)} to ${times(found * half)})`;
    const values = means.map((mean, n) => board.solved ? board.solved[places[n]] : number(mean, Number(board.digits)));
    return [`${times(found)} times the error${spread}`, ...values];
  }
  // The difference with its interval, cut where a score cannot go, and the two means or numbers of solved seeds.
  function shown(board, found, digits, unit) {
    if (board.ratio !== undefined && !unit) return ratio(board, found);
    const { places, means, half } = found;
    const gap = means[0] - means[1], reach = unit || !board.reach ? Infinity : Number(board.reach);
    const signed = (value) => (Number(value.toFixed(digits)) > 0 ? "+" : "") + number(value, digits);
    const spread = half === undefined ? "" : ` (${signed(Math.max(gap - half, -reach))} to ${signed(Math.min(gap + half, reach))})`;
    const values = means.map((mean, n) => board.solved && !unit ? board.solved[places[n]] : number(mean, digits));
    return [signed(gap) + spread + unit, ...values];
  }
  function compared() {
    const rows = [];
    for (const board of boards) {
      const found = answer(board);
      if (!found) continue;
      const row = document.createElement("tr"), head = document.createElement("th"), link = document.createElement("a");
      link.href = `#${board.link}`;
      link.textContent = board.where;
      head.scope = "row";
      head.append(link);
      row.append(head, ...found.map((text, n) => {
        const cell = document.createElement("td");
        cell.textContent = text;
        if (n) cell.className = "n";
        else if (found.length === 1) cell.colSpan = 4;
        return cell;
      }));
      rows.push(row);
    }
    $("answers").replaceChildren(...rows);
    const heads = $("compare").querySelectorAll("thead th");
    heads[3].textContent = a.value;
    heads[4].textContent = b.value;
  }
  function save() {
    const state = new URLSearchParams();
    if (query.value) state.set("q", query.value);
    if (!old.checked) state.set("old", "0");
    if (chosen) { state.set("a", a.value); state.set("b", b.value); }
    if (sorted) state.set("sort", `${sorted.table.id}.${sorted.column}.${sorted.direction}`);
    const hash = state.toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }
  function restore() {
    if (location.hash && !location.hash.includes("=")) return; // a link to a section
    const state = new URLSearchParams(location.hash.slice(1));
    query.value = state.get("q") || "";
    old.checked = state.get("old") !== "0";
    if (sorted) sort(sorted.table, 0, null);
    sorted = null;
    const [id, column, direction] = (state.get("sort") || "").split(".");
    const table = $(id), head = table && original.has(table) && table.tHead.rows[0].cells[Number(column)];
    if (head && head.dataset.sort && ["ascending", "descending"].includes(direction)) {
      sort(table, Number(column), direction);
      sorted = { table, column: Number(column), direction };
    }
    pick(a, state.get("a"), 0);
    pick(b, state.get("b"), 1);
    chosen = state.has("a");
    compared();
    filter();
  }
  // Without a choice, the first two of the first board are compared.
  function pick(list, label, place) {
    const first = boards.find((board) => board.scores.entrants.length > 1);
    const index = [...list.options].findIndex((option) => option.value === label);
    list.selectedIndex = index >= 0 ? index : first ? first.scores.entrants[place] : place;
  }
  for (const table of original.keys()) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (!head.dataset.sort) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => clicked(table, column));
      head.append(button);
    });
  }
  const light = (event) => {
    const near = event.target.closest && event.target.closest("[data-e]");
    for (const mark of all(".lit")) mark.classList.remove("lit");
    if (near) for (const mark of all(`[data-e="${CSS.escape(near.dataset.e)}"]`)) mark.classList.add("lit");
  };
  document.addEventListener("pointerover", light);
  query.addEventListener("input", () => { filter(); save(); });
  old.addEventListener("change", () => { filter(); save(); });
  for (const list of [a, b]) list.addEventListener("change", () => { chosen = true; compared(); save(); });
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("reset", (event) => {
    event.preventDefault();
    query.value = "";
    old.checked = true;
    chosen = false;
    pick(a, null, 0);
    pick(b, null, 1);
    compared();
    if (sorted) sort(sorted.table, 0, null);
    sorted = null;
    filter();
    save();
  });
  addEventListener("hashchange", restore);
  tools.hidden = false;
  $("compare").hidden = a.options.length < 2;
  restore();
  document.documentElement.dataset.ready = "1";
})();
