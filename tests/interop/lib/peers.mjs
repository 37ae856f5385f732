// Callers and services of both makes behind one face, so that a scenario is written once for every pairing.
import { RmqRecordBuilder } from '@nestjs/microservices';
import { carrierOf, newPlace } from './carriers.mjs';
import { conformanceHandlers } from './handlers.mjs';
import { makeNestClient, outcomeOf, startNestService, untilAnswered } from './nest.mjs';
import { callerUrl, cli, outcomeOfCli, startConformanceService } from './programs.mjs';

const json = JSON.stringify;

/** What NestJS's clients take besides plain data. */
function nestData(carrier, data, { headers, options = {} } = {}) {
  if (!headers && Object.keys(options).length === 0) return data;
  if (carrier.name === 'kafka') return { ...options, value: data, headers };
  return new RmqRecordBuilder(data).setOptions({ ...options, headers }).build();
}

/** { send(pattern, data, with), emit(pattern, data, with), close() }; `with` is { limit (ms), headers, options }. */
const nestCaller = {
  name: 'a NestJS client',
  async open(url, { patterns } = {}) {
    const client = makeNestClient(url, { patterns });
    await (carrierOf(url).missesEarlyReplies ? untilAnswered(client) : client.connect());
    const data = (value, extra) => nestData(carrierOf(url), value, extra);
    return {
      send: (pattern, value, extra) => outcomeOf(client.send(pattern, data(value, extra)), extra),
      emit: (pattern, value, extra) => outcomeOf(client.emit(pattern, data(value, extra))),
      close: () => client.close(),
    };
  },
};

const commandLine = {
  name: 'the command line',
  async open(url) {
    const flags = ({ limit = 10_000, headers, options }) => [
      '--timeout', `${limit}ms`, '--connect-timeout', '15s',
      ...(headers ? ['--headers', json(headers)] : []),
      ...(options ? ['--options', json(options)] : []),
    ];
    const call = (command, pattern, value, extra = {}) =>
      cli([command, url, json(pattern), '-', ...flags(extra)], { input: json(value) });
    return {
      async send(pattern, value, extra) {
        const result = await call('request', pattern, value, extra);
        const outcome = outcomeOfCli(result);
        if (result.code !== 4) return outcome;
        delete outcome.error;
        return outcome;
      },
      async emit(pattern, value, extra) {
        const { code, stderr } = await call('emit', pattern, value, extra);
        if (code !== 0) throw new Error(`emit ended with ${code}: ${stderr}`);
        return { values: [], ended: true };
      },
      close: async () => {},
    };
  },
};

/** start(url) resolves to { url (for callers), stop() }. */
const nestService = {
  name: 'NestJS',
  async start(url) {
    await carrierOf(url).prepare();
    const service = await startNestService(conformanceHandlers({ url }), { url });
    const probe = makeNestClient(callerUrl(url), { patterns: ['conf.echo'] });
    await untilAnswered(probe);
    await probe.close();
    return { url: callerUrl(url), stop: () => service.close() };
  },
};

const waybillService = {
  name: 'waybill',
  async start(url) {
    const service = await startConformanceService({}, { url });
    return { url: callerUrl(url), stop: service.stop, child: service.child, log: service.log };
  },
};

export const callers = { nest: nestCaller, cli: commandLine };
export const services = { nest: nestService, waybill: waybillService };

/** Every pairing with a waybill in it; INTEROP_SELF=1 tests the tests: NestJS alone. */
export const pairings = process.env.INTEROP_SELF
  ? [[nestCaller, nestService]]
  : [[nestCaller, waybillService], [commandLine, nestService], [commandLine, waybillService]];

/** Runs `use({ caller, service, url, value(pattern, data), eventually(...) })` with both up, and takes all down again. */
export async function meeting([caller, service], options, use) {
  const url = newPlace(options);
  const running = await service.start(url);
  try {
    const calling = await caller.open(running.url);
    try {
      return await use({ ...asking(calling), caller: calling, service: running, url, callerUrl: running.url });
    } finally {
      await calling.close();
    }
  } finally {
    await running.stop();
    await carrierOf(url).clean(url);
  }
}

/** `value`: the only value of a reply. `eventually`: asks until the answer pleases, for what events do. */
export function asking(caller) {
  const value = async (pattern, data, extra) => {
    const outcome = await caller.send(pattern, data, extra);
    if (outcome.error !== undefined || outcome.values.length !== 1) throw new Error(`${pattern}: ${json(outcome)}`);
    return outcome.values[0];
  };
  const eventually = async (pattern, data, pleases, limit = 10_000) => {
    const deadline = performance.now() + limit;
    for (;;) {
      const answer = await value(pattern, data);
      if (pleases(answer) || performance.now() > deadline) return answer;
    }
  };
  return { value, eventually };
}
