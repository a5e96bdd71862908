// Choices between charts work without scripts; with them, the address remembers which one is shown.
{
  const { all, slug } = page;
  const radios = (view) => all(".choice > input[type=radio]", view);
  const kind = (radio) => radio.name.split("-")[0];
  const name = (radio) => slug(radio.labels[0].textContent);
  const isFirst = (radio) => radio === radio.parentElement.querySelector(":scope > input");
  function prepare(view) {
    view.addEventListener("change", ({ target }) => {
      if (target.matches(".choice > input[type=radio]")) page.change({ [kind(target)]: isFirst(target) ? [] : [name(target)] });
    });
  }
  function apply(views) {
    for (const radio of views.flatMap(radios)) {
      const wanted = page.item(kind(radio));
      if (wanted ? name(radio) === wanted : isFirst(radio)) radio.checked = true;
    }
  }
  page.choices = { prepare, apply };
}
