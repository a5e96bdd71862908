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
  const [a, b, task, answer, more] = ["a", "b", "task", "answer", "more"].map((name) => $(`ask-${name}`));
  const asked = () => ({ with: [a, b].map((list) => entrants[Number(list.value)].label), task: [page.compare.nameOf(tasks[task.selectedIndex])] });
  // The address has the question once somebody asks one.
  function apply(views) {
    if (!views.some((view) => view.contains($("ask")))) return;
    const pair = page.items("with").map(page.names.find).filter(Boolean).map((entrant) => entrant.number);
    [a.value, b.value] = pair.length === 2 ? pair : tasks[0].scores.entrants;
    task.selectedIndex = Math.max(0, tasks.findIndex((board) => page.compare.nameOf(board) === page.item("task")));
    answer.textContent = page.isolated(sentence(tasks[task.selectedIndex], [Number(a.value), Number(b.value)]));
    more.setAttribute("href", page.address.write("/compare", new Map(Object.entries(asked()))));
  }
  function start() {
    for (const board of tasks) task.add(new Option(board.where));
    for (const list of [a, b, task]) list.addEventListener("change", () => page.change(asked()));
    $("ask").addEventListener("submit", (event) => event.preventDefault());
    $("ask").hidden = false;
  }
  const there = Boolean($("ask") && tasks.length);
  if (there) start();
  page.ask = { apply: there ? apply : () => {} };
}
