// A twin experiment with the LETKF, computed by the service: one line of JSON for each cycle.
import { experiment, run, struct } from './client.mjs';

await run(async (service, options) => {
  const request = {
    experiment: experiment(options),
    methods: [{ id: 'letkf', name: 'letkf', params: struct(options.params) }],
  };
  for await (const { progress } of service.runExperiment(request)) {
    if (!progress) continue; // started, compiling, completed ...
    const { rmse_background, rmse_analysis } = progress.replicates;
    progress.t.forEach((t, i) => {
      const cycle = progress.first_step + i;
      const line = { cycle, t, rmse_background: rmse_background[i], rmse_analysis: rmse_analysis[i] };
      console.log(JSON.stringify(line));
    });
  }
});
