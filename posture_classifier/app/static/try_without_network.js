// The Try page where there is no network to try.
import { element } from "./dom.js";
import { t } from "./i18n.js";

export async function start(main) {
  const command = "python -m posture_classifier app lightning_logs/<experiment>/version_0";
  main.append(element("h1", {}, t("try.title")), element("p", {}, t("try.no_network")), element("pre", { className: "command" }, command));
}
