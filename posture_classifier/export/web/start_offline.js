/** The page as one file. */
import { pageData } from "./page_data.js";
import { OnnxClassifier } from "./onnx_classifier.js";
import { startTry } from "./try.js";

startTry(() => OnnxClassifier.open(pageData().metadata, pageData().worker));
