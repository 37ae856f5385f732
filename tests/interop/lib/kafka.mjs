// Kafka's topics: they must be there before anybody subscribes to them. They stay for the next test; cleanup.mjs drops them.
import { Kafka } from 'kafkajs';

const operations = 'sum hello echo type delay none null false zero text nested stream streamObjects promiseStream empty ' +
  'open never error big length meta instance tally count last log reset';
const events = 'event event.raw event.value event.multi event.fails';
const texts = [...operations.split(' '), ...events.split(' ')].map(name => `conf.${name}`);
/** Every pattern of the conformance service that is a legal name of a topic. */
export const kafkaPatterns = [...texts, 'conf.nobody', '4242', 'true', '1.0', 'conf-rx.one', 'conf-rx.two.words'];
const topics = kafkaPatterns.flatMap(pattern => [pattern, `${pattern}.reply`]);

export const kafkaOf = url => new Kafka({
  clientId: 'interop-admin',
  brokers: [new URL(url.replace(/^kafka:/, 'http:')).host],
  logCreator: () => () => {},
});

async function withAdmin(url, use) {
  const admin = kafkaOf(url).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Waits until each topic has a leader. kafkajs's own waiting gives up where a broker has not heard of a new topic yet. */
async function untilLed(admin, names) {
  const isLed = ({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0);
  const deadline = performance.now() + 60_000;
  for (;;) {
    const seen = await admin.fetchTopicMetadata({ topics: names }).catch(error => ({ error }));
    if (seen.topics?.every(isLed)) return;
    if (performance.now() > deadline) throw seen.error ?? new Error('new topics have no leaders');
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

/** Creates the topics that are missing, `names` besides those of the service; with one partition unless told otherwise. */
export const prepareTopics = (url, names = {}) => withAdmin(url, async admin => {
  const there = new Set(await admin.listTopics());
  const wanted = { ...Object.fromEntries(topics.map(topic => [topic, 1])), ...names };
  const missing = Object.entries(wanted)
    .filter(([topic]) => !there.has(topic))
    .map(([topic, numPartitions]) => ({ topic, numPartitions, replicationFactor: 1 }));
  if (missing.length === 0) return;
  await admin.createTopics({ topics: missing, waitForLeaders: false });
  await untilLed(admin, missing.map(({ topic }) => topic));
});

/** Removes what these tests left: topics and groups. */
export const cleanKafka = url => withAdmin(url, async admin => {
  const there = await admin.listTopics();
  const ours = there.filter(topic => topics.includes(topic) || /^(conf-rx\.|interop-|trace\.)/.test(topic));
  if (ours.length > 0) await admin.deleteTopics({ topics: ours });
  const { groups } = await admin.listGroups();
  const left = groups.map(({ groupId }) => groupId).filter(id => id.startsWith('interop-'));
  if (left.length > 0) await admin.deleteGroups(left).catch(() => {});  // a group whose members were killed lives on a while
});
