// Light or dark: as the system says, or as the person chose.

const KEY = "argon.theme";
const ORDER = ["system", "light", "dark"];

/** What was chosen: `system`, `light` or `dark`. */
export const theme = () => localStorage.getItem(KEY) ?? "system";

/** Uses what was chosen. */
export function applyTheme() {
  const chosen = theme();
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}

/** Chooses the next one, and gives its name. */
export function nextTheme() {
  const chosen = ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length];
  localStorage.setItem(KEY, chosen);
  applyTheme();
  return chosen;
}
