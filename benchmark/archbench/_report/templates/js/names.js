// Architectures by name and by the number that marks them in tables and charts.
{
  const { entrants } = page.data;
  const byLabel = new Map(entrants.map((entrant, number) => [entrant.label, { ...entrant, number }]));
  const byColour = new Map(entrants.map((entrant) => [String(entrant.colour), entrant]));

  page.names = {
    find: (label) => byLabel.get(label),
    marked: (mark) => byColour.get(mark),
    clip: (label, size = 18) => ([...label].length > size ? `${[...label].slice(0, size - 1).join("")}…` : label),
  };
}
