// Single trials as Python packed them: what the trials of a cell share stands once, and curves are short texts.
{
  const { trials, texts, steps, cells, fields, cellFields } = page.data;
  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const TEXTS = ["architecture", "task", "protocol", "recipe", "environment", "command", "status", "message", "detail", "splits", "batches"];
  const CURVE = fields.indexOf("curve");

  const hex = (id) => [...atob(id.replaceAll("-", "+").replaceAll("_", "/"))].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  for (const row of trials) row[0] = hex(row[0]);
  const named = (names, row) => Object.fromEntries(names.map((name, n) => [name, row[n]]));

  page.trialAt = (place) => {
    const row = named(fields, trials[place]), found = { ...row, ...named(cellFields, cells[row.cell]), place };
    for (const name of TEXTS) found[name] = texts[found[name]];
    if (found.command && !found.tuning) found.command += ` --seeds ${found.seed + 1}`;
    return found;
  };
  // Two digits say where between the lowest and the highest value each value is; `~` means by ratios.
  function unpacked(low, high, text) {
    const top = DIGITS.length ** 2 - 1;
    return Array.from({ length: (text.length - 1) / 2 }, (_, n) => {
      const [a, b] = [text[2 * n + 1], text[2 * n + 2]].map((digit) => DIGITS.indexOf(digit));
      if (a < 0) return null;
      const share = (a * DIGITS.length + b) / top;
      return text[0] === "~" ? low * (high / low) ** share : low + (high - low) * share;
    });
  }
  // The steps, validation scores and losses of a trial; null without a curve.
  page.curveAt = (place) => {
    const packed = trials[place][CURVE];
    if (!packed.length) return null;
    return { steps: steps[packed[0]], validation: unpacked(...packed.slice(1, 4)), loss: unpacked(...packed.slice(4)) };
  };
}
