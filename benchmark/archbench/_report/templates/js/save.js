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
  const fileName = (text, ending) => `${page.slug(text).slice(0, 60) || "archbench"}.${ending}`;

  // --- tables: the rows that are shown, in their order; the columns that are shown ---
  const words = (cell) => {
    const copy = cell.cloneNode(true);
    for (const extra of all(".pin, .hidden, svg, details, .note, .pm", copy)) extra.remove();
    return copy.textContent.replace(/\s+/g, " ").trim();
  };
  const interval = (cell) => { const found = cell.querySelector(".pm"); return found ? found.textContent.trim() : ""; };
  // A spreadsheet would run text that begins like a formula; numbers are left alone.
  const guarded = (text) => (/^\s*[=+\-@]/.test(text) ? `'${text}` : text);

  // A column of intervals follows each column that shows them.
  function grid(table, exact) {
    const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
    const kept = tables.heads(table).filter((head) => !head.hidden && !head.classList.contains("axis-head"));
    const spread = new Set(kept.filter((head) => rows.some((row) => row.cells[head.cellIndex] && interval(row.cells[head.cellIndex]))));
    const titles = kept.flatMap((head) => [words(head), ...(spread.has(head) ? [`${words(head)} interval`] : [])]);
    const line = (row) => kept.flatMap((head) => {
      const cell = row.cells[head.cellIndex];
      if (!cell) return [""];
      const shown = exact && cell.dataset.v !== undefined ? cell.dataset.v : words(cell);
      const text = exact && cell.dataset.v === undefined ? guarded(shown) : shown;
      return [text, ...(spread.has(head) ? [interval(cell)] : [])];
    });
    return [titles, ...rows.map(line)];
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
      button("Save CSV", "Save the table as CSV", () => download(new Blob([csv(table)], { type: "text/csv" }), fileName(title, "csv"))));
  }

  // --- charts: a copy that looks alike without the style sheet ---
  const LOOK = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "stroke-opacity",
    "opacity", "font-size", "font-family", "font-weight", "paint-order", "text-anchor"];
  // Attributes and not styles: the policy of the page forbids inline styles, and a picture needs none.
  function inline(from, to) {
    const look = getComputedStyle(from);
    if (look.display === "none" || look.visibility === "hidden") { to.remove(); return; }
    for (const name of LOOK) to.setAttribute(name, look.getPropertyValue(name));
    for (const name of ["class", "data-e", "tabindex"]) to.removeAttribute(name);
    const children = [...to.children];
    [...from.children].forEach((child, place) => { if (child.tagName !== "title") inline(child, children[place]); });
  }
  // A figure may hold several charts; its picture has them where the page has them.
  function picture(figure) {
    const charts = all("svg", figure), frame = figure.getBoundingClientRect();
    const boxes = charts.map((chart) => chart.getBoundingClientRect());
    const width = Math.ceil(Math.max(...boxes.map((box) => box.right)) - frame.left);
    const top = Math.min(...boxes.map((box) => box.top)), height = Math.ceil(Math.max(...boxes.map((box) => box.bottom)) - top);
    const paper = getComputedStyle(document.body).backgroundColor;
    const whole = draw("svg", { width, height, viewBox: `0 0 ${width} ${height}` }, draw("rect", { width, height, fill: paper }));
    charts.forEach((chart, place) => {
      const copied = chart.cloneNode(true), box = boxes[place];
      inline(chart, copied);
      const spot = { x: box.left - frame.left, y: box.top - top, width: box.width, height: box.height };
      for (const [name, value] of Object.entries(spot)) copied.setAttribute(name, value);
      whole.append(copied);
    });
    return whole;
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
  function chartBar(figure) {
    const caption = figure.querySelector("figcaption"), title = caption ? caption.textContent : "chart";
    return make("div", { class: "bar" },
      button("SVG", `Save as SVG: ${title}`, () => download(new Blob([text(figure)], { type: "image/svg+xml" }), fileName(title, "svg"))),
      button("PNG", `Save as PNG: ${title}`, async () => download(await png(figure), fileName(title, "png"))));
  }
  page.save = {
    table: (table, { columns = true } = {}) => (table.closest(".scroll") || table).after(tableBar(table, columns)),
    figure: (figure) => { if (all("svg", figure).length && !figure.querySelector(":scope > .bar")) figure.append(chartBar(figure)); },
  };
}
