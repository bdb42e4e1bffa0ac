/** The page of a local server. */
import { pageData } from "./page_data.js";
import { ServerClassifier } from "./server_classifier.js";
import { startTry } from "./try.js";

startTry(async () => new ServerClassifier(pageData().metadata, pageData().classify));
