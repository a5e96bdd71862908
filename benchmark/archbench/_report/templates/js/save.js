// Tables as CSV or Markdown, charts as SVG or PNG. Everything stays on this computer.
{
  const { all, make, draw, tables } = page;
  function download(blob, name) {
    const link = make("a", { href: URL.createObjectURL(blob), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000); // a browser may still be reading it
  }
  // A file tells the view that it is from, and which part of it.
  const heading = (part) => {
    const view = part.closest(".view"), copy = view.querySelector("h2").cloneNode(true);
    if (view.dataset.view === "overview") return "Findings"; // its heading is a sentence
    for (const small of all("small", copy)) small.remove();
    return page.joined(copy.textContent).trim();
  };
  const fileName = (part, title, ending) => `${page.slug(`${heading(part).slice(0, 60)} ${title.slice(0, 60)}`) || "archbench"}.${ending}`;

  // --- tables: the rows that are shown, in their order; the columns that are shown ---
  const plain = (element) => page.joined(element.textContent).replace(/\s+/g, " ").trim();
  const words = (cell) => {
    const copy = cell.cloneNode(true);
    for (const extra of all(".pin, .hidden, svg, details, .note, .pm, small", copy)) extra.remove();
    return plain(copy);
  };
  const interval = (cell) => { const found = cell.querySelector(".pm"); return found ? found.textContent.trim() : ""; };
  // What stands small beside the words of a cell, such as why an entrant has no rank.
  const note = (cell) => all(".note:not(.pm), small", cell).map(plain).filter(Boolean).join("; ");
  // A spreadsheet would run text that begins like a formula; numbers are left alone.
  const guarded = (text) => (/^\s*[=+\-@]/.test(text) ? `'${text}` : text);

  // The cell at each place, where cells may span several; an empty place has none.
  function places(rows) {
    const found = rows.map(() => []);
    rows.forEach((row, r) => {
      let column = 0;
      for (const cell of row.cells) {
        while (found[r][column] !== undefined) column += 1;
        for (let down = 0; down < Math.min(cell.rowSpan, rows.length - r); down += 1) {
          for (let across = 0; across < cell.colSpan; across += 1) found[r + down][column + across] = across ? null : cell;
        }
      }
    });
    return found;
  }
  // Columns of intervals and of notes follow each column that has them.
  const BESIDE = { interval, note };
  function grid(table, exact) {
    const rows = tables.rows(table).filter((row) => !row.hidden);
    const [heads, ...cells] = places([table.tHead.rows[0], ...rows]);
    const kept = heads.map((_, n) => n).filter((n) => !heads[n] || !(heads[n].hidden || heads[n].classList.contains("axis-head")));
    const beside = new Map(kept.map((n) => [n, Object.keys(BESIDE).filter((kind) => cells.some((row) => row[n] && BESIDE[kind](row[n])))]));
    const titles = kept.flatMap((n) => { const title = heads[n] ? words(heads[n]) : ""; return [title, ...beside.get(n).map((kind) => `${title} ${kind}`)]; });
    const extra = (text) => (exact ? guarded(text) : text);
    const line = (row) => kept.flatMap((n) => [row[n] ? value(row[n], exact) : "", ...beside.get(n).map((kind) => (row[n] ? extra(BESIDE[kind](row[n])) : ""))]);
    return [titles, ...cells.map(line)];
  }
  function value(cell, exact) {
    if (!exact) return words(cell);
    const asWords = cell.dataset.v === undefined || cell.matches(".rank"); // the number of a rank only sorts
    return asWords ? guarded(words(cell)) : cell.dataset.v;
  }
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const csv = (table) => grid(table, true).map((row) => `${row.map(quoted).join(",")}\n`).join("");
  function markdown(table) {
    const [titles, ...rows] = grid(table, false).map((row) => row.map((text) => text.replace(/[\\|]/g, "\\$&")));
    return [titles, titles.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |\n`).join("");
  }
  async function copy(text, what) {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // a page from disk may not be allowed to; the old way asks nobody
      const area = make("textarea", { class: "hidden" });
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    page.say(`Copied as ${what}.`);
  }
  const button = (text, label, click) => make("button", { type: "button", "aria-label": label, click }, text);
  function tableBar(table, columns) {
    const title = table.caption ? table.caption.textContent : table.id;
    return make("div", { class: "bar" }, columns ? page.columns.menu(table) : null,
      button("Copy CSV", "Copy the table as CSV", () => copy(csv(table), "CSV")),
      button("Copy Markdown", "Copy the table as Markdown", () => copy(markdown(table), "Markdown")),
      button("Save CSV", "Save the table as CSV", () => download(new Blob([csv(table)], { type: "text/csv" }), fileName(table, title, "csv"))));
  }

  // --- charts: a copy that looks alike without the style sheet ---
  const LOOK = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "stroke-linecap", "stroke-opacity",
    "opacity", "font-size", "font-family", "font-weight", "paint-order", "text-anchor"];
  // Attributes and not styles: the policy of the page forbids inline styles, and a picture needs none.
  function inline(from, to) {
    const look = getComputedStyle(from);
    if (look.display === "none" || look.visibility === "hidden") { to.remove(); return; }
    for (const name of LOOK) to.setAttribute(name, look.getPropertyValue(name));
    for (const name of ["class", "data-e", "tabindex", "id"]) to.removeAttribute(name);
    const children = [...to.children];
    [...from.children].forEach((child, place) => { if (child.tagName !== "title") inline(child, children[place]); });
    if (from.tagName === "use") unfold(from, to);
  }
  // What several charts share stands once in the page; in a picture each has its own.
  function unfold(from, to) {
    const shared = document.querySelector(from.getAttribute("href")), copied = draw("g");
    if (!shared) return;
    [...shared.children].forEach((child) => {
      const clone = child.cloneNode(true);
      copied.append(clone);
      inline(child, clone);
    });
    to.replaceWith(copied);
  }
  const HEAD = 26; // pixels above the charts, for what they show
  const charts = (figure) => all("svg", figure).filter((chart) => chart.getBoundingClientRect().width > 1);
  // A figure may hold several charts; its picture has them, and their names, where the page has them.
  function picture(figure) {
    const boxes = charts(figure).map((chart) => [chart, chart.getBoundingClientRect()]);
    const names = boxes.length > 1 ? all("figcaption", figure).map((name) => [name, name.getBoundingClientRect()]) : [];
    const edges = [...boxes, ...names].map(([, box]) => box), left = Math.min(...edges.map((box) => box.left)), top = Math.min(...edges.map((box) => box.top)) - HEAD;
    const width = Math.ceil(Math.max(...edges.map((box) => box.right)) - left), height = Math.ceil(Math.max(...edges.map((box) => box.bottom)) - top);
    const paper = getComputedStyle(document.body).backgroundColor;
    const whole = draw("svg", { width, height, viewBox: `0 0 ${width} ${height}` }, draw("rect", { width, height, fill: paper }), head(figure));
    for (const [chart, box] of boxes) whole.append(placed(chart, box, left, top));
    for (const [name, box] of names) whole.append(written(name, box, left, top));
    return whole;
  }
  // Apart from its page, a picture has to say what it shows.
  function head(figure) {
    const look = getComputedStyle(document.body), title = `${heading(figure)} \u2013 ${titleOf(figure)}`;
    return draw("text", { x: 4, y: HEAD - 9, fill: look.color, "font-size": "13px", "font-weight": 600, "font-family": look.fontFamily }, title);
  }
  function placed(chart, box, left, top) {
    const copied = chart.cloneNode(true);
    inline(chart, copied);
    const spot = { x: box.left - left, y: box.top - top, width: box.width, height: box.height };
    for (const [name, size] of Object.entries(spot)) copied.setAttribute(name, size);
    return copied;
  }
  function written(name, box, left, top) {
    const look = getComputedStyle(name);
    return draw("text", { x: box.left - left, y: box.top - top + box.height * 0.75, fill: look.color, "font-size": look.fontSize, "font-family": look.fontFamily }, name.textContent.trim());
  }
  const text = (figure) => new XMLSerializer().serializeToString(picture(figure));
  async function png(figure) {
    const image = new Image(), source = text(figure);
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(source)}`;
    await image.decode();
    const canvas = make("canvas", { width: image.width * 2, height: image.height * 2 }); // sharp on paper too
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((done) => { canvas.toBlob(done, "image/png"); });
  }
  function titleOf(figure) {
    const caption = figure.querySelector(":scope > figcaption"), chart = figure.querySelector("svg[aria-label]");
    const label = figure.getAttribute("aria-label") || (chart && chart.getAttribute("aria-label")) || "chart";
    return caption ? words(caption) : label.trim();
  }
  function chartBar(figure) {
    const title = titleOf(figure);
    return make("div", { class: "bar" },
      button("SVG", `Save as SVG: ${title}`, () => download(new Blob([text(figure)], { type: "image/svg+xml" }), fileName(figure, title, "svg"))),
      button("PNG", `Save as PNG: ${title}`, async () => download(await png(figure), fileName(figure, title, "png"))));
  }
  page.save = {
    table: (table, { columns = true } = {}) => (table.closest(".scroll") || table).after(tableBar(table, columns)),
    figure: (figure) => { if (all("svg", figure).length && !figure.querySelector(":scope > .bar")) figure.append(chartBar(figure)); },
    // Small charts of one kind are saved together; a chart without a figure is saved by itself.
    figures: (view) => all(".panels, figure, .scroll", view)
      .filter((unit) => unit.matches(".panels") || (unit.matches("figure") && !unit.closest(".panels")) || (unit.querySelector(":scope > svg.plot") && !unit.closest("figure"))),
  };
}
