// NestJS without a TypeScript compiler: controllers are built by calling the decorators by hand.
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, Ctx, EventPattern, MessagePattern, Payload, Transport } from '@nestjs/microservices';

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

/** Starts a NestJS TCP microservice; resolves to { port, url, close() }. */
export async function startNestService(handlers, { port = 0, ...options } = {}) {
  class InteropModule {}
  Module({ controllers: [makeController(handlers)] })(InteropModule);
  const app = await NestFactory.createMicroservice(InteropModule, {
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port, ...options },
    logger: process.env.INTEROP_LOG ? undefined : false,
  });
  await app.listen();
  const bound = app.unwrap().address().port;
  return { port: bound, url: `tcp://127.0.0.1:${bound}`, close: () => app.close() };
}

/** A NestJS TCP client; `metadata` is added to every packet that it sends. */
export function makeNestClient(port, { metadata } = {}) {
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  if (metadata) client.setOnDispatchHook(packet => { packet.metadata = metadata; });
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
