// Colours of the map, light and dark. The basemap stays grey so that only results carry colour.
// Both ramps rise evenly in lightness, so that they read the same without red-green or blue-yellow sight and in print:
// scores follow matplotlib's "plasma" (CC0), turned round in light so that the best always contrasts most with the land.

export const PALETTES = {
  light: {
    water: "#d3dee5",
    land: "#f3f1ec",
    coast: "#b4c3cc",
    river: "#c0d0da",
    border: "#bdb3a6",
    state: "#d8d1c6",
    graticule: "#c3d0d8",
    country: "#7a7368",
    city: "#5f5a51",
    halo: "#f8f6f2",
    score: ["#f0a13a", "#e0604f", "#b12a7b", "#5b0f82"],
    casing: "#ffffff",
    focus: "#101820",
    chosen: "#0b57c2",
    area: "#0b57c2",
    hexagon: ["#b9dedb", "#5aaeb4", "#1b7a8c", "#0a4459"],
  },
  dark: {
    water: "#0c1319",
    land: "#1e272f",
    coast: "#33414c",
    river: "#263a4b",
    border: "#44525e",
    state: "#303c47",
    graticule: "#17212a",
    country: "#8493a0",
    city: "#a3b0bb",
    halo: "#161d24",
    score: ["#8f4fc4", "#d94f86", "#f68d4e", "#fbe669"],
    casing: "#0a0f14",
    focus: "#ffffff",
    chosen: "#5fa8ff",
    area: "#7db4ff",
    hexagon: ["#17404a", "#1f7481", "#45b3b1", "#b3f0dc"],
  },
};

/** Return the MapLibre expression of the colour for `value`, an expression between 0 and 1. */
export function ramp(colours, value) {
  const stops = colours.flatMap((colour, i) => [i / (colours.length - 1), colour]);
  return ["interpolate", ["linear"], value, ...stops];
}

/** Return the CSS gradient of a ramp, lowest at the left. */
export function gradient(colours) {
  return `linear-gradient(to right, ${colours.join(", ")})`;
}
