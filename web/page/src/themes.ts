/** Colours of the page and of the terminal in it. */

const THEMES = { dark: "Dark", light: "Light", contrast: "High contrast" };
const KEY = "sampan theme";

/** Fills the list, and applies what is chosen, now and later. */
export function chooseTheme(select: HTMLSelectElement, changed: () => void): void {
  for (const [value, text] of Object.entries(THEMES)) select.add(new Option(text, value));
  const habit = matchMedia("(prefers-contrast: more)").matches
    ? "contrast"
    : matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  const kept = localStorage.getItem(KEY);
  select.value = kept !== null && kept in THEMES ? kept : habit;
  const apply = () => {
    document.documentElement.dataset["theme"] = select.value;
    changed();
  };
  select.addEventListener("change", () => {
    localStorage.setItem(KEY, select.value);
    apply();
  });
  apply();
}
