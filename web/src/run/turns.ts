/** Drawings one after the other, one a frame: so that together they make no frame late. */

const waiting = new Set<() => void>();
let asked = false;

/** Have `draw` called within the next frames; what is returned takes it back. */
export function inTurn(draw: () => void): () => void {
  waiting.add(draw);
  if (!asked) {
    asked = true;
    requestAnimationFrame(drawOne);
  }
  return () => waiting.delete(draw);
}

function drawOne(): void {
  const [draw] = waiting;
  if (draw) {
    waiting.delete(draw);
    draw();
  }
  asked = waiting.size > 0;
  if (asked) requestAnimationFrame(drawOne);
}
