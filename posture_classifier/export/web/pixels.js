/** The pixels of a frame or of a photo, as the program's own decoder would give them. */

function contextOf(width, height) {
  return new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
}

let frames = null;

/** Pixels of what a video shows now, never mirrored. */
export function pixelsOfFrame(video) {
  const { videoWidth: width, videoHeight: height } = video;
  if (frames?.canvas.width !== width || frames.canvas.height !== height) frames = contextOf(width, height);
  frames.drawImage(video, 0, 0, width, height);
  return frames.getImageData(0, 0, width, height);
}

/**
 * Pixels of a photo file: upright by its EXIF orientation, values as they are stored whatever its
 * colour profile, and transparency over white.
 *
 * @param {Blob} file
 * @param {HTMLCanvasElement} thumbnail Gets a small copy.
 */
export async function pixelsOfPhoto(file, thumbnail) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  const context = contextOf(width, height);
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  drawThumbnail(thumbnail, bitmap);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

const SIDE = 160;

function drawThumbnail(canvas, bitmap) {
  const scale = SIDE / Math.max(bitmap.width, bitmap.height);
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
}
