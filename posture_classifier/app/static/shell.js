// Fills the frame of every page, then lets the page's own module fill <main>.
import { LANGUAGES, applyTexts, chooseLanguage, language, loadTexts, t } from "./i18n.js";

await loadTexts("/static/languages");
applyTexts(document);
const navigation = document.querySelector("nav[data-page]");
for (const link of navigation.querySelectorAll("[data-nav]")) {
  link.textContent = t(`nav.${link.dataset.nav}`);
  if (link.dataset.nav === navigation.dataset.page) link.setAttribute("aria-current", "page");
}
const select = document.getElementById("language");
for (const [code, name] of Object.entries(LANGUAGES)) select.append(new Option(name, code, false, code === language()));
select.addEventListener("change", () => {
  chooseLanguage(select.value);
  location.reload();
});
const { start } = await import(document.body.dataset.script);
await start(document.getElementById("main"));
document.body.dataset.ready = "true";
