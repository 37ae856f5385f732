// RabbitMQ without NestJS: what tests look at, and what they leave.
import amqplib from 'amqplib';

/** A channel that swallows its errors, for `use(channel)`. */
export async function withChannel(url, use) {
  const connection = await amqplib.connect(url.split('?')[0]);
  connection.on('error', () => {});
  try {
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    const result = await use(channel);
    await channel.close().catch(() => {});  // what was published is on its way only then
    return result;
  } finally {
    await connection.close();
  }
}

export const deleteQueues = (url, queues, exchanges = []) => withChannel(url, async channel => {
  for (const queue of queues.filter(Boolean)) await channel.deleteQueue(queue);
  for (const exchange of exchanges.filter(Boolean)) await channel.deleteExchange(exchange);
});
