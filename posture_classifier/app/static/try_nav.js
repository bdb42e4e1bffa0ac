// The navigation of the page Try, whose other texts and choice of a language are its own.
import { loadTexts, t } from "./i18n.js";
import { markPage } from "./nav.js";

async function fill() {
  await loadTexts("/static/languages");
  for (const link of document.querySelectorAll("[data-nav]")) link.textContent = t(`nav.${link.dataset.nav}`);
}

markPage();
await fill();
for (const button of document.querySelectorAll(".languages button")) button.addEventListener("click", fill);
