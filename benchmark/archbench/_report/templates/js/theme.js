// Light, dark, or as the system says. A page from disk may not be allowed to remember it; then it lasts until reload.
{
  const THEMES = ["auto", "light", "dark"], KEY = "archbench-theme", root = document.documentElement;
  const button = page.$("theme");
  function remembered() {
    try { return localStorage.getItem(KEY); } catch { return null; }
  }
  function set(theme) {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    if (button) button.textContent = { auto: "Auto", light: "Light", dark: "Dark" }[theme];
    if (button) button.setAttribute("aria-label", `Colours: ${theme}`);
    try { localStorage.setItem(KEY, theme); } catch { /* nothing is lost but the memory */ }
  }
  const now = () => root.dataset.theme || "auto";
  const start = remembered();
  set(THEMES.includes(start) ? start : "auto");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => set(THEMES[(THEMES.indexOf(now()) + 1) % THEMES.length]));
  }
}
