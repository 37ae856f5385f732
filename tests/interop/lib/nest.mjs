// NestJS without a TypeScript compiler: controllers are built by calling the decorators by hand.
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { carrierOf } from './carriers.mjs';
import { kafkaPatterns } from './kafka.mjs';

/** A handler table entry: `run(data, context)` answers requests with `pattern`. */
export const onRequest = (pattern, run) => ({ decorate: MessagePattern, pattern, run });
/** The same for events; several entries of one pattern all run. */
export const onEvent = (pattern, run) => ({ decorate: EventPattern, pattern, run });

function makeController(handlers) {
  class InteropController {}
  handlers.forEach(({ decorate, pattern, run }, index) => {
    const method = `handler${index}`;
    InteropController.prototype[method] = async (data, context) => run(data, context);
    const descriptor = Object.getOwnPropertyDescriptor(InteropController.prototype, method);
    decorate(pattern)(InteropController.prototype, method, descriptor);
    Payload()(InteropController.prototype, method, 0);
    Ctx()(InteropController.prototype, method, 1);
  });
  Controller()(InteropController);
  return InteropController;
}

/** Starts a NestJS microservice at `url`; resolves to { url, port (of TCP), close() }. */
export async function startNestService(handlers, { url = 'tcp://127.0.0.1:0' } = {}) {
  class InteropModule {}
  Module({ controllers: [makeController(handlers)] })(InteropModule);
  const { transport, server } = carrierOf(url).nest(url);
  const app = await NestFactory.createMicroservice(InteropModule, {
    transport,
    options: server,
    logger: process.env.INTEROP_LOG ? undefined : false,
  });
  await app.listen();
  const close = async () => {
    // NestJS leaves the broker's confirmation of a reply to itself: one that is still out would end the process.
    if (carrierOf(url).name === 'rmq') await new Promise(resolve => setTimeout(resolve, 100));
    await app.close();
  };
  if (carrierOf(url).name !== 'tcp') return { url, close };
  const { port } = app.unwrap().address();
  return { url: `tcp://127.0.0.1:${port}`, port, close };
}

/** A NestJS client; `metadata` is added to every packet that it sends; on Kafka it can send `patterns`. */
export function makeNestClient(url, { metadata, patterns = kafkaPatterns, options = {} } = {}) {
  const { transport, client: settings } = carrierOf(url).nest(url);
  const client = ClientProxyFactory.create({ transport, options: { ...settings, ...options } });
  if (metadata) client.setOnDispatchHook(packet => { packet.metadata = metadata; });
  if (carrierOf(url).name === 'kafka') patterns.forEach(pattern => client.subscribeToResponseOf(pattern));
  return client;
}

/** An error as the caller can compare it: what the peer answered, or { local: message } for an error of this side. */
const comparable = error => (error instanceof Error ? { local: error.message } : error);

/** Subscribes; resolves to { values, error?, ended } when the observable ends or `limit` ms are over (ended: false). */
export function outcomeOf(observable, { limit = 10_000 } = {}) {
  return new Promise(resolve => {
    const outcome = { values: [], ended: false };
    const finish = () => {
      clearTimeout(timer);
      resolve(outcome);
    };
    const timer = setTimeout(() => {
      subscription.unsubscribe();
      finish();
    }, limit);
    const subscription = observable.subscribe({
      next: value => outcome.values.push(value),
      error: error => {
        outcome.error = comparable(error);
        outcome.ended = true;
        finish();
      },
      complete: () => {
        outcome.ended = true;
        finish();
      },
    });
  });
}

/** Asks `pattern` until it is answered: a client that is new to its broker may miss what comes at once. */
export async function untilAnswered(client, pattern = 'conf.echo', data = 'ready?', { limit = 20_000 } = {}) {
  const deadline = performance.now() + limit;
  await client.connect();
  while (!(await outcomeOf(client.send(pattern, data), { limit: 500 })).ended) {
    if (performance.now() > deadline) throw new Error(`nobody answers ${JSON.stringify(pattern)}`);
  }
  return client;
}
