// The conformance handlers, written for NestJS: what examples/conformance_service does, done by the peer.
import { BadRequestException } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { EMPTY, NEVER, Observable, concat, from, interval, map, of, range, take, throwError, timer } from 'rxjs';
import { carrierOf } from './carriers.mjs';
import { onEvent, onRequest } from './nest.mjs';

const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
const endAfter = ms => new Observable(observer => {
  const handle = setTimeout(() => observer.complete(), ms);
  return () => clearTimeout(handle);
});

function typeOf(data) {
  if (data === undefined) return 'none';
  if (data === null) return 'null';
  if (Buffer.isBuffer(data)) return 'binary';
  return Array.isArray(data) ? 'array' : typeof data;
}

function numbers(d) {
  const { start = 1, count = 3, intervalMs = 0, completeAfterMs = 0 } = d ?? {};
  const values = intervalMs > 0 ? interval(intervalMs).pipe(take(count), map(i => i + start)) : range(start, count);
  return completeAfterMs > 0 ? concat(values, endAfter(completeAfterMs)) : values;
}

const failures = {
  string: () => { throw new RpcException('boom'); },
  emptyString: () => { throw new RpcException(''); },
  object: () => { throw new RpcException({ code: 'E42', message: 'boom', details: { n: 1, text: '한글 😀' } }); },
  emptyObject: () => { throw new RpcException({}); },
  array: () => { throw new RpcException([1, 'two']); },
  number: () => { throw new RpcException(42); },
  null: () => { throw new RpcException(null); },
  unknown: () => { throw new Error('a secret'); },
  http: () => { throw new BadRequestException('a bad request'); },
  async: async () => { await pause(20); throw new RpcException('late boom'); },
  stream: () => throwError(() => new RpcException('stream boom')),
  afterTwo: () => concat(of(1, 2), throwError(() => new RpcException('after two'))),
  afterTwoAsync: () => concat(interval(15).pipe(take(2), map(i => i + 1)), throwError(() => new RpcException('after two'))),
};

/** All handlers for a service at `url`, with a state of their own. */
export function conformanceHandlers({ url = 'tcp:', instance = new URLSearchParams(url.split('?')[1]).get('instance') ?? '' } = {}) {
  const carrier = carrierOf(url);
  const isOn = option => new RegExp(`[?&]${option}(&|$)`).test(url);
  const counters = new Map();
  const last = new Map();
  const log = new Map();
  const add = (name, n) => {
    counters.set(name, (counters.get(name) ?? 0) + n);
    return { count: counters.get(name) };
  };
  const meta = context => carrier.fieldsOf(context);

  const operations = {
    sum: d => (Array.isArray(d) ? d.reduce((a, b) => a + b, 0) : 0),
    hello: d => `Hello, ${d}!`,
    echo: d => d,
    type: d => ({ type: typeOf(d) }),
    delay: async d => { await pause(d.ms); return d.tag; },
    none: () => undefined,
    null: () => null,
    false: () => false,
    zero: () => 0,
    text: () => '한글 😀 "q" \\ \n\t\u0001',
    nested: () => ({ b: 1, a: { z: null, y: [1, 'two', { x: true }] } }),
    stream: numbers,
    streamObjects: d => range(0, d.count).pipe(map(i => ({ i }))),
    promiseStream: async () => { await pause(5); return from(['p', 'q']); },
    empty: d => (d?.ms > 0 ? endAfter(d.ms) : EMPTY),
    open: () => concat(of(1), NEVER),
    never: () => NEVER,
    error: d => failures[d.kind](),
    big: d => 'x'.repeat(d.size),
    length: d => ({ utf16: d.length, utf8: Buffer.byteLength(d) }),
    meta: (d, context) => ({ data: d, ...meta(context) }),
    instance: () => ({ instance }),
    tally: d => add(d.name, 1),
    count: d => ({ count: counters.get(d.name) ?? 0 }),
    last: d => last.get(d.name) ?? { data: null, none: true },
    log: d => ({ items: log.get(d.name) ?? [] }),
    reset: () => {
      counters.clear();
      last.clear();
      log.clear();
      return { done: true };
    },
  };
  const events = {
    event: [(d, context) => {
      add(d.name, d.n ?? 1);
      last.set(d.name, { data: d, ...meta(context) });
      log.set(d.name, [...(log.get(d.name) ?? []), d.seq ?? null]);
    }],
    'event.raw': [d => { last.set('raw', { data: d ?? null, type: typeOf(d) }); }],
    'event.value': [() => 'event-result'],
    'event.multi': [d => { add(d.name, 1); }, d => { add(d.name, 10); }],
    'event.fails': [d => { add(d.name, 1); throw new Error('an event handler that fails'); }],
  };
  const others = [
    [4242, 'number pattern'],
    ['true', 'unreachable'],
    ['1.0', 'unreachable'],
    [{ role: 'item', op: { id: 7, get: true } }, 'nested pattern'],
    [{ cmd: 'q"uo\\te' }, 'escaped pattern'],
    [{ cmd: '주문', e: '😀' }, 'unicode object pattern'],
    ['주문.조회.🏓', 'unicode pattern'],
    [{ B: 1, a: 2, A: 3, b: 4, a_b: 5, 'a-b': 6, 10: 7, 9: 8 }, 'collated pattern'],
  ];

  if (carrier.name === 'kafka') delete events['event.fails'];

  const named = (name, key) => (carrier.hasObjectPatterns ? [`conf.${name}`, { [key]: name }] : [`conf.${name}`]);
  const all = [
    ...Object.entries(operations).flatMap(([name, run]) => named(name, 'cmd').map(pattern => onRequest(pattern, run))),
    ...Object.entries(events).flatMap(([name, runs]) =>
      named(name, 'ev').flatMap(pattern => runs.map(run => onEvent(pattern, run)))),
    ...others
      .filter(([pattern]) => carrier.hasObjectPatterns || /^[\w.]+$/.test(pattern))
      .map(([pattern, answer]) => onRequest(pattern, () => answer)),
    ...wildcardHandlers({ carrier, isOn, add, fieldsOf: meta }),
  ];
  return carrier.name === 'rmq' && isOn('noAck=false') ? [...all.map(acknowledging), ...manualHandlers(add)] : all;
}

function wildcardHandlers({ carrier, isOn, add, fieldsOf }) {
  const answer = (pattern, name = pattern) =>
    onRequest(pattern, (_, context) => ({ handler: name, pattern: fieldsOf(context).pattern }));
  if (carrier.name === 'kafka') return [answer(/^conf-rx\..*/, 'regexp')];
  if (!isOn('wildcards=true')) return [];
  const counting = onEvent('wev.*', d => { add(d.name, 1); });
  if (carrier.name === 'redis') return [answer('wild.*.one'), answer('all.*'), counting];
  return [answer('wild.*.one'), answer('all.#'), answer({ a: 1, cmd: 'sorted' }, 'object'), counting];
}

/** With manual acknowledgement: the message first, then the handler. */
const acknowledging = handler => ({
  ...handler,
  run(data, context) {
    context.getChannelRef().ack(context.getMessage());
    return handler.run(data, context);
  },
});

function manualHandlers(add) {
  const settle = (context, how, ...flags) => context.getChannelRef()[how](context.getMessage(), ...flags);
  return [
    onRequest('ack.manual', (_, context) => { settle(context, 'ack'); return 'acked'; }),
    onRequest('ack.leave', () => 'not acked'),
    onEvent('ack.retry', (d, context) => {
      if (add(d.name, 1).count < 3) settle(context, 'nack', false, true);
      else settle(context, 'ack');
    }),
    onEvent('ack.reject', (d, context) => { add(d.name, 1); settle(context, 'nack', false, false); }),
  ];
}
