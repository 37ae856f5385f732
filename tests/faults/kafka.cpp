// What faults do to a Kafka broker behind the back of services (scripts/faults.sh).
//
//   faults_kafka URL create TOPIC PARTITIONS | remove TOPIC | allow USER | forbid USER
#include "../integration/kafka_admin.hpp"

#include <iostream>

int main(int count, char** arguments) {
  if (count < 4) return 2;
  const std::string what = arguments[2];
  const std::string name = arguments[3];
  try {
    waybill::test::KafkaAdmin admin(arguments[1]);
    if (what == "create" && count == 5)
      admin.create(name, std::atoi(arguments[4]));
    else if (what == "remove")
      admin.remove(name);
    else if (what == "allow")
      admin.allow_all(name);
    else if (what == "forbid")
      admin.forbid_all(name);
    else
      return 2;
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << std::endl;
    return 1;
  }
}
