// Is one architecture better than another? Python decided it, with all pairs of a board at once; here it is looked up.
{
  const { number } = page.charts;
  const { entrants, boards } = page.data;
  const verdicts = { b: ["is better", 0], w: ["is better", 1], e: ["equivalent", 2], u: ["undecided", 2] };

  // The numbers of a pair in one list of means and triangle of half-widths; null unless both are in it.
  function pair(found, one, two) {
    const i = found ? found.entrants.indexOf(one) : -1, j = found ? found.entrants.indexOf(two) : -1;
    if (i < 0 || j < 0) return null;
    const high = Math.max(i, j), at = (high * (high - 1)) / 2 + Math.min(i, j);
    return { at, places: [i, j], later: i > j, means: [found.means[i], found.means[j]], half: found.halves[at] };
  }
  const known = (board, who) => board.scores.entrants.includes(who) || board.reasons[who] !== undefined;
  function unranked(board, pair) {
    const out = pair.filter((who) => board.reasons[who]);
    if (!out.length) return null;
    const reasons = [...new Set(out.map((who) => board.reasons[who]))].join("; ");
    return `${out.map((who) => entrants[who].label).join(" and ")} ${out.length > 1 ? "are" : "is"} not ranked: ${reasons}`;
  }
  function verdict(board, letter, labels) {
    const [word, who] = verdicts[letter];
    if (letter === "e") return `${word} within ${board.margin}`;
    return who < 2 ? `${labels[who]} ${word}` : word;
  }
  const signed = (value, digits) => (Number(value.toFixed(digits)) > 0 ? "+" : "") + number(value, digits);
  // Means, or on how many seeds the task was solved where it has a target.
  const values = (board, { places, means }, digits) =>
    means.map((mean, n) => (board.solved ? board.solved[places[n]] : number(mean, digits)));

  function ratio(board, found) {
    const { means, half } = found, size = means[0] / means[1];
    const times = (value) => (value < 9.95 ? value.toPrecision(2) : value.toFixed(0));
    const spread = half === undefined ? "" : ` (${times(size / half)} to ${times(size * half)})`;
    const ends = half === undefined ? null : [size / half, size * half];
    return { difference: `${times(size)} times the error${spread}`, values: values(board, found, board.digits), size, ends, unit: "ratio" };
  }
  // The difference with its interval, cut where a score cannot go.
  function gap(board, found, digits, steps) {
    const { means, half } = found, size = means[0] - means[1], [low, high] = (!steps && board.bounds) || [null, null];
    const reach = low === null || high === null ? Infinity : high - low;
    const ends = half === undefined ? null : [Math.max(size - half, -reach), Math.min(size + half, reach)];
    const spread = ends ? ` (${ends.map((end) => signed(end, digits)).join(" to ")})` : "";
    const shown = steps ? means.map((mean) => number(mean, 0)) : values(board, found, digits);
    return { difference: signed(size, digits) + spread + (steps ? " steps" : ""), values: shown, size, ends, unit: steps ? "steps" : "score" };
  }
  // Returns verdict, difference and the two values in words, and the numbers of the difference; null where one of the
  // two is not on the board. `text` alone is there where one of them has no rank.
  page.answer = (board, one, two) => {
    if (one === two || !known(board, one) || !known(board, two)) return null;
    const missing = unranked(board, [one, two]);
    if (missing) return { text: missing };
    const scores = pair(board.scores, one, two), steps = pair(board.steps, one, two);
    const found = board.relations[scores.at], letter = scores.later ? found : { b: "w", w: "b" }[found] || found;
    const text = verdict(board, letter, [one, two].map((who) => entrants[who].label));
    if (steps && letter !== "e") return { text, letter, ...gap(board, steps, 0, true) };
    return { text, letter, ...(board.ratio ? ratio(board, scores) : gap(board, scores, board.digits, false)) };
  };
  // The first two of the first board that compares any, and that board.
  page.usualPair = () => {
    const board = boards.find((item) => item.scores.entrants.length > 1);
    return board ? board.scores.entrants.slice(0, 2) : [0, Math.min(1, entrants.length - 1)];
  };
}
