// Redis and RabbitMQ without NestJS: sends recorded bodies as they are, and sees what waybill sends.
import amqplib from 'amqplib';
import { Redis } from 'ioredis';

/** Resolves when `list` has `count` entries, or after `limit` ms. */
async function until(list, count, limit = 5000) {
  const deadline = performance.now() + limit;
  while (list.length < count && performance.now() < deadline) await new Promise(resolve => setTimeout(resolve, 2));
}

/**
 * ask(vector, body, count): sends a recorded request; resolves to `count` replies as { text, ...where it went }.
 * serve(vector, onRequest): hands what is sent to the vector's channel to onRequest({ text, properties, id }, reply).
 */
export const rawBrokers = {
  async redis(url) {
    const { hostname: host, port } = new URL(url);
    const [sender, receiver] = [new Redis({ host, port }), new Redis({ host, port })];
    return {
      async ask({ channel }, body, count) {
        const replies = [];
        const onMessage = (from, text) => replies.push({ text, channel: from });
        receiver.on('message', onMessage);
        await receiver.subscribe(`${channel}.reply`);
        await sender.publish(channel, body);
        await until(replies, count);
        await receiver.unsubscribe(`${channel}.reply`);
        receiver.off('message', onMessage);
        return replies;
      },
      async serve(channel, onRequest) {
        const onMessage = (_, text) =>
          onRequest({ text, id: JSON.parse(text).id }, reply => sender.publish(`${channel}.reply`, reply));
        receiver.on('message', onMessage);
        await receiver.subscribe(channel);
        return async () => {
          await receiver.unsubscribe(channel);
          receiver.off('message', onMessage);
        };
      },
      close() { sender.disconnect(); receiver.disconnect(); },
    };
  },

  async rmq(url) {
    const connection = await amqplib.connect(url.split('?')[0]);
    const channel = await connection.createChannel();
    const queue = new URL(url).searchParams.get('queue');
    const given = properties => Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
    return {
      async ask({ properties }, body, count) {
        const replies = [];
        const { queue: replyTo } = await channel.assertQueue('', { exclusive: true, autoDelete: true });
        const take = message => replies.push({ text: String(message.content), properties: given(message.properties) });
        const { consumerTag } = await channel.consume(replyTo, take, { noAck: true });
        channel.sendToQueue(queue, body, { ...properties, replyTo });
        await until(replies, count);
        await channel.cancel(consumerTag);
        return replies;
      },
      async serve(_, onRequest) {
        await channel.assertQueue(queue);
        const { consumerTag } = await channel.consume(queue, message => {
          const { replyTo, correlationId } = message.properties;
          onRequest({ text: String(message.content), properties: given(message.properties), id: correlationId },
            reply => channel.sendToQueue(replyTo, Buffer.from(reply), { correlationId }));
        }, { noAck: true });
        return () => channel.cancel(consumerTag);
      },
      close: () => connection.close(),
    };
  },
};
