/** Files that the page makes by itself. */

import type { Drawing } from "./svg";

export const FORMATS = ["png", "svg"] as const;
export type Format = (typeof FORMATS)[number];

/** Of a PNG: pixels for each unit of the drawing, enough for print. */
const SCALE = 2;

export async function download(drawing: Drawing, format: Format, stem: string): Promise<void> {
  const svg = new Blob([drawing.svg], { type: "image/svg+xml" });
  save(format === "svg" ? svg : await raster(drawing), `${stem}.${format}`);
}

function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser may still be reading
}

async function raster({ svg, width, height }: Drawing): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = width * SCALE;
  canvas.height = height * SCALE;
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((png) => (png === null ? reject(new Error("no PNG")) : resolve(png)), "image/png");
  });
}
