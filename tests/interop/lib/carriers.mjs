// What tells one carrier from another, for the tests that run over each of them: WAYBILL_INTEROP_CARRIER names it.
// A "place" is where a service and its callers meet: its URL has a queue or group that no other run uses.
import { Transport } from '@nestjs/microservices';
import { prepareTopics } from './kafka.mjs';
import { deleteQueues } from './rmq.mjs';

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1';
const run = `${process.pid}-${Date.now() % 1_000_000}`;
let places = 0;
/** A name that no other test, process or run uses. */
export const freshName = () => `interop-${run}-${++places}`;

/** `url` with more options behind it; undefined ones are left out. */
export function withOptions(url, options = {}) {
  const [base, query = ''] = url.split('?');
  const params = new URLSearchParams(query);
  for (const [name, value] of Object.entries(options)) if (value !== undefined) params.set(name, value);
  const text = String(params);
  return text ? `${base}${base.endsWith('/') ? '' : '/'}?${text}` : url;
}

/** What an URL says, for NestJS: { at(option), isTrue(option), credentials, host, port }. */
function reading(url) {
  const { searchParams, username, password, hostname, port } = new URL(url.replace(/^\w+:/, 'http:'));
  const at = name => searchParams.get(name) ?? undefined;
  const flag = name => (at(name) === undefined ? undefined : at(name) === 'true');
  return { at, flag, username, password, host: hostname, port: Number(port) };
}
const defined = object => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
const silent = () => () => {};

const brokerUrl = variable => {
  const url = process.env[variable];
  if (!url) throw new Error(`${variable} is not set: eval "$(scripts/brokers.sh up)"`);
  return url;
};
const same = value => value;

/** A value as it looks after one way over Kafka: scalars have become texts. */
function kafkaText(value) {
  if (value === undefined || value === null) return null;
  if (typeof value === 'object') return value;
  const text = String(value);
  if (!/^[{[]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const common = {
  place: () => ({}),                // options of the URL that make a place
  prepare: async () => {},          // once, before anything meets there
  clean: async () => {},            // after a place is left; gets its URL
  hasObjectPatterns: true,          // { cmd: x } and texts beyond letters, digits and dots
  answersNobody: true,              // a pattern without a handler is answered with an error
  answersRequestsToEvents: true,
  missesEarlyReplies: false,        // a NestJS client is connected before it knows where in its reply topics it begins
  isSequential: false,              // NestJS handles one message after the other
  large: 1024 * 1024,               // characters of the largest payload that is tried
  manyValues: 2000,                 // of the longest stream that is tried
  metadata: false,                  // the packet's metadata reaches handlers
  headers: null,                    // field of `meta` with the headers, where the carrier has some
  seen: same,                       // a value after one crossing
  none: [],                         // values of a reply that has none
  lateEnd: [],                      // what comes behind the values when the end comes after them
};

const carriers = {
  tcp: {
    ...common,
    url: () => 'tcp://127.0.0.1:0',
    metadata: true,
    meta: pattern => ({ pattern, metadata: null }),
    fieldsOf: context => ({ pattern: context.getPattern(), metadata: context.getMetadata() ?? null }),
    nest(url) {
      const { host, port } = reading(url);
      return { transport: Transport.TCP, server: { host, port }, client: { host, port } };
    },
  },
  redis: {
    ...common,
    variable: 'WAYBILL_TEST_REDIS_URL',
    url: () => brokerUrl('WAYBILL_TEST_REDIS_URL'),
    answersNobody: false,
    metadata: true,
    meta: pattern => ({ pattern, metadata: null }),
    fieldsOf: context => ({ pattern: context.getChannel(), metadata: context.getMetadata() ?? null }),
    nest(url) {
      const { host, port, username, password, flag } = reading(url);
      const address = defined({ host, port, username: username || undefined, password: password || undefined });
      return { transport: Transport.REDIS, server: { ...address, wildcards: flag('wildcards') }, client: address };
    },
  },
  rmq: {
    ...common,
    variable: 'WAYBILL_TEST_AMQP_URL',
    url: () => brokerUrl('WAYBILL_TEST_AMQP_URL'),
    place: () => ({ queue: freshName() }),
    clean: url => deleteQueues(url, [reading(url).at('queue')], [reading(url).at('exchange') ?? reading(url).at('queue')]),
    headers: 'headers',
    meta: pattern => ({ pattern, headers: {}, priority: null, persistent: false, contentType: null }),
    fieldsOf(context) {
      const { headers, priority, deliveryMode, contentType } = context.getMessage().properties;
      return {
        pattern: context.getPattern(),
        headers: headers ?? {},
        priority: priority ?? null,
        persistent: deliveryMode === 2,
        contentType: contentType ?? null,
      };
    },
    nest(url) {
      const { at, flag } = reading(url);
      const deadLetterExchange = at('deadLetterExchange');
      const both = defined({
        urls: [url.split('?')[0]],
        queue: at('queue') ?? '',
        wildcards: flag('wildcards'),
        exchange: at('exchange'),
        exchangeType: at('exchangeType'),
        routingKey: at('routingKey'),
        queueOptions: defined({
          durable: flag('durable'),
          exclusive: flag('exclusive'),
          autoDelete: flag('autoDelete'),
          arguments: deadLetterExchange ? { 'x-dead-letter-exchange': deadLetterExchange } : undefined,
        }),
      });
      return {
        transport: Transport.RMQ,
        server: { ...both, ...defined({ noAck: flag('noAck'), prefetchCount: at('prefetchCount') && Number(at('prefetchCount')) }) },
        client: { ...both, ...defined({ persistent: flag('persistent') }) },
      };
    },
  },
  kafka: {
    ...common,
    variable: 'WAYBILL_TEST_KAFKA_URL',
    url: () => brokerUrl('WAYBILL_TEST_KAFKA_URL'),
    place: () => ({ groupId: freshName() }),
    prepare: () => prepareTopics(brokerUrl('WAYBILL_TEST_KAFKA_URL')),
    hasObjectPatterns: false,
    answersNobody: false,
    answersRequestsToEvents: false,
    missesEarlyReplies: true,
    isSequential: true,
    large: 1_000_000,
    manyValues: 300,
    headers: 'headers',
    seen: kafkaText,
    none: [null],
    lateEnd: [null],
    meta: pattern => ({ pattern, partition: 0, recordKey: null, headers: {} }),
    fieldsOf(context) {
      const { key, headers } = context.getMessage();
      const own = Object.entries(headers).filter(([name]) => !name.startsWith('kafka_'));
      return {
        pattern: context.getTopic(),
        partition: context.getPartition(),
        recordKey: key ?? null,
        headers: Object.fromEntries(own),
      };
    },
    nest(url) {
      const { host, port, at } = reading(url);
      const options = {
        client: { brokers: [`${host}:${port}`], clientId: at('clientId') ?? 'interop', logCreator: silent },
        consumer: { groupId: at('groupId') ?? freshName(), maxWaitTimeInMs: 50 },
      };
      // Another group for each client: with one group, a second client would get no partition of the reply topics.
      const client = { ...options, consumer: { ...options.consumer, groupId: freshName() } };
      return { transport: Transport.KAFKA, server: options, client };
    },
  },
};
for (const [name, each] of Object.entries(carriers)) each.name = name;

const schemes = { tcp: 'tcp', redis: 'redis', amqp: 'rmq', kafka: 'kafka' };
/** The carrier of a URL. */
export const carrierOf = url => carriers[schemes[/^\w+/.exec(url)[0]]];
/** The carrier that this run is about. */
export const carrier = carriers[process.env.WAYBILL_INTEROP_CARRIER ?? 'tcp'];

/** The URL of a new place, with `options`. */
export const newPlace = (options, of = carrier) => withOptions(of.url(), { ...of.place(), ...options });
