// The navigation of the page Try, whose other texts and choice of a language are its own.
import { loadTexts } from "./i18n.js";
import { fillNavigation } from "./nav.js";

async function fill() {
  await loadTexts("/static/languages");
  fillNavigation();
}

await fill();
for (const button of document.querySelectorAll(".languages button")) button.addEventListener("click", fill);
