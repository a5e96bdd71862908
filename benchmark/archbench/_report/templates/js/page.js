"use strict";
// The page is complete without scripts. These files only show one view of it at a time, sort and filter what is there,
// and draw what a reader asks for. They share the object `page`. No score or interval is computed in them: all come
// from the data in the page, which Python made.
const page = {};
{
  const $ = (id) => document.getElementById(id);
  const all = (query, root = document) => [...root.querySelectorAll(query)];

  // Words that run from right to left stand between isolates, as those that Python wrote: they order nothing else.
  const right = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}";
  const runs = new RegExp(`[${right}]+(?:[ _.-]+[${right}]+)*`, "gu");
  const joined = (text) => text.replace(/[\u2068\u2069]/g, "");
  const isolated = (text) => joined(text).replace(/[\u202a-\u202e\u2066\u2067]/g, "\ufffd").replace(runs, "\u2068$&\u2069");

  // Texts become text nodes, so no name of a plugin can be read as markup.
  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== null).map((child) => (child instanceof Node ? child : isolated(String(child)))));
    return element;
  }
  const make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
  const draw = (tag, attributes = {}, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

  const source = $("data");
  Object.assign(page, {
    $, all, make, draw, isolated, joined,
    data: source ? JSON.parse(source.textContent) : { entrants: [], boards: [], trials: [], texts: [], steps: [], cells: [], fields: [], cellFields: [] },
    // Letters of a head or a label as they stand in an address: "Train loss" is `train-loss`.
    slug: (text) => text.trim().toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, ""),
    say: (text) => { const live = $("live"); if (live) live.textContent = text; },
  });
}
