#!/usr/bin/env bash
# Brings up the brokers that tests need, each on ports of its own under a folder of its own: brokers that are already on
# the machine are never touched. Installs what is missing (Debian's packages; Kafka's jars from Maven Central).
#
#   eval "$(scripts/brokers.sh up)"               all: redis, rabbitmq, kafka; sets WAYBILL_TEST_REDIS_URL and so on
#   scripts/brokers.sh up|down|status [NAME...]   some of them; `up` is idempotent and returns when they answer
#   scripts/brokers.sh env [NAME...]              the variables again
#   scripts/brokers.sh kill NAME...               SIGKILL, for tests of outages; data and ports stay
#   scripts/brokers.sh start NAME...              starts killed ones again and returns when they answer
#   scripts/brokers.sh freeze|thaw NAME...        SIGSTOP and SIGCONT: it is there, and does nothing
#   scripts/brokers.sh wipe                       down, and removes their data
#   scripts/brokers.sh rabbitmqctl ARGUMENT...    RabbitMQ's own command line, on this broker
#   scripts/brokers.sh ACTION --newer ...         the same for the next generation: RabbitMQ 4.0, Redis 8 and Kafka 4, in
#                                                 a folder of their own (Debian 13 in a tree; needs root)
#
# WAYBILL_BROKERS_DIR: the folder (default build/brokers). Another folder is another set of brokers: a test that kills a
# broker brings its own. Everything but the variables is said on standard error.
set -euo pipefail
exec 3>&1 1>&2  # 3 is for the variables
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
known=(redis rabbitmq kafka)
usage() { sed -n '5,17s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2; }

[ "$#" -gt 0 ] || usage
action="$1"
shift
enter=()  # how to run a program of the newer generation; empty: this system's
newer="${WAYBILL_BROKERS_NEWER:-}"
if [ "${1:-}" = --newer ]; then
  newer=1
  shift
fi
arguments=()
if [ "$action" = rabbitmqctl ]; then
  arguments=("$@")
  set -- rabbitmq
fi
names=("$@")
[ "${#names[@]}" -gt 0 ] || names=("${known[@]}")
for name in "${names[@]}"; do
  case " ${known[*]} " in *" $name "*) ;; *) die "unknown broker '$name': ${known[*]}" ;; esac
done

folder="${WAYBILL_BROKERS_DIR:-$root/build/brokers${newer:+-newer}}"
mkdir -p "$folder"
folder="$(cd "$folder" && pwd)"
if [ -n "$newer" ]; then
  export WAYBILL_KAFKA_VERSION="${WAYBILL_KAFKA_VERSION:-4.1.2}"
  . "$root/scripts/lib/brokers/newer.sh"
  enter=("${newer_enter[@]}")
fi
for file in tls redis rabbitmq kafka; do . "$root/scripts/lib/brokers/$file.sh"; done

is_free() { ! (exec 4<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# port_of NAME: the port that this set of brokers uses for NAME; chosen once, below the range the kernel hands out.
port_of() {
  local file="$folder/ports/$1"
  mkdir -p "$folder/ports"
  [ -s "$file" ] || choose_port "$file"
  cat "$file"
}

# choose_port FILE: into FILE a port that nobody listens on, and that no other set has chosen: a broker listens seconds
# after its ports were chosen. Each set notes its ports in a folder that all share; what is noted counts while they have it.
choose_port() {
  local all="${TMPDIR:-/tmp}/waybill-ports-$(id -u)" port owner
  mkdir -p "$all"
  (
    flock 6
    for _ in {1..100}; do
      port=$((20000 + RANDOM % 12000))
      owner="$(cat "$all/$port" 2>/dev/null || true)"
      [ -n "$owner" ] && grep -qsx "$port" "$owner"/ports/* && continue
      is_free "$port" || continue
      echo "$folder" >"$all/$port"
      echo "$port" >"$1"
      exit
    done
    die "no port is free between 20000 and 32000"
  ) 6>"$all/lock"
}

# forget_taken_ports NAME: those that somebody else has by now are chosen again. Erlang's daemon may well be our own.
forget_taken_ports() {
  local file
  for file in "$folder/ports/$1" "$folder/ports/$1"-*; do
    [ -s "$file" ] && [ "$file" != "$folder/ports/rabbitmq-epmd" ] || continue
    is_free "$(cat "$file")" || rm -f "$file"
  done
}

# group_of NAME: the process group of a broker that runs, or nothing. Its command line and environment are compared, so that
# a process that has taken over an old number is never mistaken for ours. While a process executes its next program both
# are empty for a moment, as a dead one's are for good: one look is not enough to call it gone.
group_of() {
  local pid looks
  pid="$(cat "$folder/$1/pid" 2>/dev/null)" || return 1
  [ -n "$pid" ] || return 1
  for looks in 1 2 3 4 5; do
    [ "$looks" = 1 ] || sleep 0.02
    grep -qsE '^State:[[:space:]]+[^ZX]' "/proc/$pid/status" || return 1
    grep -qsF -- "$folder/$1" "/proc/$pid/cmdline" "/proc/$pid/environ" && echo "$pid" && return
  done
  return 1
}

# launch NAME COMMAND...: in a process group of its own, so that kill reaches all of it; its log is NAME/log.
launch() {
  local name="$1"
  shift
  WAYBILL_BROKER_HOME="$folder/$name" setsid "$@" >>"$folder/$name/log" 2>&1 </dev/null 3>&- 9>&- &
  echo "$!" >"$folder/$name/pid"
  # Until it is the broker, and no copy of this script any more: group_of would not know it.
  until group_of "$name" >/dev/null || ! kill -0 "$!" 2>/dev/null; do sleep 0.01; done
}

wait_until_healthy() {
  local name="$1" deadline=$((SECONDS + 180))
  until "${name}_is_healthy" 2>/dev/null; do
    group_of "$name" >/dev/null || {
      tail -n 20 "$folder/$name/log"
      die "$name ended while it started; see $folder/$name/log"
    }
    [ "$SECONDS" -lt "$deadline" ] || die "$name does not answer after 180 s; see $folder/$name/log"
    sleep 0.1
  done
}

launch_all() {
  for name in "${names[@]}"; do
    if group_of "$name" >/dev/null; then
      say "$name: already up"
    else
      mkdir -p "$folder/$name"
      [ "$action" = start ] || forget_taken_ports "$name"  # one that is started again is where its clients know it
      "${name}_prepare"
      "${name}_start"
    fi
  done
  for name in "${names[@]}"; do
    wait_until_healthy "$name"
    say "$name: up (${folder/#"$root"\//}/$name)"
  done
}

stop_one() {
  local name="$1" pid
  pid="$(group_of "$name")" || { say "$name: not up"; return; }
  kill -TERM -- "-$pid" 2>/dev/null || true
  kill -CONT -- "-$pid" 2>/dev/null || true
  for _ in {1..100}; do
    kill -0 -- "-$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL -- "-$pid" 2>/dev/null || true
  rm -f "$folder/$name/pid"
  if declare -F "${name}_after_stop" >/dev/null; then "${name}_after_stop"; fi
  say "$name: down"
}

kill_one() {
  local pid
  pid="$(group_of "$1")" || die "$1 is not up"
  kill -KILL -- "-$pid"
  # Until nothing of the group is left to hold its ports.
  while kill -0 -- "-$pid" 2>/dev/null && grep -qsvE '^[0-9]+ \(.*\) Z' "/proc/$pid/stat"; do sleep 0.02; done
  rm -f "$folder/$1/pid"
  say "$1: killed"
}

# still_runs GROUP: whether one of its threads has not stopped yet.
still_runs() {
  cat /proc/[0-9]*/task/[0-9]*/stat 2>/dev/null |
    awk -v group="$1" '{ sub(/^.*\) /, "") } $3 == group && $1 !~ /[TtZX]/ { runs = 1 } END { exit !runs }'
}

signal_one() {
  local pid
  pid="$(group_of "$2")" || die "$2 is not up"
  kill "-$1" -- "-$pid"
}

# Returns when nothing of it runs any more: SIGSTOP reaches the threads of a process one after the other.
freeze_one() {
  signal_one STOP "$1"
  for _ in {1..250}; do
    still_runs "$(cat "$folder/$1/pid")" || return 0
    sleep 0.02
  done
  die "$1 still runs 5 s after SIGSTOP"
}

exec 9>"$folder/lock"
case "$action" in
  up)
    flock 9
    for name in "${names[@]}"; do "${name}_install"; done
    launch_all
    for name in "${names[@]}"; do "${name}_variables" >&3; done
    ;;
  start)
    flock 9
    launch_all
    ;;
  down)
    flock 9
    for name in "${names[@]}"; do stop_one "$name"; done
    ;;
  kill)
    flock 9
    for name in "${names[@]}"; do kill_one "$name"; done
    ;;
  freeze) for name in "${names[@]}"; do freeze_one "$name"; done ;;
  thaw) for name in "${names[@]}"; do signal_one CONT "$name"; done ;;
  wipe)
    flock 9
    for name in "${known[@]}"; do
      stop_one "$name"
      rm -rf "${folder:?}/$name" "${folder:?}/ports/$name"*
    done
    ;;
  env)
    for name in "${names[@]}"; do
      group_of "$name" >/dev/null || die "$name is not up"
      "${name}_variables" >&3
    done
    ;;
  rabbitmqctl)
    group_of rabbitmq >/dev/null || die "rabbitmq is not up"
    rabbitmq_ctl "${arguments[@]}" >&3
    ;;
  status)
    down=0
    for name in "${names[@]}"; do
      if group_of "$name" >/dev/null && "${name}_is_healthy" 2>/dev/null; then
        echo "$name up port $(port_of "$name")" >&3
      else
        echo "$name down" >&3
        down=1
      fi
    done
    exit "$down"
    ;;
  *) usage ;;
esac
