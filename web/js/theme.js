// Light, dark, or as the system has it.

const KEY = "swath-theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const ORDER = ["auto", "light", "dark"];
export const THEMES = { auto: "As the system", light: "Light", dark: "Dark" };

/** Build the switch: `chosen()`, `shown()` light or dark, `next()`, `onChange(listener)`. */
export function createTheme() {
  let chosen = read();
  const listeners = new Set();
  const shown = () => (chosen === "auto" ? (system.matches ? "dark" : "light") : chosen);
  const apply = () => {
    document.documentElement.dataset.theme = shown();
    listeners.forEach((listener) => listener(shown(), chosen));
  };
  system.addEventListener("change", apply);
  apply();
  return {
    chosen: () => chosen,
    shown,
    next() {
      chosen = ORDER[(ORDER.indexOf(chosen) + 1) % ORDER.length];
      try {
        localStorage.setItem(KEY, chosen);
      } catch {
        // Storage may be forbidden; the choice then lasts as long as the page.
      }
      apply();
    },
    onChange: (listener) => listeners.add(listener),
  };
}

function read() {
  try {
    const found = localStorage.getItem(KEY);
    return ORDER.includes(found) ? found : "auto";
  } catch {
    return "auto";
  }
}
