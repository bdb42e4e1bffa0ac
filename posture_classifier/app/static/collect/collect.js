// The Collect page.
import { t } from "../i18n.js";

export async function start(main) {
  const title = document.createElement("h1");
  title.textContent = t("nav.collect");
  main.append(title);
}
