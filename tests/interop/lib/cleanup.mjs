// Removes what the tests left on Kafka; the other carriers' places go with the test that made them.
import { carrier } from './carriers.mjs';
import { cleanKafka } from './kafka.mjs';

if (carrier.name === 'kafka') await cleanKafka(carrier.url());
