// The service: where it is, how it is called, what its refusals say.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const folder = (path) => fileURLToPath(new URL(path, import.meta.url));
// fields keep the names of the .proto; int64 as numbers, exact up to 2^53; enums by name
const READING = { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true };
const { learnda } = grpc.loadPackageDefinition(
  protoLoader.loadSync('learnda/v1/assimilation.proto', {
    ...READING,
    includeDirs: [folder('../../proto')],
  }),
);
const failures = protoLoader.loadSync(folder('../failures.proto'), { ...READING, json: true });

/** Numbers of the command line, or their defaults, and where the service is. */
export function readOptions() {
  const { values } = parseArgs({
    options: {
      address: { type: 'string', default: process.env.LEARNDA_COMPUTE_ADDRESS ?? '127.0.0.1:50051' },
      token: { type: 'string', default: process.env.LEARNDA_TOKEN ?? '' },
      tls: { type: 'string' }, // a PEM file of who vouches for the server; without it: no TLS
      seed: { type: 'string', default: '1' },
      cycles: { type: 'string', default: '40' },
      members: { type: 'string', default: '20' },
      radius: { type: 'string', default: '2' },
      'inf-fact': { type: 'string', default: '1.04' },
      until: { type: 'string' }, // of assimilate: the cycle before which it stops
      save: { type: 'string' }, // of assimilate: the file in which the last answer is kept
      resume: { type: 'string' }, // of assimilate: such a file, to go on behind it
    },
  });
  const { seed, cycles, members, radius } = values;
  return {
    ...values,
    seed: Number(seed),
    cycles: Number(cycles),
    members: Number(members),
    params: { r: Number(radius), inf_fact: Number(values['inf-fact']) },
  };
}

/** The experiment that both programs speak of: 40 sites, analysed every 0.1 units of time. */
export function experiment({ seed, cycles, members }) {
  return { ensemble_size: members, seed, obs_freq: 0.1, end_time: (cycles - 1) * 0.1 };
}

/** A stub whose calls carry the token. */
export function connect({ address, token, tls }) {
  const credentials = tls
    ? grpc.credentials.createSsl(readFileSync(tls))
    : grpc.credentials.createInsecure();
  const withToken = (options, nextCall) =>
    new grpc.InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        if (token) metadata.set('authorization', `Bearer ${token}`);
        next(metadata, listener);
      },
    });
  return new learnda.v1.AssimilationService(address, credentials, { interceptors: [withToken] });
}

/** A google.protobuf.Struct of numbers and strings. */
export function struct(values) {
  const value = (v) => (typeof v === 'number' ? { numberValue: v } : { stringValue: v });
  return { fields: Object.fromEntries(Object.entries(values).map(([k, v]) => [k, value(v)])) };
}

/** One line for people, then one for each field that was refused. */
export function explain(error) {
  const lines = [`${grpc.status[error.code] ?? error.code}: ${error.details ?? error.message}`];
  for (const bytes of error.metadata?.get('grpc-status-details-bin') ?? []) {
    for (const detail of failures['google.rpc.Status'].deserialize(bytes).details) {
      for (const refused of detail.field_violations ?? []) {
        lines.push(`  ${refused.field}: ${refused.description}`);
      }
    }
  }
  return lines.join('\n');
}

/** Run `main` with a stub; a failed call is explained on stderr and ends with status 1. */
export async function run(main) {
  const options = readOptions();
  const service = connect(options);
  try {
    await main(service, options);
  } catch (error) {
    if (!(error?.metadata instanceof grpc.Metadata)) throw error;
    console.error(explain(error));
    process.exitCode = 1;
  }
  service.close();
}
