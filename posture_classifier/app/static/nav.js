// The navigation, which every page has.

/** Marks the entry of the page that is open. */
export function markPage() {
  const nav = document.querySelector("nav[data-page]");
  nav.querySelector(`[data-nav="${nav.dataset.page}"]`).setAttribute("aria-current", "page");
}
