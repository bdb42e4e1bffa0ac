// The navigation, which every page has.
import { t } from "./i18n.js";

/** Names the pages, and marks the one that is open. */
export function fillNavigation() {
  const nav = document.querySelector("nav[data-page]");
  for (const link of nav.querySelectorAll("[data-nav]")) link.textContent = t(`nav.${link.dataset.nav}`);
  nav.querySelector(`[data-nav="${nav.dataset.page}"]`).setAttribute("aria-current", "page");
}
