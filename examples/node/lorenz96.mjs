// The model: dx_i/dt = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + F on a ring.

function tendency(x, F) {
  const n = x.length;
  return x.map((_, i) => (x[(i + 1) % n] - x[(i + n - 2) % n]) * x[(i + n - 1) % n] - x[i] + F);
}

/** One Runge-Kutta step of the state `x`, a Float64Array. */
function step(x, F, dt) {
  const along = (k, h) => x.map((value, i) => value + h * k[i]);
  const k1 = tendency(x, F);
  const k2 = tendency(along(k1, dt / 2), F);
  const k3 = tendency(along(k2, dt / 2), F);
  const k4 = tendency(along(k3, dt), F);
  return x.map((value, i) => value + (dt / 6) * (k1[i] + 2 * (k2[i] + k3[i]) + k4[i]));
}

/** Every member of an ensemble [N, n], in place, `steps` steps of `dt` on. */
export function forecast(ensemble, n, { F, dt, steps }) {
  for (let at = 0; at < ensemble.length; at += n) {
    let x = ensemble.slice(at, at + n);
    for (let k = 0; k < steps; k++) x = step(x, F, dt);
    ensemble.set(x, at);
  }
}
