// The same experiment with a model of our own: the truth and its observations come from the service,
// the forecasts are computed here, the analyses there. One line of JSON for each cycle.
import { readFileSync, writeFileSync } from 'node:fs';

import { experiment, run, struct } from './client.mjs';
import { forecast } from './lorenz96.mjs';
import { Session } from './session.mjs';
import { gather, read, write } from './tensors.mjs';

/** The experiment in full, its first ensemble, and truth, sites and values of every cycle. */
async function readNature(service, request) {
  const events = service.streamNature(request)[Symbol.asyncIterator]();
  const next = async () => (await events.next()).value;
  const { started } = await next();
  await gather(started, ['ensemble'], next);
  const cycles = [];
  for (let event = await next(); event; event = await next()) {
    const span = await gather(event.span, ['truth', 'sites', 'values'], next);
    const [truth, sites, values] = [read(span.truth), read(span.sites), read(span.values)];
    span.t.forEach((t, k) => {
      const row = (array, length = array.length / span.t.length) =>
        array.slice(k * length, (k + 1) * length);
      cycles.push({ t, truth: row(truth), sites: row(sites), values: row(values) });
    });
  }
  return { ...started.experiment, ensemble: read(started.ensemble), cycles };
}

/** Root of the site-mean squared error of the mean of an ensemble [N, n]. */
function rmse(ensemble, truth) {
  const n = truth.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    let mean = 0;
    for (let at = i; at < ensemble.length; at += n) mean += ensemble[at];
    sum += (mean / (ensemble.length / n) - truth[i]) ** 2;
  }
  return Math.sqrt(sum / n);
}

await run(async (service, options) => {
  const nature = await readNature(service, { experiment: experiment(options) });
  const { ensemble_size: N, lorenz96_n: n, lorenz96_f: F, dt, obs_freq } = nature;
  const model = { F, dt, steps: Math.round(obs_freq / dt) };
  const variances = write(Float64Array.of(nature.std_obs ** 2), []); // one for all

  const saved = options.resume && JSON.parse(readFileSync(options.resume));
  const bytes = (text) => write(new Uint8Array(Buffer.from(text, 'base64')));
  const session = await Session.open(service, {
    setting: { method: 'letkf', params: struct(options.params), geometry: { ring: {} } },
    ensemble_size: N,
    state_size: n,
    state: saved && bytes(saved.state),
  });
  let ensemble = saved ? Float64Array.from(saved.ensemble) : nature.ensemble;
  if (saved) forecast(ensemble, n, model);

  let analysis;
  const until = Number(options.until ?? nature.cycles.length);
  while (session.nextCycle < until) {
    const { t, truth, sites, values } = nature.cycles[session.nextCycle];
    const observations = { values: write(values), sites: write(sites), variances };
    const rmse_background = rmse(ensemble, truth);
    analysis = await session.analyse(write(ensemble, [N, n]), observations);
    ensemble = read(analysis.ensemble);
    const line = { cycle: analysis.cycle, t, rmse_background, rmse_analysis: rmse(ensemble, truth) };
    console.log(JSON.stringify(line));
    if (session.nextCycle < until) forecast(ensemble, n, model);
  }
  await session.close();
  if (options.save && analysis) {
    const state = Buffer.from(analysis.state.data).toString('base64');
    writeFileSync(options.save, JSON.stringify({ ensemble: [...ensemble], state }));
  }
});
