// Runs before anything is drawn, so that the theme never flashes.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("swath-theme");
  } catch {
    // Storage may be forbidden; the system's theme is used then.
  }
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : system;
})();
