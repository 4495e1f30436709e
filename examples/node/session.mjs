// A session of Assimilate, for whatever model: forecasts and observations in, analyses out.
import { gather, split } from './tensors.mjs';

export class Session {
  #call;
  #answers;

  /** Open one; `open` is an OpenSession. */
  static async open(service, open) {
    const session = new Session();
    session.#call = service.assimilate();
    session.#answers = session.#call[Symbol.asyncIterator]();
    session.#call.write({ open });
    const { opened } = await session.#next();
    session.nextCycle = opened.next_cycle;
    session.setting = opened.setting;
    return session;
  }

  /** The CycleAnalysis of a background [N, n], a Tensor, and Observations. */
  async analyse(background, observations) {
    const [ensemble, parts] = split('ensemble', background);
    this.#call.write({ cycle: { ensemble, observations } });
    for (const part of parts) this.#call.write({ part });
    const { analysis } = await this.#next();
    this.nextCycle = analysis.cycle + 1;
    return gather(analysis, ['ensemble', 'state'], () => this.#next());
  }

  /** End it. */
  async close() {
    this.#call.end();
    await this.#answers.next();
  }

  async #next() {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('the server ended the session');
    return value;
  }
}
