// The view `#/trial/ID`: one trained network, with all that its record says of it in words.
{
  const { $, all, make } = page;
  const { entrants, boards, trials } = page.data;

  const known = (value) => value !== null && value !== undefined && value !== "";
  const exact = (value) => (known(value) ? String(value).replace("-", page.charts.MINUS) : "\u2013");
  const whole = (value) => (known(value) ? value.toLocaleString("en") : "\u2013");
  const path = (id) => `records/${id.slice(0, 2)}/${id}.json`;

  function scores({ scores: [test, last, validation, loss, plain, step] }) {
    if (!known(test)) return [];
    return [["Test score", exact(test)], ["Test score of the last weights", exact(last)],
      ["Validation score", `${exact(validation)}, weights taken after step ${whole(step)}`],
      ["Training loss", known(plain) ? `${exact(plain)} in evaluation mode, ${exact(loss)} while it trained` : exact(loss)]];
  }
  function costs({ cost: [parameters, seconds, memory, done, solved] }) {
    const steps = known(solved) ? `${whole(done)}; the target was reached after ${whole(solved)}` : whole(done);
    const found = [["Parameters", parameters, whole(parameters)], ["Seconds of training", seconds, exact(seconds)],
      ["Memory", memory, `${whole(memory)} MB`], ["Steps", done, steps]];
    return found.filter(([, value]) => known(value)).map(([name, , words]) => [name, words]);
  }
  function facts(trial) {
    const code = (text) => text && make("code", {}, text);
    return [...scores(trial), ...costs(trial), ["Recipe", trial.recipe], ["Environment", trial.environment],
      ["Hash of the splits", code(trial.splits)], ["Hash of the first batches", code(trial.batches)],
      ["Command", code(trial.command)], ["Record", make("a", { href: path(trial.id) }, path(trial.id))]].filter(([, value]) => value);
  }
  function charts({ architecture, entrant, place }, score) {
    const curve = page.curveAt(place);
    if (!curve) return [];
    const one = { name: architecture, steps: curve.steps, colour: "c0", mark: entrant < 0 ? null : entrants[entrant].colour };
    return [[`validation ${score.metric}`, curve.validation, score], ["training loss", curve.loss]]
      .map(([title, values, of]) => page.compare.figure(title, page.charts.curves([{ ...one, values }], `${title} by step`, of))).filter(Boolean);
  }
  // The other seeds of its cell, and the views that it belongs to.
  function links(trial) {
    const out = [];
    if (trial.entrant >= 0) out.push(make("a", { href: `#${entrants[trial.entrant].at}` }, trial.architecture));
    if (trial.board >= 0) out.push(make("a", { href: `#${boards[trial.board].at}` }, boards[trial.board].where));
    const same = (other) => ["entrant", "board", "tuning", "architecture", "task", "protocol"].every((name) => other[name] === trial[name]);
    const seeds = trials.map((_, place) => page.trialAt(place)).filter(same).filter((other) => other.id !== trial.id).sort((a, b) => a.seed - b.seed);
    out.push(...seeds.map((other) => make("a", { href: `#/trial/${other.id}` }, `seed ${other.seed}`)));
    return out.length ? make("ul", { class: "links" }, ...out.map((link) => make("li", {}, link))) : null;
  }
  function show(trial) {
    const title = `${trial.architecture} on ${trial.task}, seed ${trial.seed}`;
    const board = trial.board >= 0 ? boards[trial.board] : null;
    const list = facts(trial).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
    const detail = trial.detail && make("pre", { tabindex: "0", "aria-label": "Traceback or end of the log" }, trial.detail);
    $("v-trial").textContent = page.isolated(title);
    $("trial").replaceChildren(...[
      make("p", { class: "what" }, `${trial.protocol} protocol${trial.tuning ? ", a trial of the tuning" : ""}`),
      make("p", { class: `said s-${page.slug(trial.status)}` }, make("b", {}, trial.status), trial.message ? `: ${trial.message}` : ""),
      links(trial), detail || null, make("div", { class: "figures" }, ...charts(trial, board || { metric: "score" })), make("dl", { class: "facts" }, ...list),
    ].filter(Boolean));
    for (const drawn of all("figure", $("trial"))) page.save.figure(drawn);
    page.boxes.watch($("trial"));
    return title;
  }
  // A large page carries only the trials that failed; the record of every trial lies beside it.
  function absent(id) {
    $("v-trial").textContent = "This trial is not in the page";
    $("trial").replaceChildren(make("p", {}, "The page carries no trial with this name. If it was run, its record is ",
      make("a", { href: path(id) }, path(id)), "."));
    return "This trial is not in the page";
  }
  // Which file of a large leaderboard has a trial: each file stands beside the beginnings of the ids in it.
  page.fileOfTrial = (id) => {
    const { size, files } = page.data.trialFiles || { size: 1, files: {} }, start = id.slice(0, size);
    const holds = (starts) => { for (let at = 0; at < starts.length; at += size) if (starts.startsWith(start, at)) return true; return false; };
    const found = Object.entries(files).find(([, starts]) => holds(starts));
    return found && found[0];
  };
  page.trial = (id) => {
    const place = trials.findIndex((row) => row[0] === id);
    if (place >= 0) return show(page.trialAt(place));
    if (page.fileOfTrial(id)) return null;
    return /^[0-9a-f]{8,64}$/.test(id) ? absent(id) : null;
  };
}
