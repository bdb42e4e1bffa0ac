// The Try page where there is no network to try.
import { t } from "./i18n.js";

export async function start(main) {
  const title = document.createElement("h1");
  title.textContent = t("nav.try");
  const text = document.createElement("p");
  text.textContent = t("try.no_network");
  main.append(title, text);
}
