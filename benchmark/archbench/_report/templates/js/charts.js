// Charts that are drawn when a view asks for them. Same marks and classes as those that Python drew.
{
  const { draw } = page;
  const MINUS = "\u2212";
  const number = (value, digits) => (Number(value.toFixed(digits)) ? value : 0).toFixed(digits).replace("-", MINUS);
  function tickText(value) {
    const size = Math.abs(value);
    if (size >= 1e6) return `${+(value / 1e6).toPrecision(4)}M`;
    if (size >= 1e4) return `${+(value / 1e3).toPrecision(4)}k`;
    return size < 1e-12 ? "0" : String(+value.toPrecision(4)).replace("-", MINUS);
  }
  const linear = ([low, high], [from, to]) => (value) => from + ((value - low) / (high - low)) * (to - from);
  // The range of some values with a little room, and never empty.
  function padded(values) {
    const low = Math.min(...values), high = Math.max(...values);
    const pad = (high - low) * 0.06 || Math.abs(high) * 0.05 || 0.5;
    return [low - pad, high + pad];
  }
  function ticks([low, high], about) {
    const rough = (high - low) / about, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((size) => size >= rough * 0.999);
    const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => (first + n) * step);
  }
  const text = (words, x, y, more = {}) => draw("text", { x: x.toFixed(1), y: y.toFixed(1), ...more }, words);
  const line = (x1, y1, x2, y2, className) => draw("line", { x1, y1, x2, y2, class: className });
  function image(width, height, label, ...parts) {
    const svg = draw("svg", { class: "plot drawn", viewBox: `0 0 ${width} ${height}`, width, height, "aria-label": label }, ...parts);
    svg.setAttribute("role", svg.querySelector("a") ? "group" : "img"); // links inside an image could not be reached
    return svg;
  }
  // Heights at least a line apart and inside the plot, each as near to its own as that allows.
  function spread(heights, gap, top, floor) {
    const order = heights.map((_, n) => n).sort((a, b) => heights[a] - heights[b]), placed = [];
    let last = top - gap;
    for (const n of order) last = placed[n] = Math.max(heights[n], last + gap);
    let ceiling = floor + gap;
    for (const n of order.reverse()) ceiling = placed[n] = Math.min(placed[n], ceiling - gap);
    return placed;
  }
  // Round numbers between two powers of ten: 1, 10, 100 over a wide range, finer steps over a narrow one.
  function powers(low, high) {
    const between = (multiples) => Array.from({ length: Math.ceil(high) - Math.floor(low) + 1 }, (_, n) => 10 ** (Math.floor(low) + n))
      .flatMap((power) => multiples.map((m) => m * power)).filter((value) => Math.log10(value) >= low && Math.log10(value) <= high);
    const [wide, middle, narrow] = [[1], [1, 2, 5], [1, 1.5, 2, 3, 5, 7]].map(between);
    const marks = [wide, middle].find((some) => some.length > 2) || narrow;
    return marks.filter((_, n) => n % Math.ceil(marks.length / 6) === 0);
  }
  // A vertical axis and its marks, which lie within the bounds of the score, each of which may be null. It is
  // logarithmic where ratios count, as of a perplexity, and all values allow it.
  function upright(values, target, { powers: ratios = false, bounds: [low, high] = [null, null] } = {}) {
    if (ratios && Math.min(...values) > 0) {
      const up = padded(values.map(Math.log10)), y = linear(up, target);
      return { y: (value) => y(Math.log10(value)), marks: powers(...up) };
    }
    const up = padded(values);
    const possible = (value) => (low === null || value >= low - 1e-9) && (high === null || value <= high + 1e-9);
    return { y: linear(up, target), marks: ticks(up, 4).filter(possible) };
  }
  function grid(marks, y, { left, right, width }) {
    return marks.flatMap((value) => [
      line(left, y(value), width - right, y(value), "grid"),
      text(tickText(value), left - 8, y(value) + 4, { "text-anchor": "end" }),
    ]);
  }
  // The margin for names, as wide as the longest of them, within bounds.
  const LETTER = 6.7;
  const room = (names) => Math.round(Math.min(Math.max(128, ...names.map((name) => LETTER * page.names.letters(name) + 17)), 200));
  // Lines over steps. Each series: name, colour class, mark of its architecture, steps and values. If they are scores
  // of a board, it says how they are drawn.
  function curves(series, title, score) {
    const right = room(series.map((one) => one.name)), box = { left: 58, right, width: 332 + right, height: 270 }, top = 12, floor = box.height - 42;
    const values = series.flatMap((one) => one.values.filter((value) => value !== null));
    if (!values.length) return null;
    const across = [0, Math.max(...series.flatMap((one) => one.steps)) || 1];
    const x = linear(across, [box.left, box.width - box.right]), { y, marks } = upright(values, [floor, top], score);
    const below = ticks(across, 4).map((value) => text(tickText(value), x(value), floor + 18, { "text-anchor": "middle" }));
    const middle = (box.left + box.width - box.right) / 2;
    return image(box.width, box.height, title, ...grid(marks, y, box), ...below,
      text("steps", middle, box.height - 6, { "text-anchor": "middle" }),
      ...series.map((one) => curve(one, x, y)), ...names(series, x, y, box, top, floor));
  }
  function curve(one, x, y) {
    const points = one.steps.map((step, n) => [step, one.values[n]]).filter(([, value]) => value !== null);
    const drawn = points.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
    return draw("g", { class: `curve ${one.colour}`, "data-e": one.mark },
      draw("title", {}, one.title || one.name), draw("polyline", { points: drawn }));
  }
  // A name stands once, at the mean height of the ends of its lines.
  function names(series, x, y, box, top, floor) {
    const groups = grouped(series);
    const ends = [...groups.values()].map((lines) => {
      const last = lines.map((one) => one.values.filter((value) => value !== null).at(-1)).filter((value) => value !== undefined);
      return last.reduce((sum, value) => sum + y(value), 0) / (last.length || 1);
    });
    const heights = spread(ends, 14, top + 4, floor);
    return [...groups].map(([name, [one]], n) =>
      text(page.names.clip(name, Math.round((box.right - 17) / LETTER)), box.width - box.right + 8, heights[n] + 4, { class: `name ${one.colour}` }));
  }
  function grouped(series) {
    const groups = new Map();
    for (const one of series) groups.set(one.name, [...(groups.get(one.name) || []), one]);
    return groups;
  }
  page.charts = { MINUS, number, tickText, linear, padded, ticks, text, line, image, spread, grid, upright, curves };
}
