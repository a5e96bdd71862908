// Architectures by name and by the number that marks them in tables and charts.
{
  const { entrants } = page.data;
  const byLabel = new Map(entrants.map((entrant, number) => [entrant.label, { ...entrant, number }]));
  const byColour = new Map(entrants.map((entrant) => [String(entrant.colour), entrant]));

  // The width of a text in Latin letters, and as much of it as fits, as in Python: characters of Chinese, Japanese and
  // Korean and emoji take two, marks above and below others none.
  const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{17000}-\u{18cff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
  const width = (character) => (/[\p{Mn}\p{Me}\p{Cf}]/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1);
  const letters = (text) => [...text].reduce((sum, character) => sum + width(character), 0);
  function clip(text, size) {
    if (letters(text) <= size) return text;
    let room = size - 1;
    return `${[...text].filter((character) => (room -= width(character)) >= 0).join("")}…`;
  }

  page.names = {
    find: (label) => byLabel.get(label),
    marked: (mark) => byColour.get(mark),
    letters, clip,
  };
}
