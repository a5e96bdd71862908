// The view `#/compare?with=lstm,gru&task=adding`.
{
  const { $, all, make, draw, names } = page;
  const { entrants, boards, trials } = page.data;
  const { number, text, line, image, grid, upright } = page.charts;
  const nameOf = (board) => page.address.parts(board.at).slice(1).join("/");
  const tasks = boards.filter((board) => board.seeds);

  function chosen() {
    const found = page.items("with").map(names.find).filter(Boolean).map((entrant) => entrant.number);
    const rest = page.usualPair().filter((who) => !found.includes(who));
    return [...found, ...rest.slice(0, Math.max(0, 2 - found.length))];
  }
  // By their place in the sentence: the colours of two architectures on other pages may be one and the same.
  const look = (n) => `c${n % 10}${n % 3 ? ` dash${n % 3}` : ""}`;
  const both = (board, all) => all.filter((who) => board.seeds[who]).length;
  // Without a choice, the first task that most of them ran.
  function task(who) {
    const named = tasks.find((board) => nameOf(board) === page.item("task"));
    return named || [...tasks].sort((a, b) => both(b, who) - both(a, who))[0];
  }
  const labels = (who) => who.map((one) => entrants[one].label);
  const choose = (who) => page.change({ with: labels([...new Set(who)]) });

  // --- the sentence ---
  function select(selected, label, change) {
    const options = entrants.map((entrant, n) => make("option", { value: n, selected: n === selected }, entrant.label));
    const list = make("select", { "aria-label": label, change: () => change(Number(list.value)) }, ...options);
    return list;
  }
  const place = (n) => (n === 0 ? "First architecture" : n === 1 ? "Second architecture" : `Architecture ${n + 1}`);
  function swap(who, n, next) {
    const old = who.indexOf(next), changed = [...who];
    if (old >= 0) changed[old] = who[n]; // choosing one that is there already exchanges the two
    changed[n] = next;
    choose(changed);
  }
  function sentence(who) {
    const lists = who.map((one, n) => select(one, place(n), (next) => swap(who, n, next)));
    const others = lists.slice(1).flatMap((list, n) => [n ? " or " : "", list, n ? remove(who, n + 1) : ""]);
    return ["Is ", lists[0], " better than ", ...others, "? ", add(who)];
  }
  const remove = (who, n) => make("button", { type: "button", class: "plain", "aria-label": `Leave out ${entrants[who[n]].label}`,
    click: () => choose(who.filter((_, at) => at !== n)) }, "\u00d7");
  function add(who) {
    const next = entrants.findIndex((entrant, n) => !who.includes(n) && !entrant.old);
    if (next < 0 || who.length > 5) return "";
    return make("button", { type: "button", class: "plain", click: () => choose([...who, next]) }, "Add another");
  }

  // --- the answers ---
  function answerRow(board, found, against) {
    const cells = found.difference ? [found.text, found.difference, ...found.values] : [found.text];
    const head = make("th", { scope: "row" }, make("a", { href: `#${board.at}` }, board.where));
    const tds = cells.map((words, n) => make("td", { class: n ? "n" : null, colspan: cells.length === 1 ? 4 : null }, words));
    return make("tr", {}, head, against === null ? null : make("td", {}, against), ...tds);
  }
  function answers(who) {
    const [first, ...others] = who, rows = [], several = others.length > 1;
    for (const board of boards) {
      for (const other of others) {
        const found = page.answer(board, first, other);
        if (found) rows.push(answerRow(board, found, several ? entrants[other].label : null));
      }
    }
    const heads = ["On", ...(several ? ["Against"] : []), "Answer", "Difference", entrants[first].label, several ? "The other" : entrants[others[0]].label];
    return table("answers", page.data.words, heads, rows, several ? 3 : 2);
  }
  function table(id, caption, heads, rows, numeric) {
    const titles = heads.map((head, n) => make("th", { scope: "col", class: n >= numeric ? "n" : n ? null : "who" }, names.clip(head, 40)));
    const whole = make("table", { id, class: "wrap" }, make("caption", { id: `c-${id}` }, make("span", {}, caption)),
      make("thead", {}, make("tr", {}, ...titles)), make("tbody", {}, ...rows));
    return make("div", { class: "scroll", role: "region", tabindex: "0", "aria-labelledby": `c-${id}` }, whole);
  }

  // --- seeds of one task ---
  function slopes(board, who) {
    const shown = who.filter((one) => board.seeds[one]);
    if (!shown.length) return null;
    // Names that are too long to stand beside each other stand on two lines in turn.
    const labels = shown.map((one) => entrants[one].label), beside = Math.floor(356 / shown.length / 7);
    const lines = shown.length > 2 && labels.some((label) => names.letters(label) > beside) ? 2 : 1, room = lines > 1 ? Math.min(2 * beside, 22) : beside;
    const box = { left: 64, right: 40, width: 460, height: 256 + 14 * lines }, top = 14, floor = 230;
    const scores = shown.map((one) => new Map(board.seeds[one].map(([seed, score]) => [seed, score])));
    const { y, marks } = upright(scores.flatMap((found) => [...found.values()]), [floor, top], board);
    const x = (n) => (shown.length === 1 ? (box.left + box.width - box.right) / 2 : box.left + 40 + (n * (box.width - box.left - box.right - 80)) / (shown.length - 1));
    const seeds = [...new Set(scores.flatMap((found) => [...found.keys()]))];
    return image(box.width, box.height, slopesLabel(board, shown), ...grid(marks, y, box),
      ...seeds.flatMap((seed) => slope(scores, seed, x, y)),
      ...shown.flatMap((one, n) => points(board, one, look(who.indexOf(one)), x(n), y)),
      ...shown.map((one, n) => text(names.clip(labels[n], Math.max(4, room)), x(n), floor + 24 + 14 * (n % lines), { "text-anchor": "middle", class: `name ${look(who.indexOf(one))}` })));
  }
  const slopesLabel = (board, shown) => `${board.metric} on ${board.where} by seed: ${shown.map((one) =>
    `${entrants[one].label} ${board.seeds[one].map(([, score]) => number(score, board.digits)).join(", ")}`).join("; ")}.`;
  function slope(scores, seed, x, y) {
    const there = scores.map((found, n) => [n, found.get(seed)]).filter(([, score]) => score !== undefined);
    return there.slice(1).map(([n, score], k) => line(x(there[k][0]), y(there[k][1]), x(n), y(score), "slope"));
  }
  function points(board, one, colour, x, y) {
    return board.seeds[one].map(([seed, score, trial]) => {
      const mark = draw("circle", { cx: x.toFixed(1), cy: y(score).toFixed(1), r: 4.5, class: "dot" }, draw("title", {}, `${entrants[one].label}, seed ${seed}: ${number(score, board.digits)}`));
      const group = draw("g", { class: colour, "data-e": entrants[one].colour });
      group.append(trial === null ? mark : draw("a", { href: `#/trial/${trials[trial][0]}` }, mark));
      return group;
    });
  }
  function series(board, who, line) {
    return who.flatMap((one, n) => (board.seeds[one] || []).map(([seed, , trial]) => {
      const curve = trial === null ? null : page.curveAt(trial), { label, colour } = entrants[one];
      return curve && { name: label, title: `${label}, seed ${seed}`, colour: look(n), mark: colour, steps: curve.steps, values: curve[line] };
    })).filter(Boolean);
  }
  function figure(title, chart) {
    return chart && make("figure", {}, make("figcaption", {}, title), make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": title }, chart));
  }
  function onTask(board, who) {
    if (!board) return [];
    const options = tasks.map((item) => make("option", { selected: item === board, value: nameOf(item) }, item.where));
    const list = make("select", { "aria-label": "Task", change: () => page.change({ task: [list.value] }) }, ...options);
    const drawn = [
      [`${board.metric} by seed; a line joins what one seed gave`, slopes(board, who)],
      [`validation ${board.metric}, one line for each seed`, page.charts.curves(series(board, who, "validation"), `Validation ${board.metric} by step`, board)],
      ["training loss, one line for each seed", page.charts.curves(series(board, who, "loss"), "Training loss by step")],
    ];
    const figures = drawn.map(([title, chart]) => figure(title, chart)).filter(Boolean);
    const none = figures.length ? [] : [make("p", { class: "aside" }, "None of them finished a trial on this task.")];
    return [make("p", { class: "sentence" }, "On ", list), make("div", { class: "figures" }, ...figures), ...none];
  }

  // --- what differs ---
  const COSTS = ["parameters", "operations per example", "samples per second", "seconds of training", "memory, MB"];
  function differing(board, who) {
    const facts = who.map((one) => entrants[one].facts), keys = [...new Set(facts.flatMap((found) => Object.keys(found)))];
    const rows = keys.map((key) => [key, ...facts.map((found) => found[key] || "\u2013")]);
    const costs = board ? COSTS.map((name, n) => [`${name} on ${board.where}`, ...who.map((one) => (board.costs[one] || [])[n] || "\u2013")]) : [];
    return [...rows, ...costs].filter(([, ...values]) => new Set(values).size > 1);
  }
  function diff(board, who) {
    const rows = differing(board, who).map(([key, ...values]) =>
      make("tr", {}, make("th", { scope: "row" }, key), ...values.map((value) => make("td", {}, value))));
    return table("differing", "Only what differs is listed.", ["", ...labels(who)], rows, 99);
  }
  function view() {
    const who = chosen(), root = $("comparison"), board = task(who);
    const charts = page.differences(who[0], who.slice(1)).map(([title, chart]) => figure(title, chart)).filter(Boolean);
    root.replaceChildren(make("p", { class: "sentence" }, ...sentence(who)), answers(who),
      make("div", { class: "figures wide" }, ...charts), ...onTask(board, who), make("h3", {}, "What sets them apart"), diff(board, who));
    for (const drawn of all("figure", root)) page.save.figure(drawn);
    for (const drawn of all("table", root)) page.save.table(drawn, { columns: false });
    page.boxes.watch(root);
    return `Compare ${labels(who).join(" with ")}`;
  }

  page.compare = { view, figure, look, nameOf };
}
