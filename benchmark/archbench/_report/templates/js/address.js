// The whole state of the page is in the address: `#/task/parity?q=lstm,gru&sort=score&dir=asc`.
{
  // Each value is a list: commas between its items stay readable, those inside an item are escaped.
  const escape = (text) => encodeURIComponent(text.replace(/\p{Surrogate}/gu, ""));
  function unescape(text) {
    try { return decodeURIComponent(text); } catch { return text; } // a stray percent sign is itself
  }
  function read(hash) {
    const text = hash.replace(/^#/, ""), cut = text.indexOf("?"), state = new Map();
    for (const pair of cut < 0 ? [] : text.slice(cut + 1).split("&")) {
      const [key, value = ""] = pair.split(/=(.*)/s);
      if (key && value) state.set(key, value.split(",").map(unescape));
    }
    return { path: (cut < 0 ? text : text.slice(0, cut)) || "/", state };
  }
  function write(path, state) {
    const pairs = [...state].filter(([, items]) => items.length && items.some(Boolean));
    const query = pairs.map(([key, items]) => `${key}=${items.map(escape).join(",")}`).join("&");
    return `#${path}${query ? `?${query}` : ""}`;
  }
  // Two spellings of one path, such as `/a b` and `/a%20b`, have one plain form; a slash in a name stays apart.
  const plain = (path) => path.split("/").map(unescape).join("\u0000");
  const parts = (path) => path.split("/").slice(1).map(unescape);
  page.address = { read, write, plain, parts, now: { path: "/", state: new Map() } };
  page.items = (key) => page.address.now.state.get(key) || [];
  page.item = (key) => page.items(key).join(",");
}
