/** The worker in which onnxruntime-web computes, so that the page stays quick. */
import { rgbOf } from "./rgb.js";
import { InferenceSession, Tensor, env } from "./runtime/ort.wasm.bundle.min.mjs";

let session = null;

/** Bytes of gzip in base64. */
async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

async function openNetwork({ runtime, model }) {
  env.wasm.numThreads = 1; // threads need headers that a file does not come with
  env.wasm.wasmBinary = await unpack(runtime);
  session = await InferenceSession.create(new Uint8Array(await unpack(model)), { executionProviders: ["wasm"], logSeverityLevel: 3 });
  return true;
}

async function runNetwork({ pixels, width, height }) {
  const rgb = rgbOf(new Uint8ClampedArray(pixels));
  const { probabilities, distance } = await session.run({ image: new Tensor("uint8", rgb, [height, width, 3]) });
  return { probabilities: Array.from(probabilities.data), distance: distance ? distance.data[0] : null };
}

// One after the other: a session computes one photo at a time.
let last = Promise.resolve();
onmessage = ({ data }) => {
  const { number } = data;
  last = last.then(async () => {
    try {
      postMessage({ number, answer: await (data.open ? openNetwork(data.open) : runNetwork(data)) });
    } catch (error) {
      postMessage({ number, error: String(error.message ?? error) });
    }
  });
};
