// The line of the overview that compares two architectures on one task, and leads to the view that shows all.
{
  const { $ } = page;
  const { entrants, boards } = page.data;
  const tasks = boards.filter((board) => board.seeds && board.scores.entrants.length > 1);

  function sentence(board, pair) {
    if (pair[0] === pair[1]) return "Choose two different ones.";
    const found = page.answer(board, ...pair);
    if (!found) return "They were not both tried on it.";
    if (!found.difference) return `${found.text}.`;
    const values = found.values.map((value, n) => `${entrants[pair[n]].label} ${value}`).join(", ");
    return `${values}: ${found.text}, ${found.unit === "ratio" ? "" : "difference "}${found.difference}.`;
  }
  function start() {
    const [a, b, task, answer, more] = ["a", "b", "task", "answer", "more"].map((name) => $(`ask-${name}`));
    const show = () => {
      const pair = [Number(a.value), Number(b.value)], board = tasks[task.selectedIndex];
      answer.textContent = page.isolated(sentence(board, pair));
      const state = new Map([["with", pair.map((who) => entrants[who].label)], ["task", [page.compare.nameOf(board)]]]);
      more.setAttribute("href", page.address.write("/compare", state));
    };
    for (const board of tasks) task.add(new Option(board.where));
    [a.value, b.value] = tasks[0].scores.entrants;
    for (const list of [a, b, task]) list.addEventListener("change", show);
    $("ask").addEventListener("submit", (event) => event.preventDefault());
    $("ask").hidden = false;
    show();
  }
  if ($("ask") && tasks.length) start();
}
