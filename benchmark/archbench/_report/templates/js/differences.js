// All differences between architectures on one axis, their intervals with them. Right of zero the first one is better.
{
  const { draw, names } = page;
  const { entrants, boards } = page.data;
  const { linear, padded, ticks, text, line, image, tickText } = page.charts;
  const ROW = 22, RIGHT = 20, LETTER = 7;
  // Drawn as wide as the screen allows, so that its letters stay as large as those of the page; its names take at most
  // about half of that.
  function room(labels) {
    const width = Math.max(320, Math.min(640, document.documentElement.clientWidth - 32));
    const longest = Math.max(...labels.map(names.letters)) * LETTER + 12;
    return { width, left: Math.round(Math.min(Math.max(longest, width * 0.3), width * 0.45)) };
  }
  const named = ({ board, other }, several) => (several ? `${board.where}, ${entrants[other].label}` : board.where);

  // The scale of a task runs from chance to a perfect score, so differences in different units share an axis.
  function scaled(board, found) {
    if (found.size === undefined || !board.scale) return null;
    if (found.unit === "score") return { at: found.size / board.scale, ends: found.ends && found.ends.map((end) => end / board.scale) };
    if (found.unit === "ratio") return { at: -Math.log10(found.size), ends: found.ends && found.ends.map((end) => -Math.log10(end)) };
    return null;
  }
  function collect(first, others, unit) {
    return boards.flatMap((board) => others.map((other) => {
      const found = page.answer(board, first, other);
      const place = found && found.unit === unit ? scaled(board, found) : null;
      return place && { board, other, found, ...place };
    })).filter(Boolean);
  }
  function row(entry, n, x, others, left) {
    const several = others.length > 1, y = 26 + n * ROW, entrant = entrants[entry.other], label = named(entry, several);
    const group = draw("g", { class: several ? page.compare.look(others.indexOf(entry.other) + 1) : "c0", "data-e": entrant.colour },
      draw("title", {}, `${label}: ${entry.found.text}, ${entry.found.difference}`));
    if (entry.ends) group.append(line(x(Math.min(...entry.ends)), y, x(Math.max(...entry.ends)), y, "spread"));
    group.append(draw("circle", { cx: x(entry.at), cy: y, r: 4, class: entry.letter === "u" ? "hollow" : "dot" }));
    return [text(names.clip(label, Math.floor((left - 12) / LETTER)), left - 10, y + 4, { "text-anchor": "end" }), group];
  }
  function chart(entries, others, { title, tick }) {
    if (!entries.length) return null;
    const domain = padded([0, ...entries.flatMap((entry) => [entry.at, ...(entry.ends || [])])]);
    const { width, left } = room(entries.map((entry) => named(entry, others.length > 1))), x = linear(domain, [left, width - RIGHT]), floor = 20 + entries.length * ROW;
    const values = [width / 120, 4].map((about) => ticks(domain, about)).find((some) => some.length > 1) || [];
    const marks = values.flatMap((value) => [
      line(x(value), 12, x(value), floor, Math.abs(value) < 1e-12 ? "tick" : "grid"),
      text(tick(value), x(value), floor + 16, { "text-anchor": "middle" }),
    ]);
    return image(width, floor + 24, title, ...marks, ...entries.flatMap((entry, n) => row(entry, n, x, others, left)));
  }
  const times = (value) => tickText(+(10 ** -value).toPrecision(2));
  page.differences = (first, others) => {
    const { label } = entrants[first];
    const kinds = [
      ["score", `Difference in parts of the scale from chance to perfect; right of 0, ${label} is better`, tickText],
      ["ratio", `Error of ${label} as a multiple of the other's; right of 1, ${label} is better`, times],
    ];
    return kinds.map(([unit, title, tick]) => [title, chart(collect(first, others, unit), others, { title, tick })]);
  };
}
