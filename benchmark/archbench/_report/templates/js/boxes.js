// A box that scrolls takes the keyboard focus, so that arrow keys can scroll it; one in which all fits does not. Without
// scripts all of them take it: only a script can see which scroll at the present width.
{
  const { all } = page;
  const BOXES = ".scroll, pre";
  // What a style hides beyond the edge of a box cannot be scrolled to.
  const scrolls = (box) => (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) && getComputedStyle(box).overflowX !== "hidden";
  function check(box) {
    if (scrolls(box)) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
  // The answer changes with the window, and with what is in a box, such as a table whose columns are chosen.
  const sizes = new ResizeObserver((changes) => new Set(changes.map(({ target }) => target.closest(BOXES))).forEach(check));
  page.boxes = {
    watch: (root) => all(BOXES, root).forEach((box) => [box, ...box.children].forEach((part) => sizes.observe(part))),
  };
}
