#!/usr/bin/env node
// NestJS beside waybill: the same arguments, workloads and line of JSON as waybill_bench.cpp, on NestJS's own transports
// with their default options. Versions: tests/interop/package.json, whose modules this uses.
//
//   nestjs.mjs server --transport tcp|redis|amqp --port P --broker B --ns NS --ctl C
//   nestjs.mjs client ... --workload rpc|events|fan --inflight N --conns N --payload FILE --warmup S --secs S
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';

// The packages that the tests against NestJS bring.
const packages = createRequire(new URL('../tests/interop/package.json', import.meta.url));
const from = name => import(packages.resolve(name));
await from('reflect-metadata');
const { Controller, Module } = await from('@nestjs/common');
const { NestFactory } = await from('@nestjs/core');
const { ClientProxyFactory, EventPattern, MessagePattern, Payload, Transport } = await from('@nestjs/microservices');

/** Each transport as NestJS has it by default. */
const carriers = {
  tcp: ({ port }) => ({ transport: Transport.TCP, options: { host: '127.0.0.1', port: Number(port) } }),
  redis: ({ broker }) => ({ transport: Transport.REDIS, options: { host: '127.0.0.1', port: Number(broker) } }),
  // Without noDelay amqplib spends 88 ms on a request of 4 KiB, waiting for delayed acknowledgements.
  amqp: ({ broker, ns }) => ({
    transport: Transport.RMQ,
    options: {
      urls: [`amqp://guest:guest@127.0.0.1:${broker}`],
      queue: `${ns}.nest`,
      queueOptions: { durable: false, autoDelete: true },
      socketOptions: { connectionOptions: { noDelay: true } },
    },
  }),
  kafka: ({ broker, ns, mode }) => ({
    transport: Transport.KAFKA,
    options: {
      client: { clientId: ns, brokers: [`127.0.0.1:${broker}`], logLevel: 1 },
      consumer: { groupId: mode === 'server' ? ns : `${ns}.${process.pid}` },
    },
  }),
};
const carrierOf = options => carriers[options.transport](options);
const patternsOf = ({ transport, ns }) =>
  transport === 'tcp' ? { echo: 'echo', event: 'evt' } : { echo: `${ns}.echo`, event: `${ns}.evt` };

const now = () => Number(process.hrtime.bigint());

function parseArguments([mode, ...rest]) {
  const options = { transport: 'tcp', ns: 'bench', port: '3000', broker: '0', ctl: '7002', workload: 'rpc', inflight: '1', conns: '1', warmup: '0.5', secs: '3' };
  for (let i = 0; i + 1 < rest.length; i += 2) options[rest[i].replace(/^--/, '')] = rest[i + 1];
  return { mode, ...options };
}

/** CPU seconds that a process has used; 0 when there is none. Clock ticks are 1/100 s on Linux. */
function cpuOf(pid) {
  if (!pid) return 0;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function peakMemoryMb(pid) {
  const found = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid || 'self'}/status`, 'utf8'));
  return found ? Number(found[1]) / 1024 : 0;
}

/** Warm-up, then a window of fixed length; then one line of JSON. As Meter in harness.hpp. */
class Meter {
  constructor({ transport, warmup, secs, workload, inflight, conns }, payload) {
    this.warmUp = Number(warmup) * 1e9;
    this.window = Number(secs) * 1e9;
    this.created = now();
    this.head = { transport, workload, inflight: Number(inflight) * Number(conns), payload };
    this.server = Number(process.env.SERVER_PID ?? 0);
    this.broker = Number(process.env.BROKER_PID ?? 0);
    this.samples = [];
    this.count = 0;
  }
  cpu() {
    const { user, system } = process.cpuUsage();
    return [(user + system) / 1e6, cpuOf(this.server), cpuOf(this.broker)];
  }
  /** What both ends of the window have in common; true while it lasts. */
  turn(at, count) {
    if (this.end) return false;
    if (this.begin === undefined) {
      if (at - this.created >= this.warmUp) [this.begin, this.base, this.started] = [at, count, this.cpu()];
      return true;
    }
    if (at - this.begin < this.window) return true;
    [this.end, this.count] = [at, count - this.base];
    this.cpuUsed = this.cpu().map((used, i) => used - this.started[i]);
    return false;
  }
  reply(sent, at) {
    if (!this.turn(at, this.samples.length)) return false;
    if (this.begin !== undefined && this.begin !== at) this.samples.push((at - sent) / 1000);
    return true;
  }
  progress(count, at) {
    return this.turn(at, count);
  }
  report(lost = 0) {
    const sorted = Float64Array.from(this.samples).sort();
    const percentile = q => (sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] : 0);
    const secs = (this.end - this.begin) / 1e9;
    const round = (value, digits) => Number(value.toFixed(digits));
    console.log(JSON.stringify({
      ...this.head, msgs_per_s: round(this.count / secs, 0), p50_us: round(percentile(0.5), 1),
      p99_us: round(percentile(0.99), 1), cpu_client_s: round(this.cpuUsed[0], 3),
      cpu_server_s: round(this.cpuUsed[1], 3), cpu_broker_s: round(this.cpuUsed[2], 3), secs: round(secs, 3), lost,
      rss_client_mb: round(peakMemoryMb(0), 1), max_rss_mb: round(peakMemoryMb(this.server), 1),
    }));
  }
}

/** Tells the sender how many events were handled; as EventCounter in harness.hpp. */
function eventCounter(port) {
  let count = 0, toldAt = 0, socket;
  const tell = () => {
    toldAt = now();
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(count));
    socket?.write(bytes);
  };
  createServer(accepted => {
    [socket, count] = [accepted.setNoDelay(true), 0];
    accepted.on('error', () => {});
    tell();
  }).listen(port, '127.0.0.1');
  return () => {
    ++count;
    if ((count & 255) === 0 || ((count & 31) === 0 && now() - toldAt > 5e6)) tell();
  };
}

/** kafkajs subscribes to topics that are there. */
async function createTopics(options, topics) {
  const { Kafka } = await from('kafkajs');
  const admin = new Kafka(carrierOf(options).options.client).admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: topics.map(topic => ({ topic, numPartitions: 1 })) });
  await admin.disconnect();
}

/** A client that is connected. On Kafka the group of the service or of the client may still be joined for seconds: a
 *  request must have been answered. */
async function connected(options) {
  const { echo } = patternsOf(options);
  const client = ClientProxyFactory.create(carrierOf(options));
  client.subscribeToResponseOf?.(echo);
  await client.connect();
  if (options.transport !== 'kafka') return client;
  const answered = () =>
    new Promise(resolve => {
      const waiting = client.send(echo, {}).subscribe({ next: () => resolve(true), error: () => resolve(false) });
      setTimeout(() => (waiting.unsubscribe(), resolve(false)), 500);
    });
  for (let attempts = 60; !(await answered()); --attempts) if (!attempts) throw new Error('the service does not answer');
  return client;
}

async function serve(options) {
  const count = eventCounter(Number(options.ctl));
  const patterns = patternsOf(options);
  if (options.transport === 'kafka') await createTopics(options, [patterns.echo, patterns.event, `${patterns.echo}.reply`]);
  class Orders {
    echo(order) {
      return order;
    }
    event() {
      count();
    }
  }
  for (const [decorate, name] of [[MessagePattern, 'echo'], [EventPattern, 'event']]) {
    decorate(patterns[name])(Orders.prototype, name, Object.getOwnPropertyDescriptor(Orders.prototype, name));
    Payload()(Orders.prototype, name, 0);
  }
  Controller()(Orders);
  class Bench {}
  Module({ controllers: [Orders] })(Bench);
  const service = await NestFactory.createMicroservice(Bench, { ...carrierOf(options), logger: false });
  await service.listen();
  console.log('READY');
}

function fail(error) {
  console.error(error);
  process.exit(1);
}

/** Keeps `inflight` requests under way on each of `conns` clients; each reply sends the next. */
async function call(options, order, size) {
  const { inflight, conns } = options;
  const { echo } = patternsOf(options);
  const clients = await Promise.all(Array.from({ length: Number(conns) }, () => connected(options)));
  const meter = new Meter(options, size);
  const request = client => {
    const sent = now();
    client.send(echo, order).subscribe({
      next: () => {
        if (meter.reply(sent, now())) return request(client);
        if (meter.reported) return;
        meter.reported = true;
        meter.report();
        process.exit(0);
      },
      error: fail,
    });
  };
  for (const client of clients) for (let i = 0; i < Number(inflight); ++i) request(client);
}

/** Sends events as fast as the receiver's count allows; as Sender in waybill_bench.cpp. */
async function sendEvents(options, order, size) {
  const { ctl } = options;
  const { event } = patternsOf(options);
  const client = await connected(options);
  const window = Math.min(16384, Math.max(1024, Math.floor((4 << 20) / size)));
  const burst = 256;
  let sent = 0, acknowledged = 0, left = Buffer.alloc(0), giveUp = 0;
  const control = connect(Number(ctl), '127.0.0.1');
  await new Promise(resolve => control.once('data', resolve));
  control.on('data', bytes => {
    left = Buffer.concat([left, bytes]);
    const whole = left.length - (left.length % 8);
    if (whole) acknowledged = Number(left.readBigUInt64LE(whole - 8));
    left = left.subarray(whole);
  });
  const meter = new Meter(options, size);
  const step = () => {
    const at = now();
    if (!giveUp && !meter.progress(acknowledged, at)) giveUp = at + 5e9;
    if (giveUp && (acknowledged >= sent || at >= giveUp)) {
      meter.report(sent - acknowledged);
      process.exit(0);
    }
    if (!giveUp && sent - acknowledged + burst <= window) {
      for (let i = 0; i < burst; ++i) client.emit(event, order).subscribe({ error: fail });
      sent += burst;
    }
    setImmediate(step);
  };
  step();
}

const options = parseArguments(process.argv.slice(2));
if (options.mode === 'server') {
  await serve(options);
} else if (options.mode === 'client') {
  const text = readFileSync(options.payload);
  const order = JSON.parse(text);
  await (options.workload === 'events' ? sendEvents : call)(options, order, text.length);
} else {
  console.error('nestjs.mjs server|client: see the head of bench/nestjs.mjs');
  process.exit(2);
}
