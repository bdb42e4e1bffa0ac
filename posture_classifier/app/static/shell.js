// Fills the frame of every page, then lets the page's own module fill <main>.
import { LANGUAGES, applyTexts, chooseLanguage, language, loadTexts } from "./i18n.js";
import { fillNavigation } from "./nav.js";

await loadTexts("/static/languages");
applyTexts(document);
fillNavigation();
const select = document.getElementById("language");
for (const [code, name] of Object.entries(LANGUAGES)) select.append(new Option(name, code, false, code === language()));
select.addEventListener("change", () => {
  chooseLanguage(select.value);
  location.reload();
});
const { start } = await import(document.body.dataset.script);
await start(document.getElementById("main"));
document.body.dataset.ready = "true";
