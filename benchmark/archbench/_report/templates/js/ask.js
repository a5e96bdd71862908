"use strict";
// The line of the overview that compares two architectures on a task. Every answer was decided in Python: it is looked up.
(() => {
  const form = document.getElementById("ask");
  if (!form) return;
  const [a, b, task, answer, more] = ["a", "b", "task", "answer", "more"].map((name) => document.getElementById(`ask-${name}`));
  const boards = [...document.querySelectorAll("section[data-view=task][data-pairs]")].map((section) => ({
    ...JSON.parse(section.dataset.pairs), ...section.dataset, id: section.id,
  })).filter((board) => board.scores.entrants.length > 1);
  if (!boards.length) return;
  const fixed = (value, digits) => value.toFixed(digits).replace("-", "\u2212");
  const text = (list) => list.options[list.selectedIndex].text;
  // The scores of both, or on how many seeds they solved the task.
  function scores(board, places) {
    const said = places.map((place) => board.solved ? `${board.solved[place]} seeds solved` : fixed(board.scores.means[place], Number(board.digits)));
    return `${text(a)} ${said[0]}, ${text(b)} ${said[1]}`;
  }
  function sentence(board) {
    const chosen = [Number(a.value), Number(b.value)], places = chosen.map((who) => board.scores.entrants.indexOf(who));
    if (chosen[0] === chosen[1]) return "Choose two different ones.";
    const absent = chosen.filter((_, n) => places[n] < 0);
    if (absent.length) return absent.map((who) => `${a.options[who].text} is not ranked${board.reasons[who] ? `: ${board.reasons[who]}` : " there"}.`).join(" ");
    const [low, high] = [Math.min(...places), Math.max(...places)], letter = board.relations[(high * (high - 1)) / 2 + low];
    const flipped = places[0] < places[1] ? { b: "w", w: "b" }[letter] || letter : letter;
    const found = { b: `${text(a)} is better`, w: `${text(b)} is better`, e: `equivalent within ${board.margin}`, u: "undecided by these seeds" };
    return `${scores(board, places)}: ${found[flipped]}.`;
  }
  function show() {
    answer.textContent = sentence(boards[task.selectedIndex]);
    const both = [a, b].map((list) => encodeURIComponent(text(list))).join(",");
    more.hash = `/compare?with=${both}&task=${encodeURIComponent(text(task))}`;
  }
  for (const board of boards) task.add(new Option(board.where, board.id));
  const first = boards[0].scores.entrants;
  [a.value, b.value] = [first[0], first[1]];
  for (const list of [a, b, task]) list.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
  form.hidden = false;
})();
